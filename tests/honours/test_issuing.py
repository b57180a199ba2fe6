"""What a certificate says, for whom, and that nobody changes it afterwards."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import Certificate, CertificateStatus, DedicationStatus, Pledge, Resident
from tests.content.reviews import approve_profile_name
from wxbackend.core.caller import Caller
from wxbackend.core.db import transaction
from wxbackend.core.errors import NotFound
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxpay import OrderState, TradeState
from wxbackend.honours import service as honours
from wxbackend.honours.service import TOO_LONG, CertificateNotIssued
from wxbackend.honours.tools import issuing_tools

UNDRAWN = "\U0003134a"
ISSUER = Caller(kind="staff", id=1, session_id=1, name="cheng")


@pytest.fixture
def base(walk):
    return walk.make.base()


@pytest.fixture
def me(walk):
    return walk.make.resident()


def mine(walk, me):
    return walk.client.get("/v1/me/certificates", headers=me).json["items"]


def set_profile_name(name):
    with transaction() as session:
        person = session.query(Resident).one()
        person.name_sealed = vault().seal(name, place=f"resident.name:{person.row_key}")
        approve_profile_name(session, person)


def set_holder_name(name):
    """As if written before the fonts lost a character."""
    with transaction() as session:
        pledge = session.query(Pledge).one()
        pledge.holder_name_sealed = vault().seal(name, place=f"pledge.holder_name:{pledge.row_key}")


@pytest.mark.parametrize(
    ("with_pledge", "in_profile", "printed"),
    [
        ("林小苗", "陈新叶", "林小苗"),
        (None, "陈新叶", "陈新叶"),
        (None, None, "热心人士"),
        ("𬭎𫖮·㛃龘", None, "𬭎𫖮·㛃龘"),
    ],
)
def test_the_name_is_the_pledges_else_the_profiles_else_nobodys(walk, base, me, with_pledge, in_profile, printed):
    if in_profile:
        set_profile_name(in_profile)
    walk.fulfilled(walk.open(base, me, holder_name=with_pledge), me)
    [certificate] = mine(walk, me)
    assert certificate["holder_name"] == printed
    verdict = walk.client.get(f"/v1/verify/{certificate['token']}").json
    assert (verdict["status"], verdict["holder_masked"]) == ("valid", f"{printed[0]}*")


def test_the_frozen_content_holds_no_name(walk, base, me):
    walk.fulfilled(walk.open(base, me, holder_name="林小苗"), me)
    [certificate] = walk.certificates()
    assert "林小苗" not in str(certificate.content)
    assert certificate.content["holder"]["mask"] == "林*"


@pytest.mark.parametrize("review", DedicationStatus)
def test_a_dedication_is_never_frozen_for_it_may_name_anybody(walk, base, me, review):
    number = walk.open(base, me, dedication="愿春常在")
    with transaction() as session:
        session.query(Pledge).one().dedication_status = review
    walk.fulfilled(number, me)
    [certificate] = walk.certificates()
    assert "愿春常在" not in str(certificate.content)


@pytest.fixture
def waiting(walk, base, me):
    """Paid and fulfilled, but a character of the name cannot be printed."""
    number = walk.open(base, me, holder_name="林小苗")
    set_holder_name(f"林{UNDRAWN}苗")
    walk.fulfilled(number, me)
    return number


def test_a_name_that_cannot_be_printed_waits_without_a_serial_and_the_payment_stands(walk, me, waiting):
    [certificate] = walk.certificates()
    assert (certificate.status, certificate.serial, certificate.missing_glyphs) == (
        CertificateStatus.APPLIED, None, UNDRAWN,
    )  # fmt: skip
    pledge = walk.seen(waiting, me)
    assert (pledge["status"], pledge["certificates"], mine(walk, me)) == ("allocated", [], [])


def test_a_text_that_no_page_holds_waits_like_a_character_that_no_font_draws(walk, me):
    base = walk.make.base(name="山高水长" * 300)
    walk.fulfilled(walk.open(base, me), me)
    [certificate] = walk.certificates()
    assert (certificate.status, certificate.missing_glyphs) == (CertificateStatus.APPLIED, TOO_LONG)


def test_a_certificate_that_waited_is_issued_once_its_name_can_be_printed(walk, me, waiting):
    [certificate] = walk.certificates()
    retry = {"public_id": certificate.public_id, "caller": ISSUER, "tools": issuing_tools(), "now": ports().now()}
    with transaction() as session:
        assert honours.retry_missing_glyphs(session, **retry) is False
    set_holder_name("林小苗")
    with transaction() as session:
        assert honours.retry_missing_glyphs(session, **retry) is True
    [certificate] = walk.certificates()
    assert (certificate.status, certificate.missing_glyphs, certificate.serial[12:19]) == (
        CertificateStatus.ISSUED, None, "0000001",
    )  # fmt: skip
    with pytest.raises(NotFound), transaction() as session:
        honours.retry_missing_glyphs(session, **retry)


def test_a_certificate_that_waits_is_not_issued_for_an_erased_holder(walk, waiting):
    [certificate] = walk.certificates()
    with transaction() as session:
        session.query(Certificate).one().holder_name_sealed = None
    with pytest.raises(NotFound), transaction() as session:
        honours.retry_missing_glyphs(
            session, public_id=certificate.public_id, caller=ISSUER, tools=issuing_tools(), now=ports().now()
        )


def test_a_certificate_of_thanks_names_the_payment_that_was_taken_not_one_that_goes_back(walk, base, me):
    number = walk.donate(base, me)
    first = walk.order(number, me)
    walk.pay.states[first] = OrderState(TradeState.CLOSED, None)
    walk.clock.forward(seconds=10)
    walk.poll()
    taken = walk.pay_for(number, me)
    walk.notify(walk.pay.notice_of(walk.pay.pay(first)))
    walk.drain()
    [certificate] = walk.certificates()
    assert certificate.content["payment_tail"] == taken.transaction_id[-6:]


def revoke(serial, reason="重复申领"):
    with transaction() as session:
        honours.revoke(session, serial=serial, reason=reason, caller=ISSUER, now=ports().now())


def supersede(serial):
    with transaction() as session:
        honours.supersede(
            session, serial=serial, reason="更正姓名", caller=ISSUER, tools=issuing_tools(), now=ports().now()
        )


def test_a_superseded_certificate_has_a_successor_with_a_serial_of_its_own(walk, base, me):
    number = walk.open(base, me, holder_name="林小苗")
    walk.fulfilled(number, me)
    [old] = mine(walk, me)
    set_holder_name("林小树")
    supersede(old["serial"])
    new, old_now = mine(walk, me)
    assert (old_now["serial"], old_now["status"], old_now["holder_name"]) == (old["serial"], "superseded", "林小苗")
    assert (new["status"], new["holder_name"], new["serial"][12:19]) == ("issued", "林小树", "0000002")
    verdicts = [walk.client.get(f"/v1/verify/{c['token']}").json["status"] for c in (old, new)]
    assert verdicts == ["superseded", "valid"]
    assert {c["status"] for c in walk.seen(number, me)["certificates"]} == {"superseded", "issued"}


@pytest.mark.parametrize("end", [revoke, supersede])
def test_an_ended_certificate_is_not_ended_again(walk, base, me, end):
    walk.fulfilled(walk.open(base, me), me)
    [certificate] = mine(walk, me)
    end(certificate["serial"])
    for again in (revoke, supersede):
        with pytest.raises(CertificateNotIssued):
            again(certificate["serial"])
    with pytest.raises(NotFound):
        end("RZ44528120269999999X")


def test_a_pledge_whose_certificate_was_revoked_gets_no_other_by_asking(walk, base, me):
    number = walk.open(base, me)
    walk.fulfilled(number, me)
    revoke(mine(walk, me)[0]["serial"])
    walk.post(number, "sync", me)
    assert [c["status"] for c in mine(walk, me)] == ["revoked"]


@pytest.mark.parametrize(
    "change",
    [
        "content = '{}'",
        "serial = 'RZ4452812026000009X0'",
        "token = 'X'",
        "content_hash = 'x'",
        "jws = 'x'",
        "issued_on = '2020-01-01'",
        "kind = 'JK'",
        "status = 'applied'",
    ],
)
def test_no_statement_changes_what_an_issued_certificate_says(walk, base, me, change):
    walk.fulfilled(walk.open(base, me), me)
    before = vars(walk.certificates()[0])
    with pytest.raises(DBAPIError, match="certificate_frozen"), transaction() as session:
        session.execute(text(f"UPDATE certificate SET {change}"))
    with pytest.raises(DBAPIError, match="certificate_frozen"), transaction() as session:
        session.execute(text("DELETE FROM certificate"))
    after = vars(walk.certificates()[0])
    assert {k: v for k, v in after.items() if k[0] != "_"} == {k: v for k, v in before.items() if k[0] != "_"}


@pytest.fixture
def erased(walk, base, me):
    """The serial of somebody who left."""
    walk.fulfilled(walk.open(base, me), me)
    [certificate] = mine(walk, me)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    return certificate["serial"]


def test_the_certificate_of_an_erased_holder_has_no_successor(walk, erased):
    with pytest.raises(honours.HolderErased):
        supersede(erased)
    assert [str(certificate.status) for certificate in walk.certificates()] == ["issued"]


def test_a_payment_that_comes_after_the_erasure_makes_no_certificate(walk, base, me):
    number = walk.open(base, me)
    out_trade_no = walk.order(number, me)
    walk.post(number, "cancel", me)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    walk.notify(walk.pay.notice_of(walk.pay.pay(out_trade_no)))
    walk.drain()
    assert (walk.status(number), walk.certificates()) == ("allocated", [])
