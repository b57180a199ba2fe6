"""What is known of a day, which days wait, and what staff say about what does not agree."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import (
    Bill,
    Campaign,
    CampaignStatus,
    Payee,
    PaymentAttempt,
    ReconItem,
    ReconQueue,
    ReconStatus,
)
from wxbackend.core import audit
from wxbackend.core.audit import Caller
from wxbackend.core.errors import Conflict, NotFound
from wxbackend.core.wxpay import BillKind
from wxbackend.reconciliation import matching
from wxbackend.reconciliation.bills import DONE, find_bill
from wxbackend.reconciliation.items import Day, Matched
from wxbackend.reconciliation.rules import FlowKind, days_in_reach, days_missing
from wxbackend.reconciliation.sight import items_in_sight, sight_of
from wxbackend.reconciliation.sums import check_sums

#: So many days are worked on because of open items; what is older waits for staff alone.
LATE_AT_ONCE = 50


class ItemClosed(Conflict):
    code, title = "item-closed", "该对账差异已处理"


@dataclass(frozen=True, slots=True)
class DayResult:
    """Both bills of a merchant's day and how far they agree with our books. ``open`` counts by queue."""

    mchid: str
    on: date
    trade: Bill | None
    fund: Bill | None
    matched: Matched = field(default_factory=Matched)
    open: Mapping[ReconQueue, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return all(bill is not None and bill.status in DONE for bill in (self.trade, self.fund))

    @property
    def is_in_order(self) -> bool:
        return self.is_complete and not any(self.open.values())


def match_day(session: Session, *, mchid: str, on: date, now: datetime) -> Matched:
    """Compare what is there of a day. Without its trade bill nothing is said about our payments.

    A fixed number of statements, whatever happened on that day.
    """
    trade = find_bill(session, mchid=mchid, on=on, kind=BillKind.TRADE)
    fund = find_bill(session, mchid=mchid, on=on, kind=BillKind.FUND)
    if trade is None or trade.status not in DONE:
        return Matched()
    matched = matching.match_trade(session, day=Day(mchid, on, trade.id), now=now)
    trade.matched_at = now
    if fund is None or fund.status not in DONE:
        return matched
    checks, flows = check_sums(session, trade=trade, fund=fund)
    unknown = [flow.about for flow in flows if flow.kind is FlowKind.UNKNOWN]
    fund.matched_at = now
    return matched + matching.match_flows(session, day=Day(mchid, on, fund.id), unknown=unknown, checks=checks, now=now)


def day_result(session: Session, *, mchid: str, on: date, matched: Matched | None = None) -> DayResult:
    """What is known of a merchant's day; ``matched`` is what the last comparison said."""
    bills = {bill.kind: bill for bill in session.scalars(select(Bill).where(Bill.mchid == mchid, Bill.bill_on == on))}
    waiting = session.execute(
        select(ReconItem.queue, func.count())
        .where(ReconItem.mchid == mchid, ReconItem.bill_on == on, ReconItem.status == ReconStatus.OPEN)
        .group_by(ReconItem.queue)
    )
    return DayResult(
        mchid=mchid,
        on=on,
        trade=bills.get(BillKind.TRADE),
        fund=bills.get(BillKind.FUND),
        matched=matched or Matched(),
        open={row[0]: row[1] for row in waiting},
    )


def late_orders(session: Session, *, mchid: str, on: date) -> Sequence[str]:
    """Orders of ours that WeChat says were paid on that day, and we do not."""
    return session.scalars(
        select(PaymentAttempt.out_trade_no)
        .select_from(ReconItem)
        .join(PaymentAttempt, PaymentAttempt.out_trade_no == ReconItem.out_trade_no)
        .where(ReconItem.mchid == mchid, ReconItem.bill_on == on, ReconItem.status == ReconStatus.OPEN)
        .where(ReconItem.queue == ReconQueue.MISSING_HERE, ReconItem.subject == matching.PAYMENT)
        .where(PaymentAttempt.mchid == mchid)
        .order_by(ReconItem.id)
        .limit(LATE_AT_ONCE)
    ).all()


def missing_days(session: Session, *, mchid: str, now: datetime) -> Sequence[date]:
    """Days within WeChat's three months of which a bill is missing, the oldest first."""
    oldest = days_in_reach(now)[-1]
    done = session.execute(
        select(Bill.bill_on, Bill.kind).where(Bill.mchid == mchid, Bill.bill_on >= oldest, Bill.status.in_(DONE))
    )
    return days_missing({(on, BillKind(kind)) for on, kind in done}, now=now)


def days_due(session: Session, *, mchid: str, now: datetime) -> Sequence[date]:
    """Days of which a bill is missing, and days on which something does not agree, the oldest first."""
    disputed = session.scalars(
        select(ReconItem.bill_on)
        .where(ReconItem.mchid == mchid, ReconItem.status == ReconStatus.OPEN)
        .distinct()
        .order_by(ReconItem.bill_on.desc())
        .limit(LATE_AT_ONCE)
    )
    return sorted({*missing_days(session, mchid=mchid, now=now), *disputed})


def merchants_gone(session: Session, *, configured: Collection[str], now: datetime) -> Sequence[str]:
    """Merchant numbers whose bills were fetched lately, or which an open campaign collects for, without keys."""
    lately = select(Bill.mchid).where(Bill.bill_on >= days_in_reach(now)[-1])
    collecting = select(Payee.mchid).join(Campaign, Campaign.payee_id == Payee.id)
    named = lately.union(collecting.where(Campaign.status == CampaignStatus.ONLINE))
    return sorted(set(session.scalars(named)) - set(configured))


def find_item(session: Session, *, item_id: int, prefixes: Sequence[str]) -> ReconItem:
    """Raises ``NotFound`` outside ``prefixes``."""
    item = session.scalar(select(ReconItem).where(ReconItem.id == item_id, items_in_sight(prefixes)))
    if item is None or not sight_of(session, mchid=item.mchid, prefixes=prefixes).some:
        raise NotFound("没有这项对账差异，或不在管辖范围内")
    return item


def resolve_item(session: Session, *, item_id: int, caller: Caller, note: str, now: datetime) -> None:
    """Say what it was; it is compared no more unless its facts change. Raises ``NotFound``, ``ItemClosed``."""
    item = find_item(session, item_id=item_id, prefixes=caller.prefixes)
    resolved = session.scalar(
        update(ReconItem)
        .where(ReconItem.id == item_id, ReconItem.status == ReconStatus.OPEN)
        .values(status=ReconStatus.RESOLVED, closed_at=now, resolved_by=caller.id, note=note)
        .returning(ReconItem.id)
        .execution_options(synchronize_session=False)
    )
    if resolved is None:
        raise ItemClosed
    on, queue = ("recon_item", str(item_id)), str(item.queue)
    audit.record(session, caller=caller, action="reconciliation.resolve", on=on, now=now, reason=note, queue=queue)
