"""What goes wrong with refunds: doubt, an empty account, a payer who cannot be paid, spent points."""

import pytest

from models import (
    Certificate,
    PaymentMismatch,
    PointsDebt,
    Refund,
    TransferCode,
)
from tests.faults.county import MCHID, County
from wxbackend.core.db import transaction
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, green_issue, resident_green
from wxbackend.points.service import FOR_STORE
from wxbackend.refunds.desk import desk
from wxbackend.refunds.errors import RefundTooLate

REFUNDS = "/v3/refund/domestic/refunds$"


@pytest.fixture
def me(county):
    return county.resident()


@pytest.fixture
def base(county):
    return county.base(price_fen=10_000)


@pytest.fixture
def number(county, base, me):
    return county.open(base, me, tree_count=3)


@pytest.fixture
def order(county, number, me):
    return county.paid(number, me)


def status(county: County) -> str:
    [refund] = county.all(Refund)
    return str(refund.status)


def settled(county: County, order: str, fen: int) -> None:
    """Paid back once, and nothing more owed anywhere."""
    assert county.refunded(order) == fen
    assert status(county) == "success"
    assert len(county.refunds_there(order)) == 1
    county.assert_clean()


def test_row_06_a_refund_told_of_before_its_payment_waits_for_nothing(county, base, number, me):
    order = county.order(number, me)
    county.plan(hold=True)
    county.pay(order)
    county.client.post(f"/v1/pledges/{number}/sync", headers=me)
    county.refund(number)
    county.drain()
    county.refunded(order)
    county.control("POST", "release", {})
    assert county.deliver() == [204]
    assert (county.status(number), county.stock(base)) == ("refunded", (0, 0))
    settled(county, order, 30_000)


def test_row_07_an_order_first_heard_of_as_refunded_is_left_to_staff(county, number, me):
    """Somebody refunded it by hand in the merchant platform before we heard of the payment: no refund of ours to
    apply, and nobody here knows what is left."""
    order = county.order(number, me)
    county.plan(drop=True)
    county.pay(order)
    county.fault(f"out-trade-no/{order}$", times=1, json=refunded_order(county, order))
    county.forward(seconds=11)
    county.work()
    assert county.status(number) == "pending"
    assert [(one.field, one.found) for one in county.all(PaymentMismatch)] == [("trade_state", "REFUND")]
    county.assert_clean()


def refunded_order(county: County, order: str) -> dict[str, object]:
    """What WeChat tells of a paid order once a part of it was paid back."""
    [found] = county.control("GET", f"orders?out_trade_no={order}")["orders"]
    return {**found, "trade_state": "REFUND"}


@pytest.mark.parametrize("fault", [{"status": 429, "code": "FREQUENCY_LIMITED"}, {"status": 500}, {"drop": True}])
def test_row_25_a_refund_in_doubt_is_asked_about_before_it_is_asked_for_again(county, number, order, fault):
    county.fault(REFUNDS, times=3, after=True, **fault)
    county.refund(number)
    county.drain()
    assert status(county) in {"approved", "submitted"}
    settled(county, order, 30_000)


def test_row_26_a_refund_waits_while_the_merchants_account_is_empty(county, number, order):
    county.control("POST", f"merchants/{MCHID}/account", {"balance_fen": 0})
    county.refund(number)
    county.drain()
    [refund] = county.all(Refund)
    assert (str(refund.status), refund.last_error) == ("approved", "NOT_ENOUGH")
    county.control("POST", f"merchants/{MCHID}/account", {"balance_fen": 100_000})
    county.forward(days=1, minutes=1)
    county.work()
    settled(county, order, 30_000)


def test_row_27_a_refund_that_cannot_reach_its_payer_waits_for_staff(county, number, order):
    county.control("POST", "refunds/plans", {"end": "ABNORMAL"})
    refund_no = county.refund(number)
    county.drain()
    county.refunded(order)
    assert (status(county), county.status(number)) == ("abnormal", "refunding")
    third = county.third()
    desk().retry_abnormal(refund_no, caller=third)
    county.refunded(order)
    assert (status(county), county.status(number)) == ("abnormal", "refunding")  # it lies in the merchant's account
    desk().settle(refund_no, note="已线下转账", caller=third)
    assert (status(county), county.status(number)) == ("success", "refunded")
    county.assert_clean()


def test_row_28_a_refund_that_wechat_gives_up_leaves_everything_as_it_was(county, base, number, order):
    county.control("POST", "refunds/plans", {"end": "CLOSED"})
    county.refund(number)
    county.drain()
    assert county.refunded(order) == 0
    assert (status(county), county.status(number), county.stock(base)) == ("closed", "allocated", (0, 3))
    assert county.attempt(order).refund_fen == 0
    county.assert_clean()


def test_row_29_two_parts_of_one_payment_keep_a_minute_between_them(county, number, order):
    county.refund(number, trees=1)
    county.drain()
    county.refunded(order)
    county.refund(number, trees=1)
    county.drain()
    assert county.refunded(order) == 20_000
    assert county.status(number) == "allocated"
    county.assert_clean()


def test_row_29_what_was_paid_more_than_a_year_ago_is_not_asked_back(county, number, order):
    county.forward(days=366)
    before = county.hits("/v3/refund")
    with pytest.raises(RefundTooLate):
        county.refund(number)
    assert county.hits("/v3/refund") == before
    assert county.all(Refund) == []


def test_row_30_points_that_were_spent_become_a_debt_in_the_transaction_that_ends_the_certificate(
    county, number, order
):
    spend_all_points(county)
    county.refund(number)
    county.drain()
    settled(county, order, 30_000)
    [debt] = county.all(PointsDebt)
    assert (debt.amount, debt.remaining) == (30, 30)
    assert [str(one.status) for one in county.all(Certificate)] == ["revoked"]


def spend_all_points(county: County) -> None:
    [pledge] = county.pledges()
    entry = Entry(
        key="spend:all",
        debit=resident_green(pledge.resident_id),
        credit=green_issue(pledge.county_code),
        amount=30,
        code=TransferCode.SPEND,
        doc="spend:all",
    )
    with transaction() as session:
        ledger.spend(session, entry=entry, purpose=FOR_STORE, now=county.clock())
