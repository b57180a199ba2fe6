"""What WeChat says of a refund, applied once, whoever brings the news: an answer, a query or a notification."""

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import PaymentAttempt, PaymentMismatch, Refund, RefundStatus
from wxbackend.core.health import alarm
from wxbackend.core.sql import insert_into
from wxbackend.core.wxpay import Refunded, RefundState
from wxbackend.honours.tools import IssuingTools
from wxbackend.refunds import holding, rules, takeback

log = structlog.get_logger()


class Taken(StrEnum):
    MOVED = "moved"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"  # no refund of ours has this number


def take(session: Session, *, refunded: Refunded, tools: IssuingTools, now: datetime) -> Taken:
    """Apply WeChat's word. Repeats and late news change nothing; what does not fit moves nothing and alarms."""
    known = select(Refund.id).where(Refund.number == refunded.out_refund_no)
    if session.scalar(known) is None:
        return Taken.UNKNOWN
    refund = holding.locked(session, number=refunded.out_refund_no)
    if faults := _faults(session, refund, refunded):
        return _quarantine(session, refund, faults, now=now)
    if refund.wx_refund_id is None:
        refund.wx_refund_id = refunded.wx_refund_id
    match refunded.state:
        case RefundState.PROCESSING:
            return _accepted(session, refund, now=now)
        case RefundState.SUCCESS:
            return _succeeded(session, refund, refunded, tools=tools, now=now)
        case RefundState.ABNORMAL:
            return _abnormal(session, refund, now=now)
        case RefundState.CLOSED:
            return _closed(session, refund, refunded, now=now)


def _faults(session: Session, refund: Refund, refunded: Refunded) -> list[tuple[str, str, str]]:
    """(field, expected, found) of everything that differs from what we asked for."""
    paid = session.get_one(PaymentAttempt, refund.attempt_id)
    total_fen = refund.amount_fen if refund.due_id is not None else paid.amount_fen
    compared: list[tuple[str, object, object]] = [
        ("refund_mchid", paid.mchid, refunded.mchid),
        ("refund_out_trade_no", paid.out_trade_no, refunded.out_trade_no),
        ("refund_transaction_id", paid.transaction_id, refunded.transaction_id),
        ("refund_fen", refund.amount_fen, refunded.refund_fen),
        ("refund_total_fen", total_fen, refunded.total_fen),
        ("wx_refund_id", refund.wx_refund_id or refunded.wx_refund_id, refunded.wx_refund_id),
    ]
    return [(field, str(expected), str(found)) for field, expected, found in compared if expected != found]


def _quarantine(session: Session, refund: Refund, faults: list[tuple[str, str, str]], *, now: datetime) -> Taken:
    """Keep what differs for staff, under our own order: the document's may be somebody else's."""
    paid = session.get_one(PaymentAttempt, refund.attempt_id)
    rows = [
        {
            "out_trade_no": paid.out_trade_no,
            "transaction_id": paid.transaction_id,
            "field": f"{field}:{refund.number}",
            "expected": expected,
            "found": found,
            "at": now,
        }
        for field, expected, found in faults
    ]
    session.execute(insert_into(session, PaymentMismatch).on_conflict_do_nothing(), rows)
    alarm("refund-mismatch", refund=refund.number, fields=[field for field, *_ in faults])
    return Taken.QUARANTINED


def _accepted(session: Session, refund: Refund, *, now: datetime) -> Taken:
    """WeChat has it, or pays it into the merchant's account; from now on the question is what became of it."""
    retried = refund.status is RefundStatus.ABNORMAL and refund.last_error == rules.TO_MERCHANT
    if refund.status is RefundStatus.SUBMITTED and refund.last_error not in (None, rules.TO_MERCHANT):
        refund.last_error, refund.next_try_at = None, now + rules.next_step(1)
        session.flush()
    if refund.status is not RefundStatus.APPROVED and not retried:
        return Taken.REPEATED
    refund.submitted_at, refund.last_error = refund.submitted_at or now, rules.TO_MERCHANT if retried else None
    refund.try_count, refund.next_try_at = 0, now + rules.next_step(1)
    cause = "retried by staff" if retried else "accepted by WeChat"
    holding.step(session, refund=refund, to=RefundStatus.SUBMITTED, cause=cause, now=now)
    return Taken.MOVED


def _succeeded(session: Session, refund: Refund, refunded: Refunded, *, tools: IssuingTools, now: datetime) -> Taken:
    via_merchant = refund.last_error in rules.VIA_MERCHANT
    if refund.status not in rules.HELD:
        if refund.status is RefundStatus.SUCCESS and (refund.settled_by is None or via_merchant):
            return Taken.REPEATED
        return _contradicted(session, refund, refunded, now=now)
    if via_merchant:
        return _at_merchant(session, refund, now=now)
    at = refunded.succeeded_at or now
    refund.submitted_at = refund.submitted_at or at
    takeback.succeed(session, refund=refund, cause="WeChat says paid", tools=tools, at=at, now=now)
    return Taken.MOVED


def _at_merchant(session: Session, refund: Refund, *, now: datetime) -> Taken:
    """Its success put the money into the merchant's bank account: the person has nothing until staff have paid it."""
    if refund.last_error == rules.AT_MERCHANT:
        return Taken.REPEATED
    refund.last_error, refund.next_try_at = rules.AT_MERCHANT, None
    session.flush()
    if refund.status is not RefundStatus.ABNORMAL:
        holding.step(session, refund=refund, to=RefundStatus.ABNORMAL, cause="paid to the merchant", now=now)
    alarm("refund-at-merchant", refund=refund.number)
    return Taken.MOVED


def _abnormal(session: Session, refund: Refund, *, now: datetime) -> Taken:
    """The payer's card or account takes no money: staff decide, the person is told, WeChat is asked once a day."""
    if refund.status not in (RefundStatus.APPROVED, RefundStatus.SUBMITTED):
        return Taken.REPEATED
    refund.submitted_at, refund.next_try_at = refund.submitted_at or now, now + rules.DAILY
    if refund.last_error not in rules.VIA_MERCHANT:
        refund.last_error = RefundState.ABNORMAL
    holding.step(session, refund=refund, to=RefundStatus.ABNORMAL, cause="WeChat could not pay", now=now)
    holding.tell(session, refund=refund, now=now)
    alarm("refund-abnormal", refund=refund.number)
    return Taken.MOVED


def _closed(session: Session, refund: Refund, refunded: Refunded, *, now: datetime) -> Taken:
    """WeChat gave up: nothing was refunded, and everything is as it was before somebody asked."""
    if refund.status is RefundStatus.SUCCESS:
        return _contradicted(session, refund, refunded, now=now) if refund.settled_by is None else Taken.REPEATED
    if refund.status not in rules.HELD:
        return Taken.REPEATED
    refund.submitted_at, refund.next_try_at = refund.submitted_at or now, None
    holding.step(session, refund=refund, to=RefundStatus.CLOSED, cause="closed by WeChat", now=now)
    holding.tell(session, refund=refund, now=now)
    holding.put_back(session, refund=refund, cause="refund closed", was_held=True, now=now)
    alarm("refund-closed", refund=refund.number)
    return Taken.MOVED


def _contradicted(session: Session, refund: Refund, refunded: Refunded, *, now: datetime) -> Taken:
    """An end is an end here; that WeChat names another one is for people to look at."""
    fault = ("refund_state", str(refund.status), str(refunded.state))
    return _quarantine(session, refund, [fault], now=now)
