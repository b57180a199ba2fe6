"""Receipts in the console: the title revealed for a reason, the number registered, the red reversal."""

import pytest
from sqlalchemy import select

from models import AuditEntry, ReceiptRequest, ReceiptStatus, Role
from tests.console.journeys import open_pledge, pay_pledge
from tests.make import OTHER_COUNTY
from wxbackend.core.db import reading

TITLE, USCC = "示范县林木有限公司", "91445281MA0000001P"


@pytest.fixture
def asked(client, make, pay) -> str:
    """A request for a receipt of a paid donation; its public id."""
    number = open_pledge(client, make, make.base(), kind="donate", tree_count=None, amount_fen=6600, reward="receipt")
    pay_pledge(client, make, pay, number)
    body = {"title": TITLE, "uscc": USCC}
    assert client.post(f"/v1/pledges/{number}/receipt", json=body, headers=make.resident()).status_code == 201
    return row().public_id


def row() -> ReceiptRequest:
    with reading() as session:
        return session.scalars(select(ReceiptRequest)).one()


def trail() -> list[str]:
    with reading() as session:
        acts = select(AuditEntry.action).where(AuditEntry.actor_kind == "staff").order_by(AuditEntry.id)
        return list(session.scalars(acts))


def issue(browser, public_id, **fields):
    sent = {"receipt_number": "44060125-0000000001", "url": "", **fields}
    return browser.post(f"/console/receipts/{public_id}/issue", **sent)


def test_title_is_masked_until_a_reason_is_given_and_kept(office, asked):
    browser = office.seat_new(Role.FINANCE)
    page = browser.get(f"/console/receipts/{asked}").text
    assert "示*" in page
    assert TITLE not in page
    assert (USCC in page, "66.00 元" in page, "示绿备〔2026〕1号" in page) == (True, True, True)
    shown = browser.post(f"/console/receipts/{asked}/reveal", purpose="在财政系统开具票据")
    assert (shown.status_code, TITLE in shown.text) == (200, True)
    assert TITLE not in browser.get(f"/console/receipts/{asked}").text
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "receipt.reveal")).one()
    assert (entry.object_key, entry.details) == (asked, {"reason": "在财政系统开具票据"})


@pytest.mark.parametrize("purpose", ["", "  ", "看", "长" * 201])
def test_title_stays_hidden_without_a_real_reason(office, asked, purpose):
    answer = office.seat_new(Role.FINANCE).post(f"/console/receipts/{asked}/reveal", purpose=purpose)
    assert (answer.status_code, TITLE in answer.text, trail()) == (422, False, [])


def test_issued_receipt_keeps_number_and_address(office, asked):
    browser = office.seat_new(Role.FINANCE)
    assert issue(browser, asked, receipt_number=" 44060125-000000000a ", url="https://pj.example/e").status_code == 303
    found = row()
    assert (found.status, found.receipt_number) == (ReceiptStatus.ISSUED, "44060125-000000000A")
    assert found.receipt_url == "https://pj.example/e"
    page = browser.get(f"/console/receipts/{asked}").text
    assert "登记已开具" not in page
    assert "登记红冲" in page
    assert issue(browser, asked).status_code == 409
    assert trail() == ["receipt.issue"]


@pytest.mark.parametrize(
    "wrong",
    [{"receipt_number": ""}, {"receipt_number": "12"}, {"url": "http://pj.example"}, {"url": "javascript:alert(1)"}],
)
def test_wrong_number_or_address_is_refused_beside_its_field(office, asked, wrong):
    answer = issue(office.seat_new(Role.FINANCE), asked, **wrong)
    assert (answer.status_code, 'class="fault"' in answer.text) == (422, True)
    assert row().status is ReceiptStatus.REQUESTED


def test_rejection_needs_words_that_the_person_reads(office, asked):
    browser = office.seat_new(Role.FINANCE)
    path = f"/console/receipts/{asked}/reject"
    assert browser.post(path, refusal_reason="否").status_code == 422
    assert browser.post(path, refusal_reason="抬头与代码不符").status_code == 303
    assert (row().status, row().note, trail()) == (ReceiptStatus.REJECTED, "抬头与代码不符", ["receipt.reject"])


def test_red_reversal_asks_for_a_fresh_code(office, asked):
    issue(office.seat_new(Role.FINANCE), asked)
    path, why = f"/console/receipts/{asked}/reverse", {"reversal_reason": "捐赠人申请退款"}
    tired = office.seat_new(Role.FINANCE, confirmed=False).post(path, **why)
    assert (tired.status_code, "输入新的动态码" in tired.text) == (403, True)
    assert office.seat_new(Role.FINANCE).post(path, **why).status_code == 303
    assert (row().status, trail()) == (ReceiptStatus.RED_REVERSED, ["receipt.issue", "receipt.reverse"])


ACTS = {
    "reveal": {"purpose": "不在我的县里"},
    "issue": {"receipt_number": "44060125-0000000001"},
    "reject": {"refusal_reason": "不在我的县里"},
    "reverse": {"reversal_reason": "不在我的县里"},
}


def test_request_of_another_county_does_not_exist(office, asked):
    stranger = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert stranger.get(f"/console/receipts/{asked}").status_code == 404
    assert asked not in stranger.get("/console/receipts").text
    tried = {stranger.post(f"/console/receipts/{asked}/{act}", **fields).status_code for act, fields in ACTS.items()}
    assert (tried, trail()) == ({404}, [])


@pytest.mark.parametrize("act", ACTS)
def test_forged_form_is_refused(office, asked, act):
    answer = office.seat_new(Role.FINANCE).send(f"/console/receipts/{asked}/{act}", ACTS[act])
    assert (answer.status_code, row().status, trail()) == (400, ReceiptStatus.REQUESTED, [])


def test_auditor_reads_and_changes_nothing(office, asked):
    browser = office.seat_new(Role.AUDITOR)
    page = browser.get(f"/console/receipts/{asked}")
    assert (page.status_code, "<form" in page.text.partition("<main")[2]) == (200, False)
    assert {browser.post(f"/console/receipts/{asked}/{act}", **f).status_code for act, f in ACTS.items()} == {403}


def test_list_is_filtered_and_an_exact_number_opens_the_request(office, asked):
    browser = office.seat_new(Role.FINANCE)
    assert asked in browser.get("/console/receipts?status=requested").text
    assert asked not in browser.get("/console/receipts?status=issued").text
    issue(browser, asked)
    answer = browser.get("/console/receipts?q=44060125-0000000001")
    assert (answer.status_code, answer.location) == (303, f"/console/receipts/{asked}")


def test_workbench_counts_requests_that_wait(office, asked):
    page = office.seat_new(Role.FINANCE).get("/console").text
    assert page.partition("待开票据</div>")[2].partition('"number">')[2].startswith("1 ")


def test_erased_title_is_said_to_be_gone(office, client, make, asked):
    assert client.delete("/v1/me", headers=make.resident()).status_code == 204
    page = office.seat_new(Role.FINANCE).get(f"/console/receipts/{asked}").text
    assert "已随账号注销" in page
    assert "查看完整抬头" not in page
