"""Bills are kept whole or not at all, and sums that do not agree are named."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import Bill, BillLine
from tests.fakes import MCHID
from tests.reconciliation.paper import ARBOR_DAY, bill_of, flow, fund_bill, line_of, payment, refund, trade_bill
from wxbackend.core.db import transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import BillKind, BillNotReady
from wxbackend.reconciliation import bills
from wxbackend.reconciliation.bills import LINES_AT_ONCE, trade_paper
from wxbackend.reconciliation.rules import cancels

NEXT_DAY = ARBOR_DAY + timedelta(days=1)


def many(count: int):
    return [payment(f"4200{n:08d}", f"SHOP-{n}", 100) for n in range(count)]


def test_lines_are_kept_as_they_came(desk):
    paid = desk.paid()
    desk.lay(
        line_of(paid, fee_fen=30),
        refund("R9", paid.transaction_id, 5000, fee_fen=-30),
        flows=[flow("交易", 5000), flow("扣除交易手续费", -30, business="交易"), flow("退款", -4970), flow("提现", -7)],
    )
    desk.morning()
    desk.run()
    kept = {(str(line.kind), line.about): (line.amount_fen, line.fee_fen) for line in desk.rows(BillLine)}
    assert kept == {
        ("payment", "SUCCESS"): (5000, 30),
        ("refund", "REFUND"): (5000, -30),
        ("flow", "交易/交易"): (5000, 0),
        ("flow", "交易/扣除交易手续费"): (-30, 0),
        ("flow", "退款/退款"): (-4970, 0),
        ("flow", "提现/提现"): (-7, 0),
    }
    assert desk.open_keys() == {"R9"}


def test_big_bill_is_written_in_portions_and_counts_when_the_last_is_there(desk):
    desk.lay(*many(LINES_AT_ONCE + 1), flows=[])
    desk.morning()
    result = desk.run()
    assert (desk.lines(), result.trade.line_count) == (LINES_AT_ONCE + 1, LINES_AT_ONCE + 1)
    assert result.matched.compared == LINES_AT_ONCE + 2  # and the sum that does not agree


def test_new_copy_takes_the_place_of_the_old_one(desk):
    desk.lay(*many(3))
    desk.morning()
    desk.run()
    desk.lay(*many(2), sha1="c")
    desk.run()
    assert desk.lines() == 4
    assert [bill.sha1 for bill in desk.rows(Bill)] == ["c" * 40] * 2


def test_same_copy_again_writes_no_line(desk):
    desk.lay(*many(3))
    desk.morning()
    desk.run()
    before = [line.id for line in desk.rows(BillLine)]
    desk.run()
    assert [line.id for line in desk.rows(BillLine)] == before


def test_day_is_not_fetched_again_unless_asked(desk):
    desk.lay(line_of(desk.paid()))
    desk.morning()
    desk.run()
    desk.run(again=False)
    assert (desk.pay.calls.count("trade_bill"), desk.pay.calls.count("fund_bill")) == (1, 1)


@pytest.mark.parametrize("trouble", [BillNotReady(), UpstreamFailed()])
def test_bill_that_cannot_be_had_waits_and_says_why(desk, trouble):
    desk.paid()
    desk.morning()
    desk.pay.failures = [trouble, trouble]
    result = desk.run()
    assert (set(desk.bills().values()), desk.items(), result.is_in_order) == ({"waiting"}, {}, False)
    assert result.trade.last_error == trouble.code
    assert desk.run(again=False).is_complete


def test_good_copy_stays_when_a_new_one_cannot_be_had(desk):
    desk.lay(*many(2))
    desk.morning()
    desk.run()
    desk.pay.failures = [BillNotReady(), BillNotReady()]
    desk.run()
    assert (desk.lines(), set(desk.bills().values())) == (4, {"fetched"})


def test_trade_bill_is_compared_although_the_fund_bill_is_late(desk):
    desk.lay(*many(1), flows=[flow("没听说过", -1)])
    desk.morning()
    bill = desk.pay.fund_bills.pop((MCHID, ARBOR_DAY))
    good, desk.pay.fund_bill = desk.pay.fund_bill, lambda **_: (_ for _ in ()).throw(BillNotReady())
    desk.run()
    assert desk.open_keys() == {"420000000000"}
    desk.pay.fund_bill, desk.pay.fund_bills[MCHID, ARBOR_DAY] = good, bill
    desk.run(again=False)
    assert desk.open_keys() == {"420000000000", "business-0", "payments:2026-03-12"}


def test_copy_that_somebody_else_began_later_is_theirs(desk):
    desk.morning()
    now, paper = desk.walk.clock(), trade_paper(trade_bill(*many(2)))
    with transaction() as session:
        first = bills.begin(session, mchid=MCHID, on=ARBOR_DAY, paper=paper, now=now)
    with transaction() as session:
        bills.begin(session, mchid=MCHID, on=ARBOR_DAY, paper=paper, now=now + timedelta(seconds=1))
    with transaction() as session:
        assert not bills.add_lines(session, bill_id=first, lines=paper.lines, begun_at=now)
        bills.finish(session, bill_id=first, paper=paper, begun_at=now)
    assert (desk.lines(), desk.bills()) == (0, {("2026-03-12", "trade"): "waiting"})


def test_copy_that_broke_off_does_not_count_and_is_begun_anew(desk):
    desk.lay(*many(2))
    desk.morning()
    paper = trade_paper(trade_bill(*many(2)))
    with transaction() as session:
        bill_id = bills.begin(session, mchid=MCHID, on=ARBOR_DAY, paper=paper, now=desk.walk.clock())
        bills.add_lines(session, bill_id=bill_id, lines=paper.lines[:1], begun_at=desk.walk.clock())
    with transaction() as session:
        assert not bills.is_there(session, mchid=MCHID, on=ARBOR_DAY, kind=BillKind.TRADE)
    desk.run(again=False)
    with transaction() as session:
        assert len(session.scalars(select(BillLine.id).where(BillLine.bill_id == bill_id)).all()) == 2


# -------------------------------------------------------------------------------------------------- fund bills
def test_withdrawals_fees_and_top_ups_are_no_items(desk):
    desk.lay(flows=[flow("提现", -9000), flow("充值", 500), flow("退款失败退回", 10)])
    desk.morning()
    assert desk.run().is_in_order


def test_flow_of_an_unknown_kind_is_an_item(desk):
    desk.lay(flows=[flow("神秘业务", -9000, number="B77")])
    desk.morning()
    desk.run()
    assert desk.items() == {("flow", "B77"): ("missing_here", "open")}


@pytest.mark.parametrize(("flows", "wrong"), [
    ([flow("交易", 4900), flow("扣除交易手续费", -30), flow("退款", -970)], "payments"),
    ([flow("交易", 5000), flow("扣除交易手续费", -31), flow("退款", -970)], "fees"),
    ([flow("交易", 5000), flow("扣除交易手续费", -30), flow("退款", -1000)], "refunds"),
])  # fmt: skip
def test_sum_that_does_not_agree_with_the_trade_bill_is_an_item(desk, flows, wrong):
    paid = desk.paid()
    desk.refunded(paid, "R1", 1000)
    lines = line_of(paid, fee_fen=30), refund("R1", paid.transaction_id, 1000, fee_fen=-30)
    desk.lay(*lines, flows=flows)
    desk.morning()
    desk.run()
    assert desk.items() == {("flow", f"{wrong}:2026-03-12"): ("amount_differs", "open")}
    desk.lay(*lines, flows=[flow("交易", 5000), flow("扣除交易手续费", -30), flow("退款", -970)], sha1="c")
    assert desk.run().is_in_order


def test_balance_that_does_not_follow_from_the_flows_is_an_item(desk):
    good = fund_bill(flow("充值", 100), flow("提现", -40), opening_fen=10)
    broken = bill_of([good.lines[0], replace(good.lines[1], balance_fen=71)])
    desk.pay.fund_bills[MCHID, ARBOR_DAY] = broken
    desk.morning()
    desk.run()
    assert desk.items() == {("flow", "balance:2026-03-12"): ("amount_differs", "open")}


def test_bill_whose_newest_flow_comes_first_is_read_as_well(desk):
    good = fund_bill(flow("充值", 100), flow("提现", -40), opening_fen=10)
    desk.pay.fund_bills[MCHID, ARBOR_DAY] = bill_of(list(reversed(good.lines)))
    desk.morning()
    assert desk.run().is_in_order


@pytest.mark.parametrize(("opening_fen", "wrong"), [(60, False), (61, True)])
def test_day_opens_where_the_day_before_closed(desk, opening_fen, wrong):
    desk.pay.fund_bills[MCHID, ARBOR_DAY] = fund_bill(flow("充值", 50), opening_fen=10)
    later = ARBOR_DAY + timedelta(days=2)
    desk.pay.fund_bills[MCHID, later] = fund_bill(flow("充值", 50), opening_fen=opening_fen)
    desk.walk.clock.forward(days=3)
    for on in (ARBOR_DAY, NEXT_DAY, later):
        desk.run(on)
    assert ("opening:2026-03-14" in desk.open_keys()) == wrong


def test_nothing_is_said_about_the_opening_while_a_day_in_between_is_missing(desk):
    desk.pay.fund_bills[MCHID, ARBOR_DAY] = fund_bill(flow("充值", 50), opening_fen=10)
    later = ARBOR_DAY + timedelta(days=2)
    desk.pay.fund_bills[MCHID, later] = fund_bill(flow("充值", 50), opening_fen=9999)
    desk.walk.clock.forward(days=3)
    for on in (ARBOR_DAY, later):
        desk.run(on)
    assert desk.open_keys() == set()


def test_day_that_was_compared_before_the_one_it_follows_is_compared_again(desk):
    desk.pay.fund_bills[MCHID, ARBOR_DAY] = fund_bill(flow("充值", 50), opening_fen=10)
    desk.pay.fund_bills[MCHID, NEXT_DAY] = fund_bill(flow("充值", 50), opening_fen=61)
    desk.walk.clock.forward(days=3)
    desk.run(NEXT_DAY)
    assert desk.open_keys() == set()
    desk.run(ARBOR_DAY)
    assert desk.open_keys() == {"opening:2026-03-13"}


def test_money_that_midnight_moved_to_the_next_days_flows_closes_both_days(desk):
    paid = desk.paid()
    desk.lay(line_of(paid), flows=[])
    desk.walk.clock.forward(days=2)
    desk.run(ARBOR_DAY)
    assert desk.open_keys() == {"payments:2026-03-12"}
    desk.lay(on=NEXT_DAY, flows=[flow("交易", 5000, number=paid.transaction_id)], sha1="c")
    assert desk.run(NEXT_DAY).is_in_order
    assert desk.run(ARBOR_DAY).is_in_order
    assert desk.items() == {("flow", "payments:2026-03-12"): ("amount_differs", "matched")}


def test_other_money_on_the_next_day_makes_nothing_good(desk):
    desk.lay(line_of(desk.paid()), flows=[])
    desk.lay(on=NEXT_DAY, flows=[flow("交易", 4999)], sha1="c")
    desk.walk.clock.forward(days=2)
    for on in (ARBOR_DAY, NEXT_DAY, ARBOR_DAY):
        desk.run(on)
    assert desk.open_keys() == {"payments:2026-03-12", "payments:2026-03-13"}


@pytest.mark.parametrize(("missing", "settled"), [
    ((5, -5), {0, 1}), ((5, -4), set()), ((5, -2, -3), {0, 1, 2}), ((5, 0, -5), set()), ((5, -5, 7), {0, 1}),
    ((7, 5, -5), {1, 2}), ((0, 0), set()),
])  # fmt: skip
def test_differences_cancel_over_midnights_in_a_row(missing, settled):
    days = {ARBOR_DAY + timedelta(days=n): fen for n, fen in enumerate(missing)}
    assert {n for n, on in enumerate(days) if cancels(days, on=on)} == settled
