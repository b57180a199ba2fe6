"""What the worker does about shipping reports, and what WeChat pushes about them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from models import PushState, ShippingStatus
from wxbackend.core import outbox
from wxbackend.core.db import reading
from wxbackend.core.health import alarm
from wxbackend.core.outbox import Handler, Work
from wxbackend.core.ports import ports
from wxbackend.core.push import PushTaken, PushTaker
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.core.wxmini import PushEvent
from wxbackend.shipping import service as shipping
from wxbackend.shipping.reporting import keep_state, report
from wxbackend.shipping.rules import REPORT

#: Whether WeChat manages our trade changes once in a mini-program's life.
ASK_EVERY = timedelta(days=1)
#: After so long a report that waits is tried by the clock, whatever became of its message; and somebody is told.
OVERDUE, ALARMING = timedelta(hours=1), timedelta(hours=24)
CHASE_EVERY = timedelta(minutes=30)
BATCH = 50
#: A run asks about, or begins with, one report in so many: each is asked about once a day, and chased first twice.
TURNS = 24


def report_payment(payload: Mapping[str, Any]) -> None:
    """Nothing where WeChat does not manage our trade; a reminder of WeChat's says that it does."""
    if payload.get("reminded") or is_managed():
        report(payload["transaction_id"])


def is_managed() -> bool:
    """What WeChat said last, asked once a day by each process."""
    remembered: dict[str, Any] = current_app.extensions.setdefault("xiangshu.trade-managed", {})
    now = ports().now()
    if "answer" not in remembered or now >= remembered["until"]:
        remembered.update(answer=ports().mini.is_trade_managed(), until=now + ASK_EVERY)
    return bool(remembered["answer"])


def chase_reports() -> None:
    """Try again what WeChat has not got; after a day somebody has to look."""
    now = ports().now()
    turn = int(now.timestamp() // CHASE_EVERY.total_seconds()) % TURNS
    with reading() as session:
        late = shipping.unreported(session, before=now - OVERDUE, turn=turn, turns=TURNS, limit=BATCH)
        alarming = shipping.unreported(session, before=now - ALARMING, turn=turn, turns=TURNS, limit=BATCH)
    if alarming:
        alarm("shipping-unreported", count=len(alarming), transaction_id=alarming[0])
    one_by_one("shipping report", late, report)


def refresh_states() -> None:
    """Ask what became of reported orders whose push may have been lost."""
    with reading() as session:
        found = shipping.unsettled(session, turn=ports().now().hour, turns=TURNS, limit=BATCH * 10)
    one_by_one("shipping state", found, _refresh)


def _refresh(transaction_id: str) -> None:
    keep_state(transaction_id, ports().mini.shipping_state(transaction_id=transaction_id))


# ------------------------------------------------------------------------------------------------ pushes
def _told(event: PushEvent) -> dict[str, Any]:
    """What is kept of an event: numbers of the payment and moments, nothing of the person."""
    names = ("transaction_id", "merchant_trade_no", "settlement_time", "confirm_receive_time")
    return {name: event.document[name] for name in names if isinstance(event.document.get(name), str | int)}


def order_settled(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """Reported (with an estimate), confirmed, or settled: the last that it names."""
    facts = _told(event)
    stages = {"settlement_time": ShippingStatus.SETTLED, "confirm_receive_time": ShippingStatus.CONFIRMED}
    named = next((name for name in stages if facts.get(name)), None)
    to = stages[named] if named else ShippingStatus.SHIPPED
    at = _moment(facts.get(named), now) if named else now
    known = shipping.note_state(session, transaction_id=str(facts.get("transaction_id")), to=to, at=at)
    return PushTaken(PushState.DONE if known else PushState.IGNORED, facts)


def _moment(told: Any, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(int(told), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now


def reminded(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """Report at once. Where we think it was reported, somebody has to look."""
    facts = _told(event)
    transaction_id = str(facts.get("transaction_id"))
    if not shipping.is_ours(session, transaction_id=transaction_id):
        return PushTaken(PushState.IGNORED, facts)
    status = shipping.status_of(session, transaction_id=transaction_id)
    if status is not None and status not in shipping.UNREPORTED:
        alarm("shipping-reminded", transaction_id=transaction_id, status=str(status))
    payload = {"transaction_id": transaction_id, "reminded": True}
    outbox.enqueue_all(session, works=[Work(REPORT, f"{transaction_id}:{event.key}", payload)], now=now)
    return PushTaken(PushState.DONE, facts)


def access_wanted(session: Session, event: PushEvent, now: datetime) -> PushTaken:  # noqa: ARG001
    """WeChat asks for reports that it does not get: somebody has to see whether our trade is managed."""
    alarm("shipping-access")
    return PushTaken(PushState.DONE)


PUSHES: Mapping[str, PushTaker] = {
    "trade_manage_order_settlement": order_settled,
    "trade_manage_remind_shipping": reminded,
    "trade_manage_remind_access_api": access_wanted,
}
HANDLERS: tuple[tuple[str, Handler], ...] = ((REPORT, report_payment),)
TIMETABLE = (
    Timed("chase-shipping", CHASE_EVERY, chase_reports),
    Timed("refresh-shipping", timedelta(hours=1), refresh_states),
)
