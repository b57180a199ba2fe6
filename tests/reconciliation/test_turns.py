"""When the worker asks for bills, and what it tells."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from models import Bill, Payee
from tests.fakes import MCHID
from tests.reconciliation.paper import ARBOR_DAY, line_of
from tests.statements import counted
from wxbackend.core.db import transaction
from wxbackend.core.wxpay import BillNotReady
from wxbackend.payments.merchants import UNCONFIGURED
from wxbackend.reconciliation import jobs
from wxbackend.reconciliation.jobs import RECONCILE
from wxbackend.reconciliation.rules import DAYS_BACK, bounds_of, days_in_reach, flow_kind, slot_at


def china(hour: int, minute: int, day: int = 13) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.fixture
def settled(desk):
    """Everything before yesterday has been fetched."""
    with transaction() as session:
        for kind in ("trade", "fund"):
            for back in range(2, DAYS_BACK + 30):
                on = date(2026, 3, 13) - timedelta(days=back)
                session.execute(insert(Bill).values(
                    mchid=MCHID, bill_on=on, kind=kind, status="empty", tried_at=desk.walk.clock(),
                    line_count=0, in_fen=0, out_fen=0, fee_fen=0,
                ))  # fmt: skip
    return desk


@pytest.mark.parametrize(("moment", "slot"), [
    (china(10, 29), None), (china(10, 30), "2026-03-13T1030"), (china(11, 29), "2026-03-13T1030"),
    (china(11, 30), "2026-03-13T1130"), (china(12, 0), "2026-03-13T1200"), (china(23, 59), "2026-03-13T1200"),
    (china(0, 1), None),
])  # fmt: skip
def test_turns_of_the_morning(moment, slot):
    assert slot_at(moment) == slot


def test_day_in_china_has_its_own_bounds():
    begins, ends = bounds_of(ARBOR_DAY)
    assert (begins, ends) == (datetime(2026, 3, 11, 16, tzinfo=UTC), datetime(2026, 3, 12, 16, tzinfo=UTC))


@pytest.mark.parametrize(("about", "kind"), [
    ("交易/交易", "payment"), ("交易/扣除交易手续费", "fee"), ("退款/退款", "refund"), ("退款/退还手续费", "fee"),
    ("退款/退款失败退回", "refund_returned"), ("提现/提现", "withdrawal"), ("充值/充值", "top_up"),
    ("交易/其他", "unknown"),
])  # fmt: skip
def test_flow_is_what_its_kind_says(about, kind):
    assert flow_kind(about) == kind


def test_nothing_is_asked_before_half_past_ten(settled):
    settled.walk.clock.moment = china(10, 29)
    settled.turn()
    assert settled.messages(RECONCILE) == []


def test_yesterday_is_asked_for_once_when_it_comes(settled):
    paid = settled.paid()
    settled.lay(line_of(paid))
    settled.walk.clock.moment = china(10, 40)
    for _ in range(3):
        settled.turn()
        settled.walk.clock.forward(minutes=10)
    settled.walk.clock.moment = china(12, 30)
    settled.turn()
    assert settled.messages(RECONCILE) == [f"{MCHID}:2026-03-12:2026-03-13T1030"]
    assert (settled.items(), settled.bills()["2026-03-12", "trade"]) == ({}, "fetched")


def test_bill_that_is_not_there_is_asked_for_at_every_turn_and_told_at_noon(settled, alarms):
    kinds = []
    for moment in (china(10, 40), china(11, 10), china(11, 40), china(12, 10)):
        settled.pay.failures = [BillNotReady(), BillNotReady()]
        settled.walk.clock.moment = moment
        settled.turn()
        kinds.append(alarms().count("bill-missing"))
    assert (len(settled.messages(RECONCILE)), kinds) == (3, [0, 0, 0, 1])
    settled.pay.failures = []
    settled.walk.clock.moment = china(10, 40, day=14)
    settled.turn()
    assert set(settled.bills().values()) <= {"fetched", "empty"}


def test_worker_that_was_away_in_the_morning_asks_in_the_evening(settled):
    settled.walk.clock.moment = china(21, 0)
    settled.turn()
    assert settled.bills()["2026-03-12", "trade"] == "empty"


def test_every_missing_day_of_three_months_is_made_up_for(desk):
    desk.morning()
    desk.turn()
    assert len(desk.messages(RECONCILE)) == DAYS_BACK
    assert {on for on, _ in desk.bills()} == {on.isoformat() for on in days_in_reach(desk.walk.clock())}


@pytest.mark.parametrize(("back", "told"), [(80, False), (81, True), (90, True)])
def test_day_that_is_soon_lost_is_told(settled, alarms, back, told):
    on = date(2026, 3, 13) - timedelta(days=back)
    with transaction() as session:
        session.execute(update(Bill).where(Bill.bill_on == on).values(status="waiting"))
    settled.pay.failures = [BillNotReady() for _ in range(4)]
    settled.walk.clock.moment = china(10, 40)
    settled.turn()
    assert ("bill-limit-near" in alarms()) == told


def test_day_with_an_open_item_is_compared_again_without_a_download(settled):
    paid = settled.paid()
    settled.lay()
    settled.walk.clock.moment = china(10, 40)
    settled.turn()
    assert settled.open_keys() == {paid.transaction_id}
    calls = len(settled.pay.calls)
    settled.walk.clock.moment = china(11, 40)
    settled.turn()
    assert (len(settled.pay.calls), len(settled.messages(RECONCILE))) == (calls, 2)


def test_bill_that_said_too_early_that_there_was_no_trade_is_fetched_again(settled):
    paid = settled.paid()
    settled.walk.clock.moment = china(5, 0)
    settled.run()
    assert (settled.bills()["2026-03-12", "trade"], settled.open_keys()) == ("empty", {paid.transaction_id})
    settled.lay(line_of(paid))
    settled.walk.clock.moment = china(10, 40)
    settled.turn()
    assert (settled.bills()["2026-03-12", "trade"], settled.open_keys()) == ("fetched", set())


def test_late_payments_take_no_longer_than_the_lease_of_a_message_and_the_rest_comes_next(settled):
    late = [settled.paid_unheard() for _ in range(6)]
    settled.lay(*(line_of(paid) for paid in late))
    settled.walk.clock.moment = china(10, 40)
    settled.pay.slow_s = 10
    settled.turn()
    assert (settled.pay.calls.count("query"), len(settled.open_keys())) == (2, 4)
    settled.pay.slow_s = 0
    settled.walk.clock.moment = china(11, 40)
    settled.turn()
    assert settled.open_keys() == set()


def test_all_days_of_a_turn_are_put_in_with_one_statement(desk):
    desk.morning()
    with counted() as statements:
        jobs.plan_days()
    assert len([one for one in statements if "INSERT INTO outbox" in one]) == 1
    assert len(desk.messages(RECONCILE)) == DAYS_BACK


def test_merchant_without_configuration_is_told_once_a_day_and_asked_nothing(settled, alarms):
    with transaction() as session:
        session.execute(update(Payee).values(mchid="1900000222"))
    for moment in (china(10, 40), china(11, 40), china(12, 10)):
        settled.walk.clock.moment = moment
        settled.turn()
    assert alarms().count("merchant-unconfigured") == 1
    settled.walk.clock.moment = china(10, 40, day=14)
    settled.turn()
    assert alarms().count("merchant-unconfigured") == 2


def test_message_of_a_merchant_that_is_gone_meanwhile_is_done(settled, alarms):
    jobs.reconcile_day({"mchid": "1900000222", "on": "2026-03-12"})
    assert settled.messages(UNCONFIGURED) == ["1900000222:2026-03-12"]
    assert "trade_bill" not in settled.pay.calls
