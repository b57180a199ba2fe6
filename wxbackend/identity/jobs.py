"""What happens by the clock or after a transaction: old rows go, files of erased persons go."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Table, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from models import IdempotencyKey, OutboxMessage, PushMessage, ResidentSession
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.identity import erasure

ROWS_AT_ONCE = 500
MESSAGES_KEPT = timedelta(days=30)
#: As long as anything that was under way during an erasure can still write: requests, retries of the outbox.
AFTERMATH = timedelta(days=2)


def delete_file(payload: Mapping[str, Any]) -> None:
    ports().storage.delete(payload["key"])


def purge() -> None:
    """Remove what has served its time, and what was written about erased persons while they were being erased."""
    for condition in _outlived(ports().now()):
        while _purge_some(*condition) == ROWS_AT_ONCE:
            pass
    _erase_latecomers()


def _outlived(now: datetime) -> tuple[tuple[Any, Any], ...]:
    return (
        (ResidentSession, or_(ResidentSession.expires_at <= now, ResidentSession.ended_at <= now)),
        (IdempotencyKey, IdempotencyKey.expires_at <= now),
        (OutboxMessage, OutboxMessage.done_at <= now - MESSAGES_KEPT),
        (PushMessage, PushMessage.received_at <= now - MESSAGES_KEPT),
    )


def _purge_some(model: Any, condition: Any) -> int:
    """A bounded number of rows in a transaction of its own: on SQLite everybody waits for it."""
    with transaction() as session:
        gone = session.execute(_bounded(model.__table__, condition))
        return len(gone.all())


def _bounded(table: Table, condition: Any) -> Any:
    key = tuple(table.primary_key.columns)
    some = select(*key).where(condition).limit(ROWS_AT_ONCE)
    return delete(table).where(tuple_(*key).in_(some)).returning(key[0])


def _erase_latecomers() -> None:
    now = ports().now()
    with reading() as session:
        erased = erasure.erased_since(session, moment=now - AFTERMATH)
    for resident_id in erased:
        with transaction() as session:
            _erase_again(session, resident_id=resident_id, now=now)


def _erase_again(session: Session, *, resident_id: int, now: datetime) -> None:
    erasers = current_app.extensions["xiangshu.erasers"]
    erasure.erase_traces(session, resident_id=resident_id, erasers=erasers, now=now)


def finish_erasures() -> None:
    """End the accounts whose erasure was begun, and waited for a payment or refund. A fault of one stops no other."""
    ask = ports()
    with reading() as session:
        waiting = erasure.begun(session, appid=ask.mini.appid)
    one_by_one("erasure", waiting, _finish_erasure)


def _finish_erasure(resident_id: int) -> None:
    now, erasers = ports().now(), current_app.extensions["xiangshu.erasers"]
    with transaction() as session:
        if erasure.erase_or_begin(session, resident_id=resident_id, erasers=erasers, now=now):
            audit.record(session, caller=None, action="resident.erase", on=("resident", str(resident_id)), now=now)


HANDLERS: tuple[tuple[str, Handler], ...] = ((erasure.DELETE_FILE, delete_file),)
TIMETABLE = (
    Timed("purge", timedelta(hours=1), purge),
    Timed("finish-erasures", timedelta(hours=1), finish_erasures),
)
