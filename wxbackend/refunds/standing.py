"""Who may ask, what the pledge stands for, and what keeps its payment from being refunded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    MismatchStatus,
    PaymentAttempt,
    PaymentMismatch,
    PlantingBase,
    Pledge,
    PledgeStatus,
    ReceiptRequest,
    ReceiptStatus,
    ReconItem,
    ReconQueue,
    ReconStatus,
    Refund,
    RefundDue,
    RefundStatus,
    Resident,
    ResidentStatus,
)
from wxbackend.core.errors import NotFound
from wxbackend.refunds.errors import NotRefundable, OrderFrozen, ReceiptLive, RefundOpen, TooManyRefunds
from wxbackend.refunds.rules import MOST_REFUNDS, Standing
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: ``resident``, ``staff`` or ``system``. ``prefixes`` are the regions of a staff member."""

    kind: str
    id: int | None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refundable:
    """A paid pledge, its row locked, with the one payment that is its own. An erased person is no owner any more."""

    pledge: Pledge
    attempt: PaymentAttempt
    standing: Standing
    has_owner: bool


def refundable(session: Session, *, number: str, by: Asker) -> Refundable:
    """Raises ``NotFound`` (not the asker's, or out of scope), ``NotRefundable`` while unpaid, ``RefundOpen``."""
    owed = exists().where(RefundDue.attempt_id == PaymentAttempt.id)
    own = (PaymentAttempt.pledge_id == Pledge.id) & (PaymentAttempt.status == AttemptStatus.SUCCESS) & ~owed
    row = session.execute(
        select(Pledge, PlantingBase.procured_at, PaymentAttempt, Resident.status)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Resident, Resident.id == Pledge.resident_id)
        .outerjoin(PaymentAttempt, own)
        .where(Pledge.number == number, _scope(by))
        .with_for_update(of=Pledge)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound("认种认捐单不存在")
    pledge, procured_at, attempt, owner = row
    if pledge.status is PledgeStatus.REFUNDING:
        raise RefundOpen
    if attempt is None or pledge.paid_at is None:
        raise NotRefundable(pledge_status=str(pledge.status))
    standing = _standing(pledge, pledge.paid_at, procured_at)
    return Refundable(pledge, attempt, standing, has_owner=owner is ResidentStatus.ACTIVE)


def _scope(by: Asker) -> ColumnElement[bool]:
    if by.kind == "resident":
        return Pledge.resident_id == by.id
    return under(Pledge.county_code, by.prefixes) if by.kind == "staff" else true()


def _standing(pledge: Pledge, paid_at: datetime, procured_at: datetime | None) -> Standing:
    return Standing(
        kind=pledge.kind,
        status=pledge.status,
        paid_at=paid_at,
        procured_at=procured_at,
        unit_price_fen=pledge.unit_price_fen,
        live_tree_count=(pledge.tree_count or 0) - pledge.refunded_tree_count,
        live_fen=pledge.amount_fen - pledge.refunded_fen,
    )


def refuse_frozen(session: Session, *, attempt: PaymentAttempt) -> None:
    """Refuse while papers disagree with a refund.

    Raises ``ReceiptLive`` while a receipt says that the money was given, ``OrderFrozen`` as ``refuse_disputed`` does.
    """
    live = (ReceiptStatus.REQUESTED, ReceiptStatus.ISSUED)
    receipt = exists().where(ReceiptRequest.pledge_id == attempt.pledge_id, ReceiptRequest.status.in_(live))
    if session.scalar(select(receipt)):
        raise ReceiptLive
    refuse_disputed(session, attempt=attempt)


def refuse_disputed(session: Session, *, attempt: PaymentAttempt) -> None:
    """Raises ``OrderFrozen`` while WeChat's bill does not show that the money came, shows a refund of it that is not
    ours, or what WeChat says of the order contradicts our books.
    """
    named = or_(ReconItem.out_trade_no == attempt.out_trade_no, ReconItem.key == attempt.transaction_id)
    strange = (ReconItem.queue == ReconQueue.MISSING_HERE) & (ReconItem.subject == "refund")
    differs = or_(ReconItem.queue == ReconQueue.MISSING_THERE, strange)
    item = exists().where(named, differs, ReconItem.status == ReconStatus.OPEN)
    contradicted = exists().where(
        PaymentMismatch.out_trade_no == attempt.out_trade_no, PaymentMismatch.status == MismatchStatus.OPEN
    )
    if session.scalar(select(or_(item, contradicted))):
        raise OrderFrozen


def refuse_too_many(session: Session, *, attempt_id: int) -> None:
    """Raises ``TooManyRefunds``: WeChat counts those it was asked for."""
    unsent = (RefundStatus.REJECTED, RefundStatus.WITHDRAWN)
    count = select(func.count()).where(Refund.attempt_id == attempt_id, Refund.status.not_in(unsent))
    if session.scalars(count).one() >= MOST_REFUNDS:
        raise TooManyRefunds
