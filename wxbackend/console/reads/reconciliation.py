"""Days of bills, and what does not agree on one of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from models import (
    Bill,
    BillLine,
    BillLineKind,
    BillStatus,
    Payee,
    PaymentAttempt,
    PaymentMismatch,
    Pledge,
    ReconItem,
    ReconQueue,
    ReconStatus,
    RefundDue,
    Staff,
)
from wxbackend.console.reads.pages import PAGE_SIZE, Sheet
from wxbackend.core.errors import NotFound
from wxbackend.core.schema import encode_cursor
from wxbackend.core.wxpay import BillKind
from wxbackend.reconciliation.rules import Checked, FlowSum
from wxbackend.reconciliation.sight import Sight, items_in_sight, sight_of
from wxbackend.reconciliation.sums import check_sums
from wxbackend.regions.service import under

#: Of each queue so many are shown; the file has every line.
SHOWN = 100
HELD_SHOWN = 50


class DayState(StrEnum):
    """How a merchant's day stands; the first that applies."""

    WAITING = "waiting"
    OPEN = "open"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class DayFilter:
    mchid: str | None = None
    state: DayState | None = None
    on_from: date | None = None
    on_to: date | None = None


@dataclass(frozen=True, slots=True)
class DayRow:
    trade: Bill
    fund: Bill | None
    open_count: int

    @property
    def state(self) -> DayState:
        if self.fund is None or BillStatus.WAITING in (self.trade.status, self.fund.status):
            return DayState.WAITING
        return DayState.OPEN if self.open_count else DayState.AGREED


def list_days(
    session: Session, *, want: DayFilter, prefixes: Sequence[str], after: tuple[date, str] | None
) -> Sheet[DayRow]:
    """Newest day first, then by merchant; one statement. ``after`` is the day and merchant of the last row shown."""
    fund = aliased(Bill)
    waiting = _open_count(prefixes)
    query = (
        select(Bill, fund, func.coalesce(waiting, 0))
        .outerjoin(fund, and_(fund.mchid == Bill.mchid, fund.bill_on == Bill.bill_on, fund.kind == str(BillKind.FUND)))
        .where(Bill.kind == str(BillKind.TRADE), _visible(prefixes), *_conditions(want, fund, waiting))
    )
    if after is not None:
        on, mchid = after
        query = query.where(or_(Bill.bill_on < on, and_(Bill.bill_on == on, Bill.mchid > mchid)))
    found = session.execute(query.order_by(Bill.bill_on.desc(), Bill.mchid).limit(PAGE_SIZE + 1)).all()
    rows = [DayRow(*row) for row in found]
    if len(rows) <= PAGE_SIZE:
        return Sheet(rows, None)
    last = rows[PAGE_SIZE - 1].trade
    return Sheet(rows[:PAGE_SIZE], encode_cursor(last.bill_on.isoformat(), last.mchid))


def _open_count(prefixes: Sequence[str]) -> Any:
    return (
        select(func.count(ReconItem.id))
        .where(items_in_sight(prefixes))
        .where(ReconItem.mchid == Bill.mchid, ReconItem.bill_on == Bill.bill_on, ReconItem.status == ReconStatus.OPEN)
        .correlate(Bill)
        .scalar_subquery()
    )


def count_open(prefixes: Sequence[str]) -> Select[int]:
    """How many differences wait for somebody of these counties."""
    merchants = select(Payee.mchid).where(under(Payee.county_code, prefixes))
    waiting = ReconItem.status == ReconStatus.OPEN, ReconItem.mchid.in_(merchants)
    return select(func.count()).select_from(ReconItem).where(*waiting, items_in_sight(prefixes))


def _visible(prefixes: Sequence[str]) -> ColumnElement[bool]:
    """A merchant belongs to the regions of its payees."""
    return Bill.mchid.in_(select(Payee.mchid).where(under(Payee.county_code, prefixes)))


def _conditions(want: DayFilter, fund: Any, waiting: Any) -> list[Any]:
    incomplete = or_(Bill.status == BillStatus.WAITING, fund.id.is_(None), fund.status == BillStatus.WAITING)
    states = {
        DayState.WAITING: incomplete,
        DayState.OPEN: and_(~incomplete, waiting > 0),
        DayState.AGREED: and_(~incomplete, waiting == 0),
    }
    found = [states[want.state]] if want.state else []
    if want.mchid:
        found.append(Bill.mchid == want.mchid)
    if want.on_from:
        found.append(Bill.bill_on >= want.on_from)
    if want.on_to:
        found.append(Bill.bill_on <= want.on_to)
    return found


@dataclass(frozen=True, slots=True)
class Queue:
    """``rows`` are (item, pledge number, who resolved it), open ones first; ``count`` is how many there are."""

    queue: ReconQueue
    count: int
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class DayView:
    """One merchant's day, as far as the reader's counties go.

    ``held`` are payments that are here but not in a fund: (line, mismatch id, pledge number). ``is_whole``: no other
    county has a share in the merchant, so that single lines may be read.
    """

    mchid: str
    on: date
    bills: Mapping[str, Bill]
    queues: Sequence[Queue]
    checks: Sequence[Checked]
    flows: Sequence[FlowSum]
    held: Sequence[Any]
    is_whole: bool


def read_day(session: Session, *, mchid: str, on: date, prefixes: Sequence[str]) -> DayView:
    """A fixed number of statements. Raises ``NotFound`` for a day without bills or outside ``prefixes``."""
    bills, sight = _bills(session, mchid=mchid, on=on, prefixes=prefixes)
    trade, fund = bills.get(BillKind.TRADE), bills.get(BillKind.FUND)
    done = trade and fund and BillStatus.WAITING not in (trade.status, fund.status)
    checks, flows = check_sums(session, trade=trade, fund=fund) if trade and fund and done else ((), ())
    return DayView(
        mchid=mchid,
        on=on,
        bills=bills,
        queues=[_queue(session, queue, mchid=mchid, on=on, prefixes=prefixes) for queue in ReconQueue],
        checks=checks,
        flows=flows,
        held=_held(session, trade.id, prefixes) if trade else (),
        is_whole=sight.whole,
    )


def _bills(session: Session, *, mchid: str, on: date, prefixes: Sequence[str]) -> tuple[Mapping[str, Bill], Sight]:
    rows = session.scalars(select(Bill).where(Bill.mchid == mchid, Bill.bill_on == on)).all()
    sight = sight_of(session, mchid=mchid, prefixes=prefixes)
    if not rows or not sight.some:
        raise NotFound("没有这一天的账单，或不在管辖范围内")
    return {bill.kind: bill for bill in rows}, sight


def _queue(session: Session, queue: ReconQueue, *, mchid: str, on: date, prefixes: Sequence[str]) -> Queue:
    rows = session.execute(
        select(ReconItem, Pledge.number, Staff.display_name, func.count().over().label("count"))
        .outerjoin(PaymentAttempt, PaymentAttempt.out_trade_no == ReconItem.out_trade_no)
        .outerjoin(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .outerjoin(Staff, Staff.id == ReconItem.resolved_by)
        .where(ReconItem.mchid == mchid, ReconItem.bill_on == on, ReconItem.queue == queue, items_in_sight(prefixes))
        .order_by((ReconItem.status == ReconStatus.OPEN).desc(), ReconItem.id)
        .limit(SHOWN)
    ).all()
    return Queue(queue, rows[0][-1] if rows else 0, rows)


def _held(session: Session, bill_id: int, prefixes: Sequence[str]) -> Sequence[Any]:
    """Payments of the bill that are here without belonging to a pledge: in quarantine, or owed back."""
    query = (
        select(BillLine, func.min(PaymentMismatch.id).label("mismatch_id"), Pledge.number)
        .outerjoin(
            PaymentMismatch,
            and_(
                PaymentMismatch.out_trade_no == BillLine.out_trade_no,
                PaymentMismatch.transaction_id == BillLine.transaction_id,
            ),
        )
        .outerjoin(RefundDue, RefundDue.transaction_id == BillLine.transaction_id)
        .outerjoin(PaymentAttempt, PaymentAttempt.out_trade_no == BillLine.out_trade_no)
        .outerjoin(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(BillLine.bill_id == bill_id, BillLine.kind == BillLineKind.PAYMENT)
        .where(or_(PaymentMismatch.id.is_not(None), RefundDue.id.is_not(None)))
        .where(or_(Pledge.id.is_(None), under(Pledge.county_code, prefixes)))
        .group_by(BillLine.id, Pledge.number)
    )
    return session.execute(query.order_by(BillLine.id).limit(HELD_SHOWN)).all()


def read_lines(
    session: Session, *, mchid: str, on: date, kind: BillKind, prefixes: Sequence[str]
) -> Iterator[BillLine]:
    """Every line that is kept of a bill, in its order.

    Raises ``NotFound`` as ``read_day``, and for a merchant whose payees are not all within ``prefixes``.
    """
    bills, sight = _bills(session, mchid=mchid, on=on, prefixes=prefixes)
    if not sight.whole:
        raise NotFound("该商户号由几个县共用，明细须由管辖范围包括这些县的工作人员下载")
    bill = bills.get(kind)
    if bill is None:
        raise NotFound
    return iter(session.scalars(select(BillLine).where(BillLine.bill_id == bill.id).order_by(BillLine.ordinal)))
