"""What the bill and the books say of the same day."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from models import Bill, LedgerTransfer, PaymentAttempt, PaymentMismatch, ReconItem, ReconQueue, RefundDue, Tree
from tests.reconciliation.paper import ARBOR_DAY, line_of, payment, refund
from wxbackend.core.db import transaction
from wxbackend.core.wxpay import BillNotReady, OrderState, TradeState

NEXT_DAY = ARBOR_DAY + timedelta(days=1)


def test_day_on_which_everything_agrees_has_no_items(desk):
    one, two = desk.paid(), desk.paid(tree_count=2)
    desk.refunded(one, "R1", 5000)
    desk.lay(line_of(one), line_of(two), refund("R1", one.transaction_id, 5000))
    desk.morning()
    result = desk.run()
    assert (result.is_in_order, result.matched.agreeing, result.matched.differing) == (True, 3, 0)
    assert desk.items() == {}
    [fund, trade] = sorted(desk.rows(Bill), key=lambda bill: bill.kind)
    assert (trade.in_fen, trade.out_fen, trade.line_count) == (15_000, 5_000, 3)
    assert (fund.in_fen, fund.out_fen, fund.matched_at) == (15_000, 5_000, desk.walk.clock())


def test_day_without_trade_is_not_an_error(desk):
    desk.morning()
    result = desk.run()
    assert (result.is_in_order, result.matched.compared) == (True, 0)
    assert set(desk.bills().values()) == {"empty"}


def test_payment_that_no_bill_shows_is_missing_there(desk, alarms):
    paid, shown = desk.paid(), desk.paid()
    desk.lay(line_of(shown))
    desk.morning()
    result = desk.run()
    assert desk.items() == {("payment", paid.transaction_id): ("missing_there", "open")}
    [item] = desk.rows(ReconItem)
    assert (item.out_trade_no, item.bill_fen, item.our_fen) == (paid.out_trade_no, None, 5000)
    assert (result.is_in_order, result.matched.agreeing, result.open) == (False, 1, {ReconQueue.MISSING_THERE: 1})
    assert alarms() == ["reconciliation-open", "paid-here-absent-there"]


def test_payment_is_missing_there_although_the_whole_day_is_empty(desk):
    paid = desk.paid()
    desk.morning()
    desk.run()
    assert desk.items() == {("payment", paid.transaction_id): ("missing_there", "open")}


def test_payment_of_an_order_nobody_knows_stays_open_for_staff(desk):
    desk.lay(payment("4200999", "SHOP-0001", 880))
    desk.morning()
    desk.run()
    assert desk.items() == {("payment", "4200999"): ("missing_here", "open")}
    [item] = desk.rows(ReconItem)
    assert (item.out_trade_no, item.bill_fen, item.our_fen) == ("SHOP-0001", 880, None)
    assert "query" not in desk.pay.calls


def test_payment_we_never_heard_of_is_applied_from_its_bill_and_agrees(desk):
    paid = desk.paid_unheard()
    desk.lay(line_of(paid))
    desk.morning()
    result = desk.run()
    assert desk.items() == {("payment", paid.transaction_id): ("missing_here", "matched")}
    assert (result.is_in_order, result.matched.agreeing) == (True, 1)
    assert desk.pay.calls.count("query") == 1
    [booked] = [row for row in desk.rows(LedgerTransfer) if row.idem.endswith(":money")]
    assert booked.amount == 5000
    desk.walk.drain()
    assert len(desk.rows(Tree)) == 1


def test_payment_that_cannot_be_asked_about_now_is_applied_at_the_next_run(desk):
    paid = desk.paid_unheard()
    desk.lay(line_of(paid))
    desk.morning()
    desk.pay.states[paid.out_trade_no] = OrderState(TradeState.NOTPAY, None)
    assert not desk.run().is_in_order
    desk.pay.states[paid.out_trade_no] = OrderState(TradeState.SUCCESS, paid)
    assert desk.run(again=False).is_in_order


def test_late_money_without_a_place_counts_as_here(desk):
    base = desk.walk.make.base(capacity=1)
    number = desk.walk.open(base, desk.me)
    order = desk.walk.order(number, desk.me)
    desk.walk.clock.forward(minutes=16)
    desk.walk.poll()
    desk.walk.open(base, desk.walk.make.resident("b"))
    paid = desk.pay.pay(order)
    desk.lay(line_of(paid))
    desk.morning()
    assert desk.run().is_in_order
    assert [due.transaction_id for due in desk.rows(RefundDue)] == [paid.transaction_id]


def test_payment_in_quarantine_counts_as_here(desk):
    order = desk.walk.order(desk.walk.open(desk.base, desk.me), desk.me)
    paid = desk.pay.pay(order, total_fen=1)
    desk.walk.notify(desk.pay.notice_of(paid))
    assert desk.rows(PaymentMismatch)
    desk.lay(line_of(paid))
    desk.morning()
    assert (desk.run().is_in_order, desk.items()) == (True, {})


def test_another_amount_on_the_bill_is_told_with_both(desk):
    paid = desk.paid()
    desk.lay(line_of(paid, amount_fen=4999))
    desk.morning()
    desk.run()
    [item] = [row for row in desk.rows(ReconItem) if row.subject == "payment"]
    assert (str(item.queue), item.bill_fen, item.our_fen) == ("amount_differs", 4999, 5000)


def test_payment_that_stands_twice_on_the_bills_differs(desk):
    paid = desk.paid()
    desk.lay(line_of(paid), line_of(paid))
    desk.morning()
    desk.run()
    assert desk.items()["payment", paid.transaction_id] == ("amount_differs", "open")


def test_payment_that_two_bills_show_differs_on_both(desk):
    paid = desk.paid()
    desk.lay(line_of(paid))
    desk.lay(line_of(paid), on=NEXT_DAY, sha1="c")
    desk.walk.clock.forward(days=2)
    for on in (ARBOR_DAY, NEXT_DAY, ARBOR_DAY):
        desk.run(on)
    assert desk.items()["payment", paid.transaction_id] == ("amount_differs", "open")


def test_refund_made_by_hand_in_the_merchant_platform_is_missing_here(desk):
    paid = desk.paid()
    desk.lay(line_of(paid), refund("HAND-1", paid.transaction_id, 100))
    desk.morning()
    desk.run()
    assert desk.items() == {("refund", "HAND-1"): ("missing_here", "open")}


@pytest.mark.parametrize(("status", "queue"), [
    ("submitted", "missing_there"), ("success", "missing_there"), ("abnormal", "missing_there"),
    ("closed", None), ("approved", None), ("requested", None),
])  # fmt: skip
def test_refund_that_wechat_accepted_stands_on_the_bill_of_that_day(desk, status, queue):
    paid = desk.paid()
    desk.lay(line_of(paid))
    changes = {"succeeded_at": desk.walk.clock()} if status == "success" else {}
    desk.refunded(paid, "R1", 5000, status=status, **changes)
    desk.morning()
    desk.run()
    assert desk.items() == ({("refund", "R1"): (queue, "open")} if queue else {})


@pytest.mark.parametrize("status", ["approved", "submitted", "closed"])
def test_refund_on_the_bill_agrees_whatever_became_of_it(desk, status):
    paid = desk.paid()
    desk.refunded(paid, "R1", 5000, status=status)
    desk.lay(line_of(paid), refund("R1", paid.transaction_id, 5000))
    desk.morning()
    assert (desk.run().is_in_order, desk.items()) == (True, {})


def test_refund_that_nobody_approved_and_wechat_paid_is_missing_here(desk):
    paid = desk.paid()
    desk.refunded(paid, "R1", 5000, status="requested", submitted_at=None)
    desk.lay(line_of(paid), refund("R1", paid.transaction_id, 5000))
    desk.morning()
    desk.run()
    assert desk.items() == {("refund", "R1"): ("missing_here", "open")}


@pytest.mark.parametrize("status", ["closed", "success"])
def test_refund_that_we_ended_unsubmitted_and_wechat_paid_is_missing_here(desk, status):
    """Given up, or paid by other means: on the bill it is money that went out a second time."""
    paid = desk.paid()
    ended = {"succeeded_at": desk.walk.clock()} if status == "success" else {}
    desk.refunded(paid, "R1", 5000, status=status, submitted_at=None, **ended)
    desk.lay(line_of(paid), refund("R1", paid.transaction_id, 5000))
    desk.morning()
    desk.run()
    assert desk.items() == {("refund", "R1"): ("missing_here", "open")}


def test_refund_of_another_amount_differs(desk):
    paid = desk.paid()
    desk.refunded(paid, "R1", 5000)
    desk.lay(line_of(paid), refund("R1", paid.transaction_id, 500))
    desk.morning()
    desk.run()
    assert desk.items()["refund", "R1"] == ("amount_differs", "open")


def test_two_refunds_of_one_payment_are_two(desk):
    paid = desk.paid(tree_count=2)
    desk.refunded(paid, "R1", 5000, status="closed")
    desk.refunded(paid, "R2", 5000)
    desk.lay(line_of(paid), refund("R1", paid.transaction_id, 5000), refund("R2", paid.transaction_id, 5000))
    desk.morning()
    assert (desk.run().matched.agreeing, desk.items()) == (3, {})


def test_revoked_payment_without_a_number_of_ours_is_a_refund_missing_here(desk):
    desk.lay(refund(None, "4200777", 880, state="REVOKED"))
    desk.morning()
    desk.run()
    assert desk.items() == {("refund", "5000None"): ("missing_here", "open")}


def test_line_that_midnight_moved_to_the_next_day_closes_the_item_by_itself(desk):
    paid = desk.paid()
    desk.lay()
    desk.lay(line_of(paid), on=NEXT_DAY, sha1="c")
    desk.walk.clock.forward(days=2)
    desk.run(ARBOR_DAY)
    assert desk.items() == {("payment", paid.transaction_id): ("missing_there", "open")}
    desk.run(NEXT_DAY)
    assert desk.items() == {("payment", paid.transaction_id): ("missing_there", "matched")}
    assert desk.run(ARBOR_DAY).is_in_order


def test_our_row_of_another_day_is_not_looked_for_on_this_bill(desk):
    desk.paid()
    desk.walk.clock.forward(days=2)
    assert desk.run(NEXT_DAY).is_in_order


def test_day_is_cut_at_midnight_in_china(desk):
    desk.walk.clock.moment = desk.walk.clock.moment.replace(hour=16)  # 00:00 on the 13th
    paid = desk.paid()
    desk.walk.clock.forward(days=2)
    assert desk.run(ARBOR_DAY).is_in_order
    desk.run(NEXT_DAY)
    assert desk.open_keys() == {paid.transaction_id}


def test_payment_of_another_merchant_is_not_looked_for(desk):
    paid = desk.paid()
    desk.morning()
    with transaction() as session:
        session.execute(update(PaymentAttempt).values(mchid="1900000222"))
    assert desk.run().is_in_order
    desk.lay(line_of(paid), sha1="c")
    desk.run()
    assert desk.items()["payment", paid.transaction_id] == ("missing_here", "open")


def test_second_run_changes_nothing(desk):
    desk.paid()
    desk.lay(payment("4200999", "SHOP-0001", 880))
    desk.morning()
    first, before = desk.run(), [(i.id, i.found_at, i.status) for i in desk.rows(ReconItem)]
    desk.walk.clock.forward(hours=1)
    second = desk.run()
    assert [(i.id, i.found_at, i.status) for i in desk.rows(ReconItem)] == before
    assert (second.open, second.matched.compared, second.matched.differing) == (
        first.open, first.matched.compared, first.matched.differing,
    )  # fmt: skip
    assert not any(second.matched.found.values())


def test_item_that_was_in_order_and_is_not_any_more_opens_again(desk):
    paid = desk.paid()
    desk.lay()
    desk.morning()
    desk.run()
    desk.lay(line_of(paid), sha1="c")
    desk.run()
    assert desk.open_keys() == set()
    desk.lay(sha1="d")
    desk.run()
    assert desk.open_keys() == {paid.transaction_id}


def test_line_that_a_new_copy_does_not_show_any_more_closes_its_item(desk):
    desk.lay(payment("4200999", "SHOP-0001", 880))
    desk.morning()
    desk.run()
    desk.lay(sha1="c")
    assert desk.run().is_in_order


def test_bill_that_waits_closes_nothing(desk):
    desk.lay(payment("4200999", "SHOP-0001", 880))
    desk.morning()
    desk.run()
    with transaction() as session:
        session.execute(update(Bill).values(status="waiting", sha1=None))
    desk.pay.trade_bills.clear()
    desk.pay.failures = [BillNotReady(), BillNotReady()]
    result = desk.run()
    assert (result.is_complete, desk.open_keys()) == (False, {"4200999"})
