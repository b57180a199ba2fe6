"""What does not agree, one item for each number: opened, kept as staff resolved it, closed when it is in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, func, literal, or_, select, update
from sqlalchemy.orm import Session

from models import ReconItem, ReconQueue, ReconStatus
from wxbackend.core.sql import insert_into


@dataclass(frozen=True, slots=True)
class Day:
    """The trade bill of one merchant's day."""

    mchid: str
    on: date
    bill_id: int


@dataclass(frozen=True, slots=True)
class Matched:
    """``compared`` is how much the bills or our books know of a day, ``differing`` how much of it does not agree,
    ``found`` which of that is new."""

    compared: int = 0
    differing: int = 0
    found: Mapping[ReconQueue, int] = field(default_factory=dict)

    @property
    def agreeing(self) -> int:
        return self.compared - self.differing

    def __add__(self, other: "Matched") -> "Matched":
        found = {queue: self.found.get(queue, 0) + other.found.get(queue, 0) for queue in ReconQueue}
        return Matched(self.compared + other.compared, self.differing + other.differing, found)


def settle(
    session: Session, day: Day, subject: str, differences: CompoundSelect[Any], keys: Select[Any], now: datetime
) -> Matched:
    """Write the differences down and close the items of this day, or of this bill's lines, that are none any more."""
    differing = differences.subquery("differing")
    found = _open(session, day, subject, differing, now)
    _close(session, day, subject, differing, keys, now)
    count = session.scalar(select(func.count()).select_from(differing)) or 0
    return Matched(differing=count, found=found)


def _open(session: Session, day: Day, subject: str, differing: Any, now: datetime) -> Mapping[ReconQueue, int]:
    """One item for each number. What staff resolved stays resolved as long as it says the same."""
    facts = select(
        literal(day.mchid, Text),
        literal(day.on, ReconItem.__table__.c.bill_on.type),
        literal(subject, Text),
        differing.c.key,
        differing.c.queue,
        literal(str(ReconStatus.OPEN), Text),
        differing.c.out_trade_no,
        differing.c.bill_fen,
        differing.c.our_fen,
        literal(now, ReconItem.__table__.c.found_at.type),
    ).where(differing.c.key.is_not(None))
    names = ["mchid", "bill_on", "subject", "key", "queue", "status", "out_trade_no", "bill_fen", "our_fen", "found_at"]
    statement = insert_into(session, ReconItem).from_select(names, facts)
    new = statement.excluded
    another = or_(
        ReconItem.status == ReconStatus.MATCHED,
        ReconItem.queue != new.queue,
        ReconItem.bill_fen.is_distinct_from(new.bill_fen),
        ReconItem.our_fen.is_distinct_from(new.our_fen),
    )
    again = {name: new[name] for name in ("bill_on", "queue", "status", "out_trade_no", "bill_fen", "our_fen")}
    again |= {"found_at": new.found_at, "closed_at": None, "resolved_by": None, "note": None}
    written = session.scalars(
        statement.on_conflict_do_update(
            index_elements=[ReconItem.mchid, ReconItem.subject, ReconItem.key], set_=again, where=another
        ).returning(ReconItem.queue)
    ).all()
    return {queue: written.count(queue) for queue in ReconQueue}


def _close(session: Session, day: Day, subject: str, differing: Any, keys: Select[Any], now: datetime) -> None:
    session.execute(
        update(ReconItem)
        .where(ReconItem.mchid == day.mchid, ReconItem.subject == subject, ReconItem.status == ReconStatus.OPEN)
        .where(or_(ReconItem.bill_on == day.on, ReconItem.key.in_(keys)))
        .where(ReconItem.key.not_in(select(differing.c.key)))
        .values(status=ReconStatus.MATCHED, closed_at=now)
        .execution_options(synchronize_session=False)
    )
