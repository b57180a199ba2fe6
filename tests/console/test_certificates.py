"""Certificates: search, look, revoke and re-issue by two people, and those that wait for glyphs."""

import pytest
from sqlalchemy import select, update

from models import Approval, AuditEntry, Certificate, CertificateStatus, PlantingBase, Role
from tests.console.conftest import look
from tests.console.journeys import certified_pledge, open_pledge, pay_pledge, work
from wxbackend.core.db import reading, transaction

REASON = "姓名登记有误"


def status_of(serial: str) -> CertificateStatus:
    with reading() as session:
        return session.scalar(select(Certificate.status).where(Certificate.serial == serial))


def wishes() -> list[Approval]:
    with reading() as session:
        return list(session.scalars(select(Approval).order_by(Approval.id)))


def decide(browser, verb: str, **fields):
    """Press the button of the first open wish."""
    page = browser.get("/console/approvals").text
    address = page.partition('action="/console/approvals/')[2].partition('"')[0].rpartition("/")[0]
    assert address, page
    return browser.post(f"/console/approvals/{address}/{verb}", **fields)


def test_search_by_serial_pledge_state_and_date(office, certified):
    browser, found = office.seat_new(Role.AUDITOR), f"/console/certificates/{certified.certificate_id}"
    for text in (certified.serial, certified.serial.lower(), certified.number):
        assert browser.get("/console/certificates", query_string={"q": text}).location == found
    for query, shown in {
        "status=issued": True,
        "status=revoked": False,
        "issued_from=2026-03-12&issued_to=2026-03-12": True,
        "issued_from=2026-03-13": False,
        "issued_to=2026-03-11": False,
    }.items():
        assert (certified.serial in browser.get(f"/console/certificates?{query}").text) == shown, query


def test_page_shows_the_mask_and_no_picture(office, certified):
    page = office.seat_new(*Role).get(f"/console/certificates/{certified.certificate_id}").text
    assert "陈*" in page
    assert "陈新叶" not in page
    assert "data:image" not in page
    assert "图片生成中" in page


def test_picture_is_shown_for_a_reason_that_stays(office, app, client, make, pay, clock):
    drawn = look(certified_pledge(app, client, make, pay, clock, draw=True))
    browser, path = office.seat_new(Role.ISSUER), f"/console/certificates/{drawn.certificate_id}/preview"
    refused = browser.post(path, purpose="")
    assert (refused.status_code, "data:image" in refused.text) == (422, False)
    shown = browser.post(path, purpose="核对印刷效果")
    assert (shown.status_code, 'src="data:image/png;base64,iVBOR' in shown.text) == (200, True)
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "certificate.preview")).one()
    assert entry.details == {"reason": "核对印刷效果"}


def test_picture_not_drawn_yet_is_said_to_come(office, certified):
    answer = office.seat_new(Role.ISSUER).post(
        f"/console/certificates/{certified.certificate_id}/preview", purpose="核对印刷效果"
    )
    assert (answer.status_code, "图片生成中" in answer.text) == (503, True)


def test_revocation_takes_two_people(office, certified):
    asker, second = office.seat_new(Role.ISSUER), office.seat_new(Role.COUNTY_ADMIN)
    asked = asker.post(f"/console/certificates/{certified.certificate_id}/revoke", reason=REASON)
    assert asked.status_code == 303
    assert status_of(certified.serial) is CertificateStatus.ISSUED
    assert "等待他人复核" in asker.get("/console/approvals").text
    assert decide(second, "approve", note="已核对").status_code == 303
    assert status_of(certified.serial) is CertificateStatus.REVOKED
    page = second.get("/console/approvals?decided=true").text
    assert "已同意" in page
    assert "已核对" in page
    assert REASON in asker.get(f"/console/certificates/{certified.certificate_id}").text


def test_reissue_takes_two_people_and_names_its_successor(office, certified):
    asker, second = office.seat_new(Role.ISSUER), office.seat_new(Role.ISSUER)
    asker.post(f"/console/certificates/{certified.certificate_id}/reissue", reason=REASON)
    decide(second, "approve", note="")
    assert status_of(certified.serial) is CertificateStatus.SUPERSEDED
    page = asker.get(f"/console/certificates/{certified.certificate_id}").text
    assert "已换发为" in page
    assert REASON in page


def test_rejected_revocation_changes_nothing_and_may_be_asked_again(office, certified):
    asker, second = office.seat_new(Role.ISSUER), office.seat_new(Role.ISSUER)
    path = f"/console/certificates/{certified.certificate_id}/revoke"
    asker.post(path, reason=REASON)
    twice = asker.post(path, reason=REASON)
    assert (twice.status_code, "正在等待复核" in twice.text) == (409, True)
    decide(second, "reject", note="理由不足")
    assert status_of(certified.serial) is CertificateStatus.ISSUED
    assert asker.post(path, reason=REASON).status_code == 303


def test_asker_cannot_decide_even_by_address(office, certified):
    asker, second = office.seat_new(Role.ISSUER), office.seat_new(Role.ISSUER)
    asker.post(f"/console/certificates/{certified.certificate_id}/revoke", reason=REASON)
    page = second.get("/console/approvals").text
    address = page.partition('formaction="')[2].partition('"')[0].replace("/reject", "/approve")
    answer = asker.post(address, note="")
    assert (answer.status_code, answer.json["code"]) == (403, "same-person")
    assert status_of(certified.serial) is CertificateStatus.ISSUED


def test_stale_sign_in_is_asked_for_a_code_and_comes_back(office, certified, clock):
    asker, who = office.seat_new(Role.ISSUER), office.hire(Role.ISSUER)
    second = office.seat(who)
    asker.post(f"/console/certificates/{certified.certificate_id}/revoke", reason=REASON)
    clock.forward(minutes=10, seconds=1)
    page = second.get("/console/approvals").text
    address = page.partition('formaction="')[2].partition('"')[0].replace("/reject", "/approve")
    fields = {"csrf_token": second.form_token("/console"), "note": ""}
    asked = second.send(address, fields, headers={"Referer": "http://localhost/console/approvals"})
    assert (asked.status_code, "确认身份" in asked.text) == (403, True)
    assert 'action="/console/confirm?next=/console/approvals"' in asked.text
    assert status_of(certified.serial) is CertificateStatus.ISSUED
    back = second.post("/console/confirm?next=/console/approvals", form_on="/console/confirm", code=who.code())
    assert back.location == "/console/approvals"
    assert decide(second, "approve", note="").status_code == 303
    assert status_of(certified.serial) is CertificateStatus.REVOKED


def test_handle_that_we_did_not_sign_is_unknown(office):
    browser = office.seat_new(Role.ISSUER)
    for handle in ("1", "MQ.forged", "x"):
        assert browser.post(f"/console/approvals/{handle}/approve", note="").status_code == 404


def test_who_gives_a_reason_is_told_that_the_public_reads_it(office, certified):
    page = office.seat_new(Role.ISSUER).get(f"/console/certificates/{certified.certificate_id}").text
    assert '<label for="reason">理由（将向公众显示）</label>' in page
    assert '<div class="hint">将向公众显示，请勿填写姓名、电话。</div>' in page
    own = office.seat_new(Role.ISSUER).get(f"/console/pledges/{certified.number}").text
    assert ("查看并记录" in own, "将向公众显示" in own) == (True, False)


def test_missing_reason_is_explained_beside_the_field(office, certified):
    answer = office.seat_new(Role.ISSUER).post(f"/console/certificates/{certified.certificate_id}/revoke", reason="")
    assert (answer.status_code, answer.text.count("请填写")) == (422, 1)
    assert wishes() == []


def test_revoked_certificate_cannot_be_asked_about_again(office, certified):
    asker, second = office.seat_new(Role.ISSUER), office.seat_new(Role.ISSUER)
    asker.post(f"/console/certificates/{certified.certificate_id}/revoke", reason=REASON)
    decide(second, "approve", note="")
    again = asker.post(f"/console/certificates/{certified.certificate_id}/reissue", reason=REASON)
    assert again.status_code == 409


UNDRAWABLE = "\U0001f333"


def rename_base(base, name: str) -> None:
    with transaction() as session:
        session.execute(update(PlantingBase).where(PlantingBase.id == base.id).values(name=name))


@pytest.fixture
def base(make):
    return make.base()


@pytest.fixture
def waiting(app, client, make, pay, clock, base) -> str:
    """A paid pledge whose base has a name that no font draws; the number."""
    number = open_pledge(client, make, base)
    pay_pledge(client, make, pay, number)
    rename_base(base, f"示范{UNDRAWABLE}基地")
    work(app, clock)
    return number


def retry_address(browser) -> str:
    page = browser.get("/console/glyphs").text
    return page.partition('<form method="post" action="/console/glyphs')[2].partition('"')[0]


def test_certificate_that_lacks_a_glyph_is_listed_with_it(office, waiting):
    browser = office.seat_new(Role.ISSUER)
    page = browser.get("/console/glyphs").text
    assert waiting in page
    assert UNDRAWABLE in page
    assert "待发证" in browser.get("/console/certificates?status=applied").text


def test_retry_issues_once_the_glyph_can_be_drawn(office, waiting, base):
    browser = office.seat_new(Role.ISSUER)
    path = "/console/glyphs" + retry_address(browser)
    browser.post(path)
    assert "仍有字形缺失" in browser.get("/console/glyphs").text
    rename_base(base, "示范基地")
    browser.post(path)
    page = browser.get("/console/glyphs").text
    assert "证书已颁发" in page
    assert "没有待发的证书" in page
    with reading() as session:
        assert session.scalar(select(Certificate.status)) is CertificateStatus.ISSUED


def test_reader_without_the_right_sees_no_retry(office, waiting):
    assert retry_address(office.seat_new(Role.AUDITOR)) == ""
