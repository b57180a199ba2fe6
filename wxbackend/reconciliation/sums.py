"""The sums of two bills of a day, and what midnight does to them. All is read here and nothing written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from models import Bill, BillLine, BillLineKind, BillStatus
from wxbackend.core.wxpay import BillKind
from wxbackend.reconciliation.bills import DONE
from wxbackend.reconciliation.rules import (
    MIDNIGHTS,
    Balance,
    Checked,
    FlowSum,
    TradeSums,
    balance_checks,
    balance_of,
    cancels,
    sum_checks,
)


def check_sums(session: Session, *, trade: Bill, fund: Bill) -> tuple[tuple[Checked, ...], Sequence[FlowSum]]:
    """Every sum that must agree between the two bills of a day, and what flowed, by 业务类型."""
    flows = _flow_sums(session, fund.id)
    checks = sum_checks(_trade_sums(session, trade.id), flows)
    if not all(check.agrees for check in checks):
        checks = _without_midnight(session, checks=checks, fund=fund)
    today = _balance(session, fund.id)
    if today is None:
        return checks, flows
    before = _closing_before(session, fund)
    return (*checks, *balance_checks(today, sum(flow.amount_fen for flow in flows), before)), flows


def _without_midnight(session: Session, *, checks: tuple[Checked, ...], fund: Bill) -> tuple[Checked, ...]:
    """The checks of a day; one whose difference the days next to it make good agrees."""
    around = _checks_around(session, fund)
    return tuple(replace(one, made_good=_is_made_good(one, around, fund)) for one in checks)


def _is_made_good(one: Checked, around: Mapping[date, Sequence[Checked]], fund: Bill) -> bool:
    missing = {on: that.missing_fen for on, checks in around.items() for that in checks if that.check is one.check}
    return cancels(missing, on=fund.bill_on)


def _checks_around(session: Session, fund: Bill) -> Mapping[date, Sequence[Checked]]:
    """The sums of the days around that of ``fund``, itself among them, of which both bills are there."""
    trade, near = aliased(Bill), timedelta(days=MIDNIGHTS)
    both = session.execute(
        select(Bill.bill_on, trade.id, Bill.id)
        .join(trade, and_(trade.mchid == Bill.mchid, trade.bill_on == Bill.bill_on))
        .where(Bill.mchid == fund.mchid, Bill.kind == str(BillKind.FUND), trade.kind == str(BillKind.TRADE))
        .where(Bill.status.in_(DONE), trade.status.in_(DONE))
        .where(Bill.bill_on.between(fund.bill_on - near, fund.bill_on + near))
    ).all()
    return {
        on: sum_checks(_trade_sums(session, trade_id), _flow_sums(session, fund_id)) for on, trade_id, fund_id in both
    }


def _trade_sums(session: Session, bill_id: int) -> TradeSums:
    rows = session.execute(
        select(BillLine.kind, func.sum(BillLine.amount_fen), func.sum(BillLine.fee_fen))
        .where(BillLine.bill_id == bill_id)
        .group_by(BillLine.kind)
    ).all()
    sums = {kind: (int(amount), int(fee)) for kind, amount, fee in rows}
    paid, paid_fee = sums.get(BillLineKind.PAYMENT, (0, 0))
    refunded, refunded_fee = sums.get(BillLineKind.REFUND, (0, 0))
    return TradeSums(paid, refunded, paid_fee, refunded_fee)


def _flow_sums(session: Session, bill_id: int) -> Sequence[FlowSum]:
    rows = session.execute(
        select(BillLine.about, func.count(), func.sum(BillLine.amount_fen))
        .where(BillLine.bill_id == bill_id)
        .group_by(BillLine.about)
        .order_by(BillLine.about)
    )
    return [FlowSum(about, count, int(amount)) for about, count, amount in rows]


def _balance(session: Session, bill_id: int) -> Balance | None:
    """What was in the account before and after the flows of a bill; ``None`` without any."""
    ends = select(func.min(BillLine.ordinal), func.max(BillLine.ordinal), func.sum(BillLine.amount_fen))
    first, last, moved = session.execute(ends.where(BillLine.bill_id == bill_id)).one()
    rows = session.execute(
        select(BillLine.amount_fen, BillLine.balance_fen)
        .where(BillLine.bill_id == bill_id, BillLine.ordinal.in_((first, last)))
        .order_by(BillLine.ordinal)
    ).all()
    if not rows:
        return None
    (amount, after), (last_amount, last_after) = rows[0], rows[-1]
    return balance_of((amount, after or 0), (last_amount, last_after or 0), int(moved))


def _closing_before(session: Session, fund: Bill) -> Balance | None:
    """The balance of the last day before with flows, if nothing is missing in between."""
    earlier = session.scalar(
        select(Bill)
        .where(Bill.mchid == fund.mchid, Bill.kind == fund.kind, Bill.bill_on < fund.bill_on)
        .where(Bill.status == BillStatus.FETCHED)
        .order_by(Bill.bill_on.desc())
        .limit(1)
    )
    if earlier is None:
        return None
    quiet = session.scalar(
        select(func.count(Bill.id)).where(
            Bill.mchid == fund.mchid, Bill.kind == fund.kind, Bill.status == BillStatus.EMPTY,
            Bill.bill_on > earlier.bill_on, Bill.bill_on < fund.bill_on,
        )
    )  # fmt: skip
    return _balance(session, earlier.id) if quiet == (fund.bill_on - earlier.bill_on).days - 1 else None
