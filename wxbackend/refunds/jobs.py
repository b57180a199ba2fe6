"""What the worker does about refunds: ask WeChat, send suspense back, settle debts of points."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed
from wxbackend.points import service as points
from wxbackend.refunds import asking, suspense
from wxbackend.refunds.desk import desk
from wxbackend.refunds.holding import SUBMIT

BATCH = 50
#: So many residents have their debts settled in a turn, as far as its time goes: the oldest debts come first.
DEBTORS = 1_000
#: Shorter than the leader's lease: the same thread does everything else of the timetable.
BUDGET = timedelta(seconds=8)
log = structlog.get_logger()


def submit(payload: Mapping[str, Any]) -> None:
    desk().submit(payload["refund"])


def follow_refunds() -> None:
    """Ask about every refund whose time has come, for a few seconds: what is left is still due the next time."""
    with reading() as session:
        numbers = asking.due(session, now=ports().now(), limit=BATCH)
    _each("refund", numbers, desk().follow)


def repay_suspense() -> None:
    """Money in suspense that no refund was made for yet."""
    with reading() as session:
        due_ids = suspense.left_lying(session, limit=BATCH)
    _each("refund due", due_ids, _repay)


def _repay(due_id: int) -> None:
    with transaction() as session:
        suspense.repay(session, due_id=due_id, now=ports().now())


def settle_debts() -> None:
    """Points earned since pay what was spent before its refund. Who was settled is not found the next time."""
    with reading() as session:
        residents = points.debtors(session, on=china_date(ports().now()), limit=DEBTORS)
    _each("points debt", residents, _settle)


def _settle(resident_id: int) -> None:
    with transaction() as session:
        points.settle_debts(session, resident_id=resident_id, now=ports().now())


def _each(what: str, keys: Iterable[Any], act: Callable[[Any], None]) -> None:
    """One by one. What goes wrong with one must not keep those behind it waiting, hence the wide net."""
    started = ports().now()
    for key in keys:
        if ports().now() - started > BUDGET:
            return
        try:
            act(key)
        except Exception as error:
            log.warning("job failed", what=what, key=key, exc_info=None if isinstance(error, Problem) else error)


HANDLERS: tuple[tuple[str, Handler], ...] = ((SUBMIT, submit),)
TIMETABLE = (
    Timed("follow-refunds", timedelta(seconds=15), follow_refunds),
    Timed("repay-suspense", timedelta(minutes=5), repay_suspense),
    Timed("settle-points-debts", timedelta(hours=1), settle_debts),
)
