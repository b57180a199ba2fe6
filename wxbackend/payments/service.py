"""T1: one payment, applied once, whoever brings the news.

The callback, ``/sync`` and the poller all build the same ``PaidTransaction`` and call ``apply_transaction``. Everything
that belongs together happens in the caller's one transaction; the postings come last, so that their locks are short.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    NoticeState,
    PaymentAttempt,
    PaymentMismatch,
    PaymentNotice,
    RefundDue,
    RefundDueReason,
)
from wxbackend.core import outbox
from wxbackend.core.crypto import BlindIndex
from wxbackend.core.errors import NotFound
from wxbackend.core.health import alarm
from wxbackend.core.sql import insert_into
from wxbackend.core.wxpay import Notice, PaidTransaction, Refunded
from wxbackend.honours.tools import IssuingTools
from wxbackend.ledger import service as ledger
from wxbackend.payments import attempts
from wxbackend.payments.consequences import consequences
from wxbackend.payments.postings import entries_of, to_suspense
from wxbackend.payments.rules import PAYER
from wxbackend.pledges import service as pledges
from wxbackend.refunds import outcome, suspense
from wxbackend.refunds.outcome import Taken

CURRENCY = "CNY"
#: (field, expected, found) of a payment that somebody paid back in the merchant platform before we knew of it.
PAID_BACK = ("trade_state", "SUCCESS", "REFUND")


class UnknownOrder(NotFound):
    """A payment for an order that is not committed here: WeChat is asked to repeat the notice."""

    code, title = "unknown-order", "支付单不存在"


#: What becomes of a notification about a refund.
REFUND_NOTICES = {
    Taken.MOVED: NoticeState.APPLIED,
    Taken.REPEATED: NoticeState.REPEATED,
    Taken.QUARANTINED: NoticeState.QUARANTINED,
    Taken.UNKNOWN: NoticeState.WAITING,
}


class Applied(StrEnum):
    FUNDED = "funded"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"
    REFUND_DUE = "refund-due"


@dataclass(frozen=True, slots=True)
class Inbox:
    """A notification as it came; ``body`` still encrypted."""

    notice: Notice
    body: str


def apply_transaction(
    session: Session,
    *,
    paid: PaidTransaction,
    index: BlindIndex,
    now: datetime,
    inbox: Inbox | None = None,
    was_refunded: bool = False,
) -> Applied:
    """Book a payment that WeChat vouches for. Repeats change nothing.

    ``was_refunded``: some of it went back. Of a payment that was not booked that was no refund of ours, and nobody
    knows what is left: it goes into quarantine. Raises ``UnknownOrder`` when the order is not ours (yet).
    """
    if inbox is not None and not _is_new(session, inbox=inbox, now=now):
        return Applied.REPEATED
    attempt = None if was_refunded else _succeed(session, paid=paid, index=index)
    if attempt is None:
        back = [PAID_BACK] if was_refunded else []
        return _explain(session, paid=paid, index=index, inbox=inbox, now=now, more=back)
    funding = pledges.fund(session, pledge_id=attempt.pledge_id, paid_at=paid.paid_at, now=now)
    if not funding.took_stock:
        paid_before = funding.pledge.paid_at is not None
        reason = RefundDueReason.SECOND_PAYMENT if paid_before else RefundDueReason.NO_STOCK
        owe_refund(session, attempt=attempt, paid=paid, reason=reason, now=now)
        return Applied.REFUND_DUE
    number = funding.pledge.number
    outbox.enqueue_all(session, works=consequences(number, paid), now=now)
    ledger.post(session, entries=entries_of(session, paid=paid, funding=funding), now=now)
    return Applied.FUNDED


def _is_new(session: Session, *, inbox: Inbox, now: datetime, state: NoticeState = NoticeState.APPLIED) -> bool:
    """Put the notification into the inbox; False if its id is there already."""
    row = {
        "id": inbox.notice.id,
        "mchid": inbox.notice.mchid,
        "event_type": inbox.notice.event_type,
        "out_trade_no": inbox.notice.out_trade_no,
        "body": inbox.body,
        "state": state,
        "received_at": now,
    }
    statement = insert_into(session, PaymentNotice).values(row).on_conflict_do_nothing()
    return session.execute(statement.returning(PaymentNotice.id)).scalar() is not None


def apply_refund(session: Session, *, refunded: Refunded, inbox: Inbox, tools: IssuingTools, now: datetime) -> Taken:
    """Apply what a notification says of a refund, once.

    A refund that is not ours (somebody paid back in the merchant platform) is kept WAITING, and its order is asked
    about soon: if its payment was never told to us, it is booked then. Repeating the notice would mend nothing, so it
    is accepted; the day's bill names the refund to whoever reconciles, whatever becomes of the notice.
    """
    if not _is_new(session, inbox=inbox, now=now):
        return Taken.REPEATED
    taken = outcome.take(session, refunded=refunded, tools=tools, now=now)
    _restate(session, inbox=inbox, state=REFUND_NOTICES[taken])
    if taken is Taken.UNKNOWN:
        attempts.ask_soon(session, number=refunded.out_trade_no, now=now)
        alarm("refund-not-ours", out_trade_no=refunded.out_trade_no, event_type=inbox.notice.event_type)
    return taken


def _succeed(session: Session, *, paid: PaidTransaction, index: BlindIndex) -> PaymentAttempt | None:
    """Lock and settle the attempt in one statement, if every field is what we ordered.

    A payment that was paid back by hand stays in quarantine, though its notification comes in the end.
    """
    wanted = _expected(paid, index)
    paid_back = exists().where(
        PaymentMismatch.out_trade_no == paid.out_trade_no,
        PaymentMismatch.transaction_id == paid.transaction_id,
        PaymentMismatch.field == PAID_BACK[0],
    )
    return session.scalar(
        update(PaymentAttempt)
        .where(PaymentAttempt.out_trade_no == paid.out_trade_no, PaymentAttempt.status != AttemptStatus.SUCCESS)
        .where(*(getattr(PaymentAttempt, field) == value for field, value in wanted.items()))
        .where(paid.currency == CURRENCY, ~paid_back)  # type: ignore[arg-type]
        .values(
            status=AttemptStatus.SUCCESS,
            transaction_id=paid.transaction_id,
            payer_total_fen=paid.payer_total_fen,
            paid_at=paid.paid_at,
            next_query_at=None,
        )
        .returning(PaymentAttempt)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _expected(paid: PaidTransaction, index: BlindIndex) -> dict[str, object]:
    """Fields of the attempt that the transaction must agree with."""
    return {
        "mchid": paid.mchid,
        "appid": paid.appid,
        "amount_fen": paid.total_fen,
        "payer_index": index.of(paid.payer_openid, purpose=PAYER),
    }


def _explain(
    session: Session,
    *,
    paid: PaidTransaction,
    index: BlindIndex,
    inbox: Inbox | None,
    now: datetime,
    more: Sequence[tuple[str, str, str]],
) -> Applied:
    """Why nothing was settled: unknown, applied before, or it does not fit and goes into quarantine.

    The order is over then, and its pledge runs out with its hold: what was paid waits for staff, not the places.
    """
    ordered = select(PaymentAttempt).where(PaymentAttempt.out_trade_no == paid.out_trade_no)
    attempt = session.scalar(ordered.with_for_update().execution_options(populate_existing=True))
    if attempt is None:
        raise UnknownOrder
    if attempt.transaction_id == paid.transaction_id:
        _restate(session, inbox=inbox, state=NoticeState.REPEATED)
        return Applied.REPEATED
    faults = [*_faults(attempt, paid, index), *more]
    for field, expected, found in faults:
        _quarantine(session, paid=paid, field=field, expected=expected, found=found, now=now)
    _restate(session, inbox=inbox, state=NoticeState.QUARANTINED)
    attempts.note_ended(session, attempt_id=attempt.id, status=AttemptStatus.FAILED)
    alarm("payment-mismatch", out_trade_no=paid.out_trade_no, fields=[field for field, *_ in faults])
    return Applied.QUARANTINED


def _restate(session: Session, *, inbox: Inbox | None, state: NoticeState) -> None:
    """Say of a notification that it was not the one that settled the order."""
    if inbox is not None:
        session.execute(update(PaymentNotice).where(PaymentNotice.id == inbox.notice.id).values(state=state))


def _faults(attempt: PaymentAttempt, paid: PaidTransaction, index: BlindIndex) -> list[tuple[str, str, str]]:
    """(field, expected, found) of everything that differs; an openid never shows, not even its index."""
    compared = [(field, getattr(attempt, field), found) for field, found in _expected(paid, index).items()]
    compared += [("currency", CURRENCY, paid.currency)]
    if attempt.status is AttemptStatus.SUCCESS:
        compared += [("transaction_id", attempt.transaction_id, paid.transaction_id)]
    hidden = {"payer_index": ("下单人", "其他人")}
    return [
        (field, *hidden.get(field, (str(expected), str(found))))
        for field, expected, found in compared
        if expected != found
    ]


def _quarantine(
    session: Session, *, paid: PaidTransaction, field: str, expected: str, found: str, now: datetime
) -> None:
    row = {
        "out_trade_no": paid.out_trade_no,
        "transaction_id": paid.transaction_id,
        "field": field,
        "expected": expected,
        "found": found,
        "at": now,
    }
    session.execute(insert_into(session, PaymentMismatch).values(row).on_conflict_do_nothing())


def owe_refund(
    session: Session, *, attempt: PaymentAttempt, paid: PaidTransaction, reason: RefundDueReason, now: datetime
) -> None:
    """Book money that its pledge cannot take to suspense, and send it back. ``attempt`` is settled."""
    due = RefundDue(
        attempt_id=attempt.id,
        pledge_id=attempt.pledge_id,
        transaction_id=paid.transaction_id,
        amount_fen=paid.total_fen,
        reason=reason,
        created_at=now,
    )
    session.add(due)
    session.flush()
    entry = to_suspense(paid, pledge_id=attempt.pledge_id)
    ledger.post(session, entries=[entry], now=now)
    suspense.repay(session, due_id=due.id, now=now)
    alarm("refund-due", out_trade_no=paid.out_trade_no, reason=str(reason))
