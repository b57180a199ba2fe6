"""What the worker does about refunds: ask WeChat, send suspense back, settle debts of points."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.points import service as points
from wxbackend.refunds import asking, suspense
from wxbackend.refunds.desk import desk
from wxbackend.refunds.holding import SUBMIT

BATCH = 50
#: So many residents have their debts settled in a turn, as far as its time goes: the oldest debts come first.
DEBTORS = 1_000


def submit(payload: Mapping[str, Any]) -> None:
    desk().submit(payload["refund"])


def follow_refunds() -> None:
    """Ask about every refund whose time has come, for a few seconds: what is left is still due the next time."""
    with reading() as session:
        numbers = asking.due(session, now=ports().now(), limit=BATCH)
    one_by_one("refund", numbers, desk().follow)


def repay_suspense() -> None:
    """Money in suspense that no refund was made for yet."""
    with reading() as session:
        due_ids = suspense.left_lying(session, limit=BATCH)
    one_by_one("refund due", due_ids, _repay)


def _repay(due_id: int) -> None:
    with transaction() as session:
        suspense.repay(session, due_id=due_id, now=ports().now())


def settle_debts() -> None:
    """Points earned since pay what was spent before its refund. Who was settled is not found the next time."""
    with reading() as session:
        residents = points.debtors(session, on=china_date(ports().now()), limit=DEBTORS)
    one_by_one("points debt", residents, _settle)


def _settle(resident_id: int) -> None:
    with transaction() as session:
        points.settle_debts(session, resident_id=resident_id, now=ports().now())


HANDLERS: tuple[tuple[str, Handler], ...] = ((SUBMIT, submit),)
TIMETABLE = (
    Timed("follow-refunds", timedelta(seconds=15), follow_refunds),
    Timed("repay-suspense", timedelta(minutes=5), repay_suspense),
    Timed("settle-points-debts", timedelta(hours=1), settle_debts),
)
