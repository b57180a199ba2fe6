"""What waits for a person: payments that do not fit, work that failed for good."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import Session

from models import (
    MismatchStatus,
    OutboxMessage,
    OutboxStatus,
    PaymentAttempt,
    PaymentMismatch,
    Pledge,
)
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.regions.service import under

Columns = TypeVar("Columns", bound=Select)  # type: ignore[type-arg]


def within_mismatches(query: Columns, prefixes: Sequence[str]) -> Columns:
    """Open mismatches of orders in these regions, and of orders that nobody knows: those are everybody's."""
    known = and_(PaymentAttempt.id.is_not(None), under(Pledge.county_code, prefixes))
    unknown = PaymentAttempt.id.is_(None) if prefixes else false()
    return (
        query.select_from(PaymentMismatch)
        .outerjoin(PaymentAttempt, PaymentAttempt.out_trade_no == PaymentMismatch.out_trade_no)
        .outerjoin(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(PaymentMismatch.status == MismatchStatus.OPEN, or_(known, unknown))
    )


def list_mismatches(session: Session, *, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(mismatch, number of the pledge or nothing)."""
    query = within_mismatches(select(PaymentMismatch, Pledge.number), prefixes)
    return newest_first(session, query, PaymentMismatch.id, after=after)


def list_dead_letters(session: Session, *, after: int | None) -> Sheet[Any]:
    """Messages that failed for the last time. They name rows, never persons."""
    query = select(OutboxMessage).where(OutboxMessage.status == OutboxStatus.DEAD)
    return newest_first(session, query, OutboxMessage.id, after=after)
