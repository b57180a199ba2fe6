"""When WeChat is asked about which refund, and what it refused. No call goes out from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from models import PaymentAttempt, Refund, RefundReason, RefundStatus
from wxbackend.core.errors import NotFound
from wxbackend.refunds import holding, rules

OPEN = (RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.ABNORMAL)


@dataclass(frozen=True, slots=True)
class Question:
    """What asking WeChat takes. ``asked_before``: it was asked to refund, and nobody knows what came of it."""

    number: str
    mchid: str
    transaction_id: str
    refund_fen: int
    total_fen: int
    reason: RefundReason
    wx_refund_id: str | None
    status: RefundStatus
    asked_before: bool
    next_try_at: datetime | None

    @property
    def was_taken(self) -> bool:
        return self.status is not RefundStatus.APPROVED

    @property
    def is_abnormal(self) -> bool:
        return self.status is RefundStatus.ABNORMAL


def question(session: Session, *, number: str, now: datetime) -> Question:
    """Raises ``NotFound``."""
    refund = session.scalar(select(Refund).where(Refund.number == number))
    if refund is None:
        raise NotFound("退款单不存在")
    return _question(session, refund, asked_before=refund.try_count > 0, next_try_at=now)


def _question(session: Session, refund: Refund, *, asked_before: bool, next_try_at: datetime | None) -> Question:
    mchid, transaction_id, paid_fen = session.execute(
        select(PaymentAttempt.mchid, PaymentAttempt.transaction_id, PaymentAttempt.amount_fen).where(
            PaymentAttempt.id == refund.attempt_id
        )
    ).one()
    return Question(
        number=refund.number,
        mchid=mchid,
        transaction_id=transaction_id or "",
        refund_fen=refund.amount_fen,
        total_fen=paid_fen if refund.due_id is None else refund.amount_fen,
        reason=refund.reason,
        wx_refund_id=refund.wx_refund_id,
        status=refund.status,
        asked_before=asked_before,
        next_try_at=next_try_at,
    )


def claim(session: Session, *, number: str, now: datetime) -> Question | None:
    """Note that WeChat is asked to take it now, before it is asked: whoever crashes in between leaves a trace.

    ``None`` when it is not due, or WeChat took another refund of this payment less than a minute ago.
    """
    refund = holding.locked(session, number=number)
    if refund.status is not RefundStatus.APPROVED or refund.next_try_at is None or refund.next_try_at > now:
        return None
    free_at = _free_at(session, refund)
    if free_at is not None and free_at > now:
        refund.next_try_at = free_at
        session.flush()
        return None
    asked_before = refund.try_count > 0
    refund.try_count += 1
    refund.next_try_at = now + rules.next_step(refund.try_count)
    session.flush()
    return _question(session, refund, asked_before=asked_before, next_try_at=refund.next_try_at)


def _free_at(session: Session, refund: Refund) -> datetime | None:
    """WeChat takes two refunds of one payment a minute apart."""
    last = select(func.max(Refund.submitted_at)).where(Refund.attempt_id == refund.attempt_id, Refund.id != refund.id)
    submitted_at = session.scalar(last)
    return submitted_at + rules.SPACING if submitted_at is not None else None


def note_failed(session: Session, *, number: str, error: str, again_at: datetime | None) -> None:
    """Keep what WeChat said instead of taking it; ``again_at`` None waits for staff. Nothing, if it moved on."""
    session.execute(
        update(Refund)
        .where(Refund.number == number, Refund.status == RefundStatus.APPROVED)
        .values(last_error=error, next_try_at=again_at)
        .execution_options(synchronize_session=False)
    )


def put_off(session: Session, *, number: str, now: datetime) -> None:
    """WeChat is asked what became of it now: the next time is later, whatever it says."""
    refund = holding.locked(session, number=number)
    if refund.status not in (RefundStatus.SUBMITTED, RefundStatus.ABNORMAL):
        return
    refund.try_count += 1
    daily = refund.status is RefundStatus.ABNORMAL
    refund.next_try_at = now + (rules.DAILY if daily else rules.next_step(refund.try_count))
    session.flush()


def note_retried(session: Session, *, number: str, now: datetime) -> None:
    """ABNORMAL → SUBMITTED: WeChat tries another way."""
    refund = holding.locked(session, number=number)
    if refund.status is not RefundStatus.ABNORMAL:
        return
    refund.try_count, refund.next_try_at, refund.last_error = 0, now + rules.next_step(1), None
    holding.step(session, refund=refund, to=RefundStatus.SUBMITTED, cause="retried by staff", now=now)


def due(session: Session, *, now: datetime, limit: int) -> Sequence[str]:
    """Numbers of refunds that WeChat is to be asked about, those that waited longest first."""
    return session.scalars(
        select(Refund.number)
        .where(Refund.next_try_at <= now, Refund.status.in_(OPEN))
        .order_by(Refund.next_try_at)
        .limit(limit)
    ).all()


def open_of_order(session: Session, *, out_trade_no: str) -> Sequence[str]:
    """Refunds of an order of which WeChat may know more than we do."""
    return session.scalars(
        select(Refund.number)
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .where(PaymentAttempt.out_trade_no == out_trade_no, or_(Refund.status.in_(OPEN)))
    ).all()
