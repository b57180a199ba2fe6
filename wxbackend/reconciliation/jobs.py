"""What the worker does about bills: at each turn of the morning, every day that is missing or disputed.

A day is a message of its own. What fails there is noted on its bill and comes again with the next turn.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from wxbackend.core import outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.health import alarm
from wxbackend.core.outbox import Handler, Work
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed
from wxbackend.payments.merchants import report_unconfigured
from wxbackend.reconciliation import service
from wxbackend.reconciliation.bookkeeper import bookkeeper
from wxbackend.reconciliation.rules import is_near_limit, is_past_noon, slot_at

RECONCILE = "reconciliation.day"


def plan_days() -> None:
    """Put in the work of the turn that has begun, once however often this runs."""
    now, configured = ports().now(), ports().pay.merchants()
    slot = slot_at(now)
    if slot is None:
        return
    with reading() as session:
        due = [(mchid, service.days_due(session, mchid=mchid, now=now)) for mchid in sorted(configured)]
        gone = service.merchants_gone(session, configured=configured, now=now)
    with transaction() as session:
        if works := [_work(mchid, on, slot) for mchid, days in due for on in days]:
            outbox.enqueue_all(session, works=works, now=now)
        for mchid in gone:
            report_unconfigured(session, mchid=mchid, now=now)


def _work(mchid: str, on: date, slot: str) -> Work:
    return Work(RECONCILE, f"{mchid}:{on.isoformat()}:{slot}", {"mchid": mchid, "on": on.isoformat()})


def reconcile_day(payload: Mapping[str, Any]) -> None:
    """One merchant's day. A merchant that was taken out of the configuration meanwhile has nobody to ask."""
    mchid, on = str(payload["mchid"]), date.fromisoformat(payload["on"])
    now = ports().now()
    if mchid not in ports().pay.merchants():
        with transaction() as session:
            report_unconfigured(session, mchid=mchid, now=now)
        return
    result = bookkeeper().reconcile(mchid=mchid, on=on)
    if result.is_complete:
        return
    if is_past_noon(now):
        alarm("bill-missing", mchid=mchid, on=on.isoformat())
    if is_near_limit(on, now=now):
        alarm("bill-limit-near", mchid=mchid, on=on.isoformat())


HANDLERS: tuple[tuple[str, Handler], ...] = ((RECONCILE, reconcile_day),)
TIMETABLE = (Timed("reconcile", timedelta(minutes=10), plan_days),)
