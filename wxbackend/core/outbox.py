"""Work that follows a transaction: put in with it, done after it, at least once, by whoever holds the lease."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from models import OutboxMessage, OutboxStatus
from wxbackend.core.sql import insert_into

LEASE = timedelta(seconds=60)
ATTEMPTS = 20
BACKOFF_S = 2
LONGEST_WAIT_S = 3600
ERROR_LENGTH = 500
LONGEST_REST = timedelta(days=1)

#: Does one message's work, idempotently, in transactions of its own.
Handler = Callable[[Mapping[str, Any]], None]


class Postpone(Exception):
    """Raised by a handler that can do its work only later, as with a quota: the same message rests, and has not failed.

    ``wait`` is cut at ``LONGEST_REST``; ``reason`` is a code.
    """

    def __init__(self, *, wait: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.wait, self.reason = wait, reason


@dataclass(frozen=True, slots=True)
class Claimed:
    id: int
    topic: str
    payload: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work to put in."""

    topic: str
    key: str
    payload: Mapping[str, Any]


def enqueue(session: Session, *, topic: str, key: str, payload: Mapping[str, Any], now: datetime) -> None:
    """Put work in once: a second message with the same topic and key is the same work."""
    enqueue_all(session, works=[Work(topic, key, payload)], now=now)


def enqueue_all(session: Session, *, works: Sequence[Work], now: datetime) -> None:
    """Put several pieces of work in with one statement, each once."""
    rows = [
        {
            "topic": work.topic,
            "key": work.key,
            "payload": dict(work.payload),
            "status": OutboxStatus.READY,
            "run_after": now,
            "created_at": now,
        }
        for work in works
    ]
    statement = insert_into(session, OutboxMessage).values(rows)
    session.execute(statement.on_conflict_do_nothing(index_elements=["topic", "key"]))


def claim(session: Session, *, holder: str, now: datetime) -> Claimed | None:
    """Lease the oldest due message. A lease that ran out is due again: its worker died."""
    due = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.run_after <= now,
            or_(OutboxMessage.status == OutboxStatus.READY, OutboxMessage.lease_until < now),
            OutboxMessage.status.in_((OutboxStatus.READY, OutboxStatus.LEASED)),
        )
        .order_by(OutboxMessage.run_after, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == due)
        .values(
            status=OutboxStatus.LEASED,
            attempts=OutboxMessage.attempts + 1,
            lease_until=now + LEASE,
            lease_holder=holder,
        )
        .returning(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.payload, OutboxMessage.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Claimed(*row) if row else None


def finish(session: Session, *, message: Claimed, holder: str, now: datetime) -> None:
    """Done. Nothing happens if the lease went to somebody else meanwhile: the work is idempotent."""
    _end_lease(session, message=message, holder=holder, status=OutboxStatus.DONE, done_at=now, last_error=None)


def fail(session: Session, *, message: Claimed, holder: str, error: str, now: datetime) -> OutboxStatus:
    """Try again later, twice as late each time up to an hour; after the last attempt it is a dead letter."""
    last = message.attempts >= ATTEMPTS
    status = OutboxStatus.DEAD if last else OutboxStatus.READY
    later = now + timedelta(seconds=min(BACKOFF_S**message.attempts, LONGEST_WAIT_S))
    _end_lease(session, message=message, holder=holder, status=status, run_after=later, last_error=error[:ERROR_LENGTH])
    return status


def postpone(session: Session, *, message: Claimed, holder: str, later: Postpone, now: datetime) -> None:
    """Let it rest; the attempt that has just ended is not counted."""
    _end_lease(
        session,
        message=message,
        holder=holder,
        status=OutboxStatus.READY,
        attempts=OutboxMessage.attempts - 1,
        run_after=now + min(later.wait, LONGEST_REST),
        last_error=later.reason[:ERROR_LENGTH],
    )


def _end_lease(session: Session, *, message: Claimed, holder: str, **values: Any) -> None:
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message.id, OutboxMessage.lease_holder == holder)
        .where(OutboxMessage.status == OutboxStatus.LEASED)
        .values(lease_until=None, lease_holder=None, **values)
    )


def revive(session: Session, *, message_id: int, now: datetime) -> bool:
    """Give a dead letter another round. False if it is not dead."""
    revived = session.scalar(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.status == OutboxStatus.DEAD)
        .values(status=OutboxStatus.READY, attempts=0, run_after=now)
        .returning(OutboxMessage.id)
    )
    return revived is not None


def unfinished(session: Session) -> list[tuple[str, str, int]]:
    """What is not done, dead letters included: (topic, status, how many)."""
    rows = session.execute(
        select(OutboxMessage.topic, OutboxMessage.status, func.count())
        .where(OutboxMessage.status != OutboxStatus.DONE)
        .group_by(OutboxMessage.topic, OutboxMessage.status)
        .order_by(OutboxMessage.topic, OutboxMessage.status)
    )
    return [(topic, str(status), count) for topic, status, count in rows]


def backlog(session: Session, *, now: datetime) -> tuple[int, float]:
    """How many messages wait, and for how many seconds the oldest has been due."""
    waiting = OutboxMessage.status.in_((OutboxStatus.READY, OutboxStatus.LEASED))
    count, oldest = session.execute(select(func.count(), func.min(OutboxMessage.run_after)).where(waiting)).one()
    return count, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
