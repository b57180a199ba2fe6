"""Payments that do not fit their order: sent back or dismissed, once, and the pledge may be paid again."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from models import AuditEntry, LedgerTransfer, OutboxMessage, PaymentAttempt, PaymentMismatch, Refund, RefundDue, Role
from tests.fakes import MCHID
from tests.make import OTHER_COUNTY
from tests.staff.people import Office
from wxbackend.auditing import service as auditing
from wxbackend.auditing.payments import PAYMENTS
from wxbackend.console.handles import handle_of
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxpay import OrderState, TradeState
from wxbackend.payments import jobs, mismatches
from wxbackend.payments.merchants import UNCONFIGURED

REASON = {"reason": "金额与订单不符，退回"}


@pytest.fixture
def office(app, make, clock):
    return Office(app, make, clock)


@pytest.fixture
def pledge(walk):
    """(number, headers of its owner) of a pledge at ¥50."""
    me = walk.make.resident()
    return walk.open(walk.make.base(), me), me


def misfit(walk, pledge, **lies):
    """WeChat says that the order was paid, but not as it was placed."""
    paid = walk.pay.pay(walk.order(*pledge), **lies)
    assert walk.notify(walk.pay.notice_of(paid)).status_code in {200, 204}
    return paid


def address(walk, act: str = "") -> str:
    [first, *_] = walk.all(PaymentMismatch)
    with walk.app.test_request_context():
        handle = handle_of("payment_mismatch", first.id)
    return f"/console/mismatches/{handle}{act}"


def booked(walk):
    return [(row.amount, str(row.code)) for row in walk.all(LedgerTransfer) if row.idem.endswith(":money")]


def test_amount_that_differs_is_sent_back_as_it_was_paid(walk, pledge, office):
    paid = misfit(walk, pledge, total_fen=7777)
    answer = office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    assert (answer.status_code, answer.location) == (303, "/console/mismatches")
    [due] = walk.all(RefundDue)
    assert (due.amount_fen, due.reason, due.transaction_id) == (7777, "mismatch", paid.transaction_id)
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.amount_fen, attempt.transaction_id) == ("success", 7777, paid.transaction_id)
    assert booked(walk) == [(7777, "suspense")]
    [refund] = walk.all(Refund)
    assert (refund.due_id, refund.amount_fen, refund.status) == (due.id, 7777, "approved")
    [row] = walk.all(PaymentMismatch)
    assert (row.status, row.resolution, row.resolution_note) == ("resolved", "refunded", REASON["reason"])
    assert walk.status(pledge[0]) == "pending"


def test_auditor_agrees_with_what_was_sent_back(walk, pledge, office):
    misfit(walk, pledge, total_fen=7777)
    office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    with reading() as session:
        assert [v for query in PAYMENTS for v in auditing.run_query(session, query)] == []


def test_pledge_is_paid_again_after_a_decision(walk, pledge, office):
    for act in ("/refund", "/dismiss"):
        number, me = (walk.open(walk.make.base(), pledge[1]), pledge[1]) if act == "/dismiss" else pledge
        misfit(walk, (number, me), total_fen=1)
        assert walk.post(number, "payments", me).status_code == 409
        latest = walk.all(PaymentMismatch)[-1]
        with walk.app.test_request_context():
            where = f"/console/mismatches/{handle_of('payment_mismatch', latest.id)}{act}"
        assert office.seat_new(Role.FINANCE).post(where, **REASON).status_code == 303
        walk.pay_for(number, me)
        assert walk.status(number) == "funded"


def test_payment_of_another_person_is_sent_back_to_them(walk, pledge, office):
    misfit(walk, pledge, payer_openid="openid-stranger")
    page = office.seat_new(Role.FINANCE).get(address(walk)).text
    assert "其他人" in page
    assert "openid-stranger" not in page
    assert office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON).status_code == 303
    assert [(due.amount_fen, str(due.reason)) for due in walk.all(RefundDue)] == [(5000, "mismatch")]


def test_every_fault_of_one_payment_is_closed_at_once(walk, pledge, office):
    misfit(walk, pledge, payer_openid="openid-stranger", total_fen=1)
    assert len(walk.all(PaymentMismatch)) == 2
    office.seat_new(Role.FINANCE).post(address(walk, "/dismiss"), **REASON)
    assert {(row.status, row.resolution) for row in walk.all(PaymentMismatch)} == {("resolved", "dismissed")}
    assert booked(walk) == []


@pytest.mark.parametrize("second", ["/refund", "/dismiss"])
@pytest.mark.parametrize("first", ["/refund", "/dismiss"])
def test_second_decision_is_refused_and_books_nothing(walk, pledge, office, first, second):
    misfit(walk, pledge, total_fen=1)
    browsers = office.seat_new(Role.FINANCE), office.seat_new(Role.FINANCE)
    where = address(walk)
    assert browsers[0].post(where + first, **REASON).status_code == 303
    before = booked(walk)
    answer = browsers[1].post(where + second, **REASON)
    assert (answer.status_code, booked(walk)) == (409, before)
    assert len(before) == (first == "/refund")


def test_of_two_who_read_it_open_one_decides(walk, pledge):
    """Both have the case in hand before either writes."""
    paid = misfit(walk, pledge, total_fen=1)
    caller = Caller(kind="staff", id=Office(walk.app, walk.make, walk.clock).hire(Role.FINANCE).id, session_id=1)
    [row] = walk.all(PaymentMismatch)
    with reading() as session:
        case = mismatches.find_case(session, mismatch_id=row.id, prefixes=("445281",))
    facts = {"case": case, "caller": caller, "note": "两个人同时", "now": walk.clock()}
    state = OrderState(TradeState.SUCCESS, paid)
    with transaction() as session:
        mismatches.dismiss(session, **facts)
    with pytest.raises(mismatches.MismatchClosed), transaction() as session:
        mismatches.send_back(session, state=state, **facts)
    assert (booked(walk), walk.all(RefundDue)) == ([], [])


@pytest.mark.parametrize("state", [
    None, OrderState(TradeState.NOTPAY, None), OrderState(TradeState.CLOSED, None),
], ids=["unknown", "unpaid", "closed"])  # fmt: skip
def test_payment_that_wechat_does_not_vouch_for_is_not_booked(walk, pledge, office, state):
    paid = misfit(walk, pledge, total_fen=1)
    walk.pay.states[paid.out_trade_no] = state
    answer = office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    assert (answer.status_code, booked(walk)) == (409, [])
    assert [row.status for row in walk.all(PaymentMismatch)] == ["open"]


def test_another_payment_of_the_order_is_not_taken_for_it(walk, pledge, office):
    paid = misfit(walk, pledge, total_fen=1)
    walk.pay.pay(paid.out_trade_no, total_fen=1)
    assert office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON).status_code == 409
    assert booked(walk) == []


def test_other_money_than_yuan_is_for_the_merchant_platform(walk, pledge, office):
    misfit(walk, pledge, currency="USD")
    browser = office.seat_new(Role.FINANCE)
    assert browser.post(address(walk, "/refund"), **REASON).status_code == 409
    assert browser.post(address(walk, "/dismiss"), **REASON).status_code == 303


def test_second_transaction_of_a_paid_order_has_no_place_of_its_own(walk, pledge, office):
    walk.pay_for(*pledge)
    [attempt] = walk.attempts()
    other = walk.pay.pay(attempt.out_trade_no)
    walk.notify(walk.pay.notice_of(other))
    answer = office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    assert (answer.status_code, booked(walk)) == (409, [(5000, "payment")])


def test_decision_needs_permission_reason_and_a_fresh_code(walk, pledge, office):
    misfit(walk, pledge, total_fen=1)
    where = address(walk)
    assert office.seat_new(Role.COUNTY_ADMIN).post(f"{where}/dismiss", **REASON).status_code == 403
    assert office.seat_new(Role.FINANCE, confirmed=False).post(f"{where}/dismiss", **REASON).status_code == 403
    assert office.seat_new(Role.FINANCE).post(f"{where}/dismiss", reason="短").status_code == 422
    assert office.seat_new(Role.FINANCE, region=OTHER_COUNTY).post(f"{where}/dismiss", **REASON).status_code == 404
    assert [row.status for row in walk.all(PaymentMismatch)] == ["open"]
    assert "不退款</button>" not in office.seat_new(Role.COUNTY_ADMIN).get(where).text


def test_mismatch_of_an_order_nobody_knows_is_dismissed_only(walk, pledge, office, clock):
    misfit(walk, pledge, total_fen=1)
    with transaction() as session:
        session.execute(update(PaymentMismatch).values(out_trade_no="PUNKNOWN01"))
    browser = office.seat_new(Role.FINANCE)
    assert browser.post(address(walk, "/refund"), **REASON).status_code == 409
    assert browser.post(address(walk, "/dismiss"), **REASON).status_code == 303


def test_decision_leaves_its_trace(walk, pledge, office):
    paid = misfit(walk, pledge, total_fen=1)
    office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    with reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "mismatch.refund"))
    assert (entry.object_key, entry.details) == (paid.out_trade_no, {**REASON, "amount_fen": 1})


def test_news_that_repeats_after_the_decision_changes_nothing(walk, pledge, office):
    paid = misfit(walk, pledge, total_fen=1)
    office.seat_new(Role.FINANCE).post(address(walk, "/refund"), **REASON)
    assert walk.notify(walk.pay.notice_of(paid, notice_id="again")).status_code == 204
    assert walk.post(pledge[0], "sync", pledge[1]).status_code == 200
    assert (booked(walk), [row.status for row in walk.all(PaymentMismatch)]) == ([(1, "suspense")], ["resolved"])


# --------------------------------------------------------------------------------- merchants that are gone
def test_order_of_a_merchant_that_is_gone_is_put_off_by_the_hour_and_told_once_a_day(walk, pledge):
    walk.order(*pledge)
    with transaction() as session:
        session.execute(update(PaymentAttempt).values(mchid="1900000222"))
    walk.clock.forward(hours=1)
    calls = len(walk.pay.calls)
    for _ in range(3):
        walk.poll()
        [attempt] = walk.attempts()
        assert attempt.next_query_at == walk.clock() + timedelta(hours=1)
        walk.clock.forward(hours=1)
    told = [message.key for message in walk.all(OutboxMessage) if message.topic == UNCONFIGURED]
    assert (len(walk.pay.calls), told) == (calls, ["1900000222:2026-03-12"])


def test_merchant_that_came_back_is_asked_again(walk, pledge):
    order = walk.order(*pledge)
    with transaction() as session:
        session.execute(update(PaymentAttempt).values(mchid="1900000222"))
    walk.clock.forward(hours=1)
    walk.poll()
    walk.pay.pay(order)
    with transaction() as session:
        session.execute(update(PaymentAttempt).values(mchid=MCHID))
    walk.clock.forward(hours=1)
    jobs.poll_orders()
    assert walk.status(pledge[0]) == "funded"


def test_what_is_told_of_a_refund_can_only_be_dismissed(walk, pledge, office):
    """Its payment is booked: there is nothing to send back, and nothing to pay again."""
    walk.fulfilled(*pledge)
    [attempt] = walk.attempts()
    with transaction() as session:
        session.add(PaymentMismatch(
            out_trade_no=attempt.out_trade_no, transaction_id=attempt.transaction_id, field="refund_fen:R1",
            expected="5000", found="4000", at=walk.clock(),
        ))  # fmt: skip
    desk = office.seat_new(Role.FINANCE)
    page = desk.get(address(walk)).text
    assert ("退款单不符" in page, address(walk, "/refund") in page, "重新支付" in page) == (True, False, False)
    asked = walk.pay.calls.count("query")
    assert "不能由系统退回" in desk.post(address(walk, "/refund"), **REASON).text
    assert walk.pay.calls.count("query") == asked
    answer = desk.post(address(walk, "/dismiss"), **REASON)
    assert (answer.status_code, "重新支付" in desk.get(answer.location).text) == (303, False)
    assert [str(one.status) for one in walk.all(PaymentMismatch)] == ["resolved"]
