"""The bills of the simulated WeChat through the live adapter: fees, refunds and withdrawals add up."""

from datetime import date, datetime, timedelta

from models import Bill, BillLine, ReconItem
from tests.faults.conftest import app, clock, county, keys, pay, ports, post, settings, wechat  # noqa: F401
from tests.faults.county import MCHID
from wxbackend.core.dates import CHINA, china_date
from wxbackend.reconciliation.bookkeeper import bookkeeper


def next_morning(county) -> date:  # noqa: F811
    today = china_date(county.clock())
    morning = datetime(today.year, today.month, today.day, 10, 30, tzinfo=CHINA) + timedelta(days=1)
    county.forward(seconds=(morning - county.clock()).total_seconds())
    return today


def test_day_with_fees_refund_and_withdrawal_agrees_to_the_fen(county):  # noqa: F811
    county.control("POST", f"merchants/{MCHID}/account", {"balance_fen": 500_000, "fee_bp": 60})
    me, base = county.resident(), county.base()
    for trees in (1, 2):
        county.paid(county.open(base, me, tree_count=trees), me)
    number = county.open(base, me)
    county.paid(number, me)
    county.refund(number)
    county.work()
    county.control("POST", f"merchants/{MCHID}/account", {"withdraw_fen": 1234})
    result = bookkeeper().reconcile(mchid=MCHID, on=next_morning(county))
    assert (county.all(ReconItem), result.is_in_order, result.matched.agreeing) == ([], True, 4)
    trade, fund = sorted(county.all(Bill), key=lambda bill: bill.kind, reverse=True)
    assert (trade.in_fen, trade.out_fen, trade.fee_fen) == (20_000, 5_000, 90)
    assert {line.about for line in county.all(BillLine) if line.bill_id == fund.id} >= {"提现/提现", "充值/充值"}
    county.assert_clean()
