"""Refunds for those who decide on them: the list, and one with everything that goes back with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, aliased

from models import (
    AuditEntry,
    Certificate,
    CertificateStatus,
    LedgerAccount,
    LedgerTransfer,
    PaymentAttempt,
    PlantingBase,
    Pledge,
    PointsDebt,
    PointsRule,
    ReceiptRequest,
    ReceiptStatus,
    Refund,
    RefundMove,
    RefundStatus,
    Region,
    Staff,
)
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.core.dates import china_date
from wxbackend.core.errors import NotFound
from wxbackend.core.ports import ports
from wxbackend.points.rules import Earned, points_for_payment
from wxbackend.refunds.rules import OPEN, points_back
from wxbackend.regions.service import under

#: How long WeChat usually needs at most.
USUAL = timedelta(days=1)


def stuck(now: datetime) -> ColumnElement[bool]:
    """Open ones that go on only when a person does something, or that WeChat has for longer than usual."""
    return or_(
        Refund.status.in_((RefundStatus.REQUESTED, RefundStatus.ABNORMAL)),
        Refund.status.in_((RefundStatus.APPROVED, RefundStatus.SUBMITTED)) & Refund.last_error.is_not(None),
        (Refund.status == RefundStatus.SUBMITTED) & (Refund.submitted_at < now - USUAL),
    )


@dataclass(frozen=True, slots=True)
class RefundFilter:
    """``text`` is a refund or pledge number, or WeChat's own of the payment; ``stuck`` leaves what waits for staff."""

    text: str | None = None
    status: RefundStatus | None = None
    stuck: bool = False


def list_refunds(session: Session, *, want: RefundFilter, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(refund, number of its pledge, name of the county), newest first; one statement."""
    query = (
        select(Refund, Pledge.number, Region.name.label("county"))
        .join(Pledge, Pledge.id == Refund.pledge_id)
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .join(Region, Region.code == Refund.county_code)
        .where(under(Refund.county_code, prefixes))
    )
    if want.text:
        upper = want.text.upper()
        orders = PaymentAttempt.out_trade_no == upper, PaymentAttempt.transaction_id == want.text
        query = query.where(or_(Refund.number == upper, Pledge.number == upper, *orders))
    if want.status:
        query = query.where(Refund.status == want.status)
    if want.stuck:
        query = query.where(stuck(ports().now()))
    return newest_first(session, query, Refund.id, after=after)


def count_stuck(counted: Select[int], prefixes: Sequence[str]) -> Select[int]:
    return counted.select_from(Refund).where(stuck(ports().now()), under(Refund.county_code, prefixes))


@dataclass(frozen=True, slots=True)
class RefundSheet:
    """One refund with what it is about. ``returns`` are the points that go back if it succeeds."""

    refund: Refund
    pledge: Pledge
    base: PlantingBase
    attempt: PaymentAttempt
    asked_by: str | None
    decided_by: str | None
    settled_by: str | None
    returns: Earned
    is_whole: bool
    days_since_payment: int
    certificates: Sequence[Certificate]
    live_receipt: ReceiptRequest | None
    debt: PointsDebt | None
    moves: Sequence[RefundMove]
    transfers: Sequence[Any]
    trail: Sequence[Any]

    @property
    def is_open(self) -> bool:
        return self.refund.status in OPEN


def read_refund(session: Session, *, number: str, prefixes: Sequence[str]) -> RefundSheet:
    """Seven statements. Raises ``NotFound`` outside ``prefixes``."""
    asker, decider, settler = aliased(Staff), aliased(Staff), aliased(Staff)
    row = session.execute(
        select(
            Refund,
            Pledge,
            PlantingBase,
            PaymentAttempt,
            PointsRule,
            asker.display_name,
            decider.display_name,
            settler.display_name,
        )
        .join(Pledge, Pledge.id == Refund.pledge_id)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .outerjoin(PointsRule, PointsRule.id == Pledge.points_rule_id)
        .outerjoin(asker, (Refund.requested_by_kind == "staff") & (asker.id == Refund.requested_by_id))
        .outerjoin(decider, decider.id == Refund.decided_by)
        .outerjoin(settler, settler.id == Refund.settled_by)
        .where(Refund.number == number, under(Refund.county_code, prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound("没有这笔退款，或不在管辖范围内")
    refund, pledge, base, attempt, rule, asked_by, decided_by, settled_by = row
    return RefundSheet(
        refund=refund,
        pledge=pledge,
        base=base,
        attempt=attempt,
        asked_by=asked_by,
        decided_by=decided_by,
        settled_by=settled_by,
        returns=_returns(refund, pledge, rule),
        is_whole=refund.amount_fen == pledge.amount_fen - pledge.refunded_fen,
        days_since_payment=_days(attempt.paid_at, refund.requested_at),
        certificates=_certificates(session, pledge.id),
        live_receipt=_live_receipt(session, pledge.id),
        debt=session.scalar(select(PointsDebt).where(PointsDebt.refund_id == refund.id)),
        moves=session.scalars(
            select(RefundMove).where(RefundMove.refund_id == refund.id).order_by(RefundMove.id)
        ).all(),
        transfers=_transfers(session, refund),
        trail=_trail(session, refund),
    )


def _returns(refund: Refund, pledge: Pledge, rule: PointsRule | None) -> Earned:
    """The points of this share; money in suspense earned none."""
    if rule is None or refund.due_id is not None:
        return Earned(green=0, honour=0)
    earned = points_for_payment(rule, reward=pledge.reward, amount_fen=pledge.amount_fen)
    share = {
        "amount_fen": pledge.amount_fen,
        "before_fen": pledge.refunded_fen,
        "refund_fen": refund.amount_fen,
    }
    return Earned(green=points_back(earned.green, **share), honour=points_back(earned.honour, **share))


def _days(paid_at: datetime | None, asked_at: datetime) -> int:
    return (china_date(asked_at) - china_date(paid_at)).days if paid_at else 0


def _certificates(session: Session, pledge_id: int) -> Sequence[Certificate]:
    valid = Certificate.status == CertificateStatus.ISSUED
    return session.scalars(
        select(Certificate).where(Certificate.pledge_id == pledge_id, valid).order_by(Certificate.id)
    ).all()


def _live_receipt(session: Session, pledge_id: int) -> ReceiptRequest | None:
    live = ReceiptRequest.status.in_((ReceiptStatus.REQUESTED, ReceiptStatus.ISSUED))
    return session.scalar(select(ReceiptRequest).where(ReceiptRequest.pledge_id == pledge_id, live))


def _transfers(session: Session, refund: Refund) -> Sequence[Any]:
    """(transfer, unit, from, to): what was booked for it."""
    giver, taker = aliased(LedgerAccount), aliased(LedgerAccount)
    return session.execute(
        select(LedgerTransfer, giver.unit, giver.owner.label("giver"), taker.owner.label("taker"))
        .join(giver, giver.id == LedgerTransfer.debit_id)
        .join(taker, taker.id == LedgerTransfer.credit_id)
        .where(LedgerTransfer.pledge_id == refund.pledge_id, LedgerTransfer.doc == f"refund:{refund.number}")
        .order_by(LedgerTransfer.id)
    ).all()


def _trail(session: Session, refund: Refund) -> Sequence[Any]:
    """(entry, name of the staff member), newest first."""
    return session.execute(
        select(AuditEntry, Staff.display_name)
        .outerjoin(Staff, (Staff.id == AuditEntry.actor_id) & (AuditEntry.actor_kind == "staff"))
        .where(AuditEntry.object_kind == "refund", AuditEntry.object_key == refund.number)
        .order_by(AuditEntry.id.desc())
    ).all()


@dataclass(frozen=True, slots=True)
class Refundable:
    """A pledge for which a refund may be asked."""

    pledge: Pledge
    base: PlantingBase

    @property
    def live_fen(self) -> int:
        return self.pledge.amount_fen - self.pledge.refunded_fen

    @property
    def live_tree_count(self) -> int:
        return (self.pledge.tree_count or 0) - self.pledge.refunded_tree_count


def read_refundable(session: Session, *, number: str, prefixes: Sequence[str]) -> Refundable:
    """Raises ``NotFound`` outside ``prefixes``."""
    row = session.execute(
        select(Pledge, PlantingBase)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .where(Pledge.number == number, under(Pledge.county_code, prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound("没有这笔认种认捐，或不在管辖范围内")
    return Refundable(*row)
