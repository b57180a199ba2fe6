"""Run every check and name what is wrong. Reads only; never mends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxbackend.auditing.queries import QUERIES
from wxbackend.auditing.query import Query
from wxbackend.auditing.walks import WALKS, Violation, Walk, World
from wxbackend.core.ports import Storage

#: Of one kind of fault, so many are named.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    checks: int
    violations: tuple[Violation, ...]

    @property
    def is_clean(self) -> bool:
        return not self.violations


def audit(session: Session, *, storage: Storage, code_keys: Mapping[str, bytes]) -> Report:
    """Check everything on one snapshot of the database."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    found = [violation for query in QUERIES for violation in run_query(session, query)]
    world = World(session, storage, code_keys)
    found += [violation for walk in WALKS for violation in _by_walk(walk, world)]
    return Report(checks=len(QUERIES) + len(WALKS), violations=tuple(found))


def run_query(session: Session, query: Query) -> Iterator[Violation]:
    """What one query finds."""
    statement = text(query.sql.replace(":", r"\:"))  # a colon here is never a parameter
    for row in islice(session.execute(statement), SHOWN):
        yield Violation(query.name, query.title, tuple(str(fact) for fact in row))


def _by_walk(walk: Walk, world: World) -> Iterator[Violation]:
    for facts in islice(walk.faults(world), SHOWN):
        yield Violation(walk.name, walk.title, facts)
