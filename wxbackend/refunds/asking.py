"""When WeChat is asked about which refund, and what it refused. No call goes out from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import PaymentAttempt, Refund, RefundReason, RefundStatus
from wxbackend.core.errors import NotFound
from wxbackend.refunds import holding, rules


@dataclass(frozen=True, slots=True)
class Question:
    """What asking WeChat takes. ``turn`` counts the times it was asked, this one included."""

    number: str
    mchid: str
    transaction_id: str
    refund_fen: int
    total_fen: int
    reason: RefundReason
    wx_refund_id: str | None
    status: RefundStatus
    turn: int

    @property
    def was_taken(self) -> bool:
        return self.status is not RefundStatus.APPROVED

    @property
    def asked_before(self) -> bool:
        """Nobody knows what came of it."""
        return self.turn > 1


def question(session: Session, *, number: str) -> Question:
    """Raises ``NotFound``."""
    refund = session.scalar(select(Refund).where(Refund.number == number))
    if refund is None:
        raise NotFound("退款单不存在")
    return _question(session, refund)


def _question(session: Session, refund: Refund) -> Question:
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
        turn=refund.try_count,
    )


def claim(session: Session, *, number: str, now: datetime) -> Question | None:
    """Note that WeChat is asked to take it now, before it is asked: from here on nobody knows whether it has it.

    What it refused before says nothing any more. ``None`` when it is not due, or WeChat took another refund of this
    payment less than a minute ago.
    """
    refund = holding.locked(session, number=number)
    if refund.status is not RefundStatus.APPROVED or refund.next_try_at is None or refund.next_try_at > now:
        return None
    free_at = _free_at(session, refund)
    if free_at is not None and free_at > now:
        refund.next_try_at = free_at
        session.flush()
        return None
    refund.try_count += 1
    refund.next_try_at, refund.last_error = now + rules.next_step(refund.try_count), rules.UNKNOWN
    session.flush()
    return _question(session, refund)


def claim_again(session: Session, *, number: str) -> Question | None:
    """As ``claim``, of one that WeChat took and does not know any more: it is asked for under the same number.

    ``None`` if something came of it meanwhile, or the money was to go to the merchant's account.
    """
    refund = holding.locked(session, number=number)
    if refund.status is not RefundStatus.SUBMITTED or refund.last_error in rules.VIA_MERCHANT:
        return None
    refund.last_error, refund.wx_refund_id = rules.UNKNOWN, None
    session.flush()
    return _question(session, refund)


def _free_at(session: Session, refund: Refund) -> datetime | None:
    """WeChat takes two refunds of one payment a minute apart."""
    last = select(func.max(Refund.submitted_at)).where(Refund.attempt_id == refund.attempt_id, Refund.id != refund.id)
    submitted_at = session.scalar(last)
    return submitted_at + rules.SPACING if submitted_at is not None else None


def note_refused(session: Session, *, question: Question, error: str, again_at: datetime | None) -> None:
    """Keep what WeChat said instead of taking it; ``again_at`` None waits for staff.

    Nothing, if it moved on or WeChat was asked again since: that answer counts.
    """
    session.execute(
        update(Refund)
        .where(Refund.number == question.number, Refund.status == question.status, Refund.try_count == question.turn)
        .where(Refund.last_error == rules.UNKNOWN)
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


def due(session: Session, *, now: datetime, limit: int) -> Sequence[str]:
    """Numbers of refunds that WeChat is to be asked about, those that waited longest first."""
    return session.scalars(
        select(Refund.number)
        .where(Refund.next_try_at <= now, Refund.status.in_(rules.HELD))
        .order_by(Refund.next_try_at)
        .limit(limit)
    ).all()


def open_of_order(session: Session, *, out_trade_no: str) -> Sequence[str]:
    """Refunds of an order of which WeChat may know more than we do."""
    return session.scalars(
        select(Refund.number)
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .where(PaymentAttempt.out_trade_no == out_trade_no, Refund.status.in_(rules.HELD))
    ).all()
