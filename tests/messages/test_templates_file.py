"""The file of templates: read at start, every fault told at once."""

from pathlib import Path

import pytest

from models import MessageKind
from tests.fakes import APPID
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app
from wxbackend.messages.rules import WORDINGS
from wxbackend.messages.templates import BadTemplates, read_templates
from wxbackend.wechat.messages import fit_fields

GOOD = """
[paid]
template_id = "AbCdEf-0123456789_paid"
fields = { thing1 = "base", amount2 = "amount", time3 = "paid_at" }

[certificate_issued]
template_id = "AbCdEf-0123456789_cert"
page = "pages/mine/index?tab=certificates"
fields = { thing1 = "certificate", character_string2 = "serial", date3 = "issued_on" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "templates.toml"


def faults(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text, "utf-8")
    with pytest.raises(BadTemplates) as caught:
        read_templates(file)
    return caught.value.faults


def test_templates_by_kind(file):
    file.write_text(GOOD, "utf-8")
    found = read_templates(file)
    assert set(found) == {MessageKind.PAID, MessageKind.CERTIFICATE_ISSUED}
    paid, certificate = found[MessageKind.PAID], found[MessageKind.CERTIFICATE_ISSUED]
    assert (paid.id, paid.page) == ("AbCdEf-0123456789_paid", WORDINGS[MessageKind.PAID].page)
    assert certificate.page == "pages/mine/index?tab=certificates"
    facts = {"certificate": "认种认养证书", "serial": "RZ", "issued_on": "2026-03-12", "base": "后山"}
    assert certificate.filled(facts) == {"thing1": "认种认养证书", "character_string2": "RZ", "date3": "2026-03-12"}


def test_without_a_file_there_are_no_templates():
    assert read_templates(None) == {}


def test_every_fault_is_told_at_once(file):
    found = faults(
        file,
        """
[party]
template_id = "AbCdEf-0123456789"
fields = { thing1 = "base" }
[paid]
template_id = "AbCdEf-0123456789"
fields = { thing1 = "holder_name", colour2 = "base" }
[refund]
template_id = "short"
fields = {}
[planted]
template_id = "AbCdEf-0123456789"
fields = { thing1 = "base", thing2 = "base", thing3 = "base", thing4 = "base", thing5 = "base", thing6 = "base" }
extra = 1
[tree_news]
template_id = "AbCdEf-0123456789"
page = "/pages/tree"
fields = { thing1 = "species" }
""",
    )
    text = "; ".join(found)
    for wanted in (
        "party: no such kind of message",
        "paid.fields.thing1: holder_name is not known, only amount, base",
        "paid.fields: colour2 is no field of WeChat's",
        "refund.template_id: ",
        "planted.extra: ",
    ):
        assert wanted in text


def test_two_kinds_share_no_template(file):
    shared = GOOD.replace("_cert", "_paid")
    assert faults(file, shared) == ("template_id AbCdEf-0123456789_paid: used for two kinds",)


def test_a_template_has_at_least_one_field(file):
    assert "1 to 5 fields" in faults(file, '[paid]\ntemplate_id = "AbCdEf-0123456789"\nfields = {}\n')[0]


@pytest.mark.parametrize("text", ["paid = 1", "[paid]\n", "[[paid]]\ntemplate_id = 1\n"])
def test_what_is_no_table_is_told(file, text):
    assert faults(file, text)


@pytest.mark.parametrize("text", ["not toml", b"\xff\xfe"])
def test_an_unreadable_file_is_told(file, text):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadTemplates, match="cannot be read"):
        read_templates(file)


def test_a_missing_file_is_told(file):
    with pytest.raises(BadTemplates, match="cannot be read"):
        read_templates(file)


def test_the_application_does_not_start_with_a_bad_file(file, ports):
    file.write_text("[party]\n", "utf-8")
    settings = Settings(app_env="test", wx_appid=APPID, wx_templates_file=file, _env_file=None)
    with pytest.raises(BadTemplates, match="party"):
        create_app(settings, ports)


def test_the_fields_of_a_good_file_fit_what_wechat_asks_of_them(file):
    """Row 45: facts are of the form that the fields of these kinds want."""
    facts = {
        "base": "示范村一号义务植树基地与古树名木保护小区",
        "amount": "¥1234.50",
        "paid_at": "2026-03-12T12:00:00+08:00",
        "certificate": "认种认养证书",
        "serial": "RZ4452812026000000017",
        "issued_on": "2026-03-12",
        "status": "已颁发",
        "expires_on": "2027-12-31",
        "points": "10",
    }
    wanted = {
        "thing1": "base", "amount2": "amount", "time3": "paid_at", "thing4": "certificate",
        "character_string5": "serial", "date6": "issued_on", "phrase7": "status", "date8": "expires_on",
        "number9": "points",
    }  # fmt: skip
    fitted = fit_fields({field: facts[fact] for field, fact in wanted.items()})
    assert fitted["time3"] == "2026年3月12日 12:00"
    assert fitted["amount2"] == "¥1234.50"
    assert len(fitted["thing1"]) == 20
