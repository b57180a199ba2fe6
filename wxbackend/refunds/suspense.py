"""Money in suspense goes back by itself: it found no pledge, so there is nothing to decide."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models import PaymentAttempt, Pledge, Refund, RefundDue, RefundReason, RefundStatus
from wxbackend.core.errors import NotFound
from wxbackend.refunds import holding, rules
from wxbackend.refunds.standing import refuse_disputed


def repay(session: Session, *, due_id: int, now: datetime) -> Refund | None:
    """Send one amount back; ``None`` if that is under way or done. One that WeChat closed gets another number.

    Raises ``NotFound``, and ``OrderFrozen`` where another number might pay what the first one paid after all.
    """
    row = session.execute(
        select(RefundDue, Pledge.county_code)
        .join(Pledge, Pledge.id == RefundDue.pledge_id)
        .where(RefundDue.id == due_id)
        .with_for_update(of=RefundDue)
    ).one_or_none()
    if row is None:
        raise NotFound("应退款不存在")
    due, county_code = row
    before = session.scalars(select(Refund.status).where(Refund.due_id == due_id)).all()
    if any(status is not RefundStatus.CLOSED for status in before):
        return None
    if before:
        refuse_disputed(session, attempt=session.get_one(PaymentAttempt, due.attempt_id, populate_existing=True))
    holding.reserve(session, attempt_id=due.attempt_id, amount_fen=due.amount_fen)
    refund = Refund(
        number=rules.suspense_number(transaction_id=due.transaction_id, turn=len(before), owed_at=due.created_at),
        pledge_id=due.pledge_id,
        attempt_id=due.attempt_id,
        due_id=due.id,
        county_code=county_code,
        reason=RefundReason(str(due.reason)),
        amount_fen=due.amount_fen,
        requested_by_kind="system",
        requested_at=now,
        status=RefundStatus.APPROVED,
    )
    holding.open_row(session, refund=refund, cause="money in suspense", now=now)
    holding.send(session, refund=refund, now=now)
    return refund


def left_lying(session: Session, *, limit: int) -> Sequence[int]:
    """Amounts in suspense that no refund was ever made for; one that WeChat closed waits for a person."""
    return session.scalars(
        select(RefundDue.id).where(~exists().where(Refund.due_id == RefundDue.id)).order_by(RefundDue.id).limit(limit)
    ).all()
