"""The inbox of WeChat's message push: every genuine push is noted once, and taken by the feature it concerns."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import PushMessage, PushState
from wxbackend.core.push import PushTaken, PushTaker
from wxbackend.core.sql import insert_into
from wxbackend.core.wxmini import BadPush, PushEvent

#: WeChat repeats a push within seconds; one of another day was kept by somebody. The keys by which a repetition is
#: known are forgotten after a month, and what an old push says of a person may by then be untrue of a new account.
FRESH = timedelta(days=1)
#: What a push speaks of comes within minutes; after a day it does not come any more.
PATIENCE = timedelta(days=1)


def check_fresh(event: PushEvent, *, now: datetime) -> None:
    """Raises ``BadPush`` for an event that did not happen about now."""
    if abs(now - event.at) > FRESH:
        raise BadPush("消息时间与当前时间相差过大")


def take(session: Session, *, event: PushEvent, takers: Mapping[str, PushTaker], now: datetime) -> PushState | None:
    """Note a push and have it taken, in this one transaction; ``None`` if it was noted before."""
    row = {
        "key": event.key,
        "event": event.event,
        "facts": {},
        "state": PushState.IGNORED,
        "at": event.at,
        "received_at": now,
    }
    noted = insert_into(session, PushMessage).values(row).on_conflict_do_nothing(index_elements=["key"])
    if session.execute(noted.returning(PushMessage.key)).scalar() is None:
        return None
    taker = takers.get(event.event)
    return PushState.IGNORED if taker is None else _note(session, key=event.key, taken=taker(session, event, now))


def _note(session: Session, *, key: str, taken: PushTaken) -> PushState:
    kept = update(PushMessage).where(PushMessage.key == key).values(state=taken.state, facts=dict(taken.facts))
    session.execute(kept)
    return taken.state


def waiting(session: Session, *, now: datetime, limit: int) -> Sequence[str]:
    """Keys of pushes that speak of something that was not here yet, the oldest first."""
    query = select(PushMessage.key).where(PushMessage.state == PushState.WAITING)
    query = query.where(PushMessage.received_at > now - PATIENCE)
    return session.scalars(query.order_by(PushMessage.received_at, PushMessage.key).limit(limit)).all()


def take_again(session: Session, *, key: str, takers: Mapping[str, PushTaker], now: datetime) -> PushState | None:
    """Have a waiting push taken once more, from its facts; ``None`` if it waits no longer."""
    held = session.execute(
        update(PushMessage)
        .where(PushMessage.key == key, PushMessage.state == PushState.WAITING)
        .values(state=PushState.WAITING)
        .returning(PushMessage.event, PushMessage.at, PushMessage.facts)
    ).one_or_none()
    taker = takers.get(held.event) if held else None
    if held is None or taker is None:
        return None
    event = PushEvent(key=key, event=held.event, openid="", at=held.at, document=held.facts)
    return _note(session, key=key, taken=taker(session, event, now))
