"""What goes wrong with the daily bills: money missing on one side, bills late, bills damaged."""

from datetime import date, datetime, timedelta

import pytest

from models import Bill, BillStatus, ReconItem
from tests.faults.county import MCHID, County
from wxbackend.core.dates import CHINA, china_date
from wxbackend.reconciliation.bookkeeper import bookkeeper
from wxbackend.refunds.errors import OrderFrozen


@pytest.fixture
def me(county):
    return county.resident()


@pytest.fixture
def number(county, me):
    return county.open(county.base(), me)


def next_morning(county: County) -> date:
    """Half past ten in China on the day after today; today, whose bill is there then."""
    today = china_date(county.clock())
    morning = datetime(today.year, today.month, today.day, 10, 30, tzinfo=CHINA) + timedelta(days=1)
    county.forward(seconds=(morning - county.clock()).total_seconds())
    return today


def reconcile(county: County, on: date):
    return bookkeeper().reconcile(mchid=MCHID, on=on)


def queues(county: County) -> list[tuple[str, str]]:
    return [(str(item.queue), str(item.status)) for item in county.all(ReconItem)]


def test_a_day_in_order_leaves_nothing_open(county, number, me):
    county.paid(number, me)
    result = reconcile(county, next_morning(county))
    assert result.is_complete
    assert queues(county) == []


def test_row_31_money_that_only_wechat_knows_of_is_asked_about_and_booked(county, number, me):
    order = county.order(number, me)
    county.plan(drop=True)
    county.pay(order)
    assert county.status(number) == "pending"
    reconcile(county, next_morning(county))
    county.drain()
    assert county.status(number) == "allocated"
    assert set(queues(county)) <= {("missing_here", "matched")}
    county.assert_clean()


def test_row_31_money_for_an_order_that_nobody_knows_stays_open_for_staff(county, number, me):
    county.paid(number, me)
    foreign = [{"out_trade_no": "FOREIGN0001", "amount_fen": 100}]
    county.control("POST", "bills", {"foreign": foreign})
    reconcile(county, next_morning(county))
    assert ("missing_here", "open") in queues(county)


def test_row_32_money_that_wechat_does_not_know_of_freezes_its_order(county, number, me):
    order = county.paid(number, me)
    county.control("POST", "bills", {"drop": [order]})
    reconcile(county, next_morning(county))
    assert ("missing_there", "open") in queues(county)
    with pytest.raises(OrderFrozen):
        county.refund(number)


def test_row_33_a_bill_that_is_not_ready_is_asked_for_again(county, number, me):
    county.paid(number, me)
    today = china_date(county.clock())
    assert not reconcile(county, today).is_complete
    assert {bill.status for bill in county.all(Bill)} == {BillStatus.WAITING}
    assert reconcile(county, next_morning(county)).is_complete


def test_row_33_a_day_without_trade_is_no_fault(county):
    result = reconcile(county, next_morning(county))
    assert result.is_complete
    assert queues(county) == []


@pytest.mark.parametrize("damage", ["wrong-hash", "truncated", "not-gzip"])
def test_row_34_a_damaged_bill_is_thrown_away_and_fetched_anew(county, number, me, damage):
    county.paid(number, me)
    county.control("POST", "bills", {"damage": damage, "times": 1})
    on = next_morning(county)
    if not reconcile(county, on).is_complete:
        assert reconcile(county, on).is_complete
    assert queues(county) == []
    assert {bill.status for bill in county.all(Bill)} == {BillStatus.FETCHED}


def test_an_amount_that_differs_by_a_fen_is_seen(county, number, me):
    order = county.paid(number, me)
    county.control("POST", "bills", {"amounts": {order: 4999}})
    reconcile(county, next_morning(county))
    assert ("amount_differs", "open") in queues(county)
