"""Ask for a refund, take the wish back, decide on it, end it by hand. No call to WeChat goes out from here."""

from datetime import datetime

from sqlalchemy.orm import Session

from models import PaymentAttempt, Refund, RefundStatus
from wxbackend.core import audit
from wxbackend.core.caller import Caller
from wxbackend.core.errors import NotFound
from wxbackend.honours.tools import IssuingTools
from wxbackend.pledges import service as pledges
from wxbackend.refunds import holding, rules, takeback
from wxbackend.refunds.errors import OutcomeUnknown, RefundDecided
from wxbackend.refunds.holding import SUBMIT
from wxbackend.refunds.rules import RefundWish
from wxbackend.refunds.standing import Asker, refundable, refuse_frozen, refuse_too_many
from wxbackend.staff.errors import ConfirmationNeeded, SamePerson
from wxbackend.staff.rules import is_within

__all__ = [
    "SUBMIT",
    "Asker",
    "RefundWish",
    "ask_again",
    "decide",
    "give_up",
    "request_refund",
    "settle_offline",
    "to_merchant",
    "withdraw",
]


def request_refund(
    session: Session, *, pledge_number: str, wish: RefundWish, by: Asker, number: str, now: datetime
) -> Refund:
    """Ask for a refund: the pledge is frozen and its share of the payment taken until somebody decides.

    Raises ``NotFound`` when the pledge is not the asker's or out of scope, ``NotRefundable``, ``ReasonNotOpen``,
    ``RefundTooLate``, ``TooManyRefunds``, ``RefundOpen``, ``ReceiptLive``, ``OrderFrozen``.
    """
    pledges.lock_owner(session, number=pledge_number)
    found = refundable(session, number=pledge_number, by=by)
    pledge, attempt = found.pledge, found.attempt
    share = rules.share_of(found.standing, wish, by_staff=by.kind != "resident", now=now)
    refuse_frozen(session, attempt=attempt)
    refuse_too_many(session, attempt_id=attempt.id)
    holding.reserve(session, attempt_id=attempt.id, amount_fen=share.amount_fen)
    holding.freeze(session, pledge_id=pledge.id, frm=found.standing.status, now=now)
    refund = Refund(
        number=number,
        pledge_id=pledge.id,
        attempt_id=attempt.id,
        county_code=pledge.county_code,
        reason=wish.reason,
        amount_fen=share.amount_fen,
        tree_count=share.tree_count,
        from_status=found.standing.status,
        requested_by_kind=by.kind,
        requested_by_id=by.id,
        requested_at=now,
        status=RefundStatus.REQUESTED,
        explanation=wish.explanation if found.has_owner else None,
    )
    holding.open_row(session, refund=refund, cause=f"asked by {by.kind}", now=now)
    if by.kind == "staff":
        clerk = Caller(kind=by.kind, id=by.id or 0, session_id=0)
        _record(session, clerk, "refund.request", refund, now=now, pledge=pledge_number, reason=str(wish.reason))
    return refund


def _record(session: Session, caller: Caller, action: str, refund: Refund, *, now: datetime, **details: str) -> None:
    on = ("refund", refund.number)
    audit.record(session, caller=caller, action=action, on=on, now=now, amount_fen=refund.amount_fen, **details)


def withdraw(session: Session, *, number: str, resident_id: int, now: datetime) -> Refund:
    """Take one's own wish back, before anybody decided. Raises ``NotFound``, ``RefundDecided``."""
    refund = holding.locked(session, number=number)
    if refund.requested_by_kind != "resident" or refund.requested_by_id != resident_id:
        raise NotFound("退款单不存在")
    _refuse_unless(refund, RefundStatus.REQUESTED)
    holding.step(session, refund=refund, to=RefundStatus.WITHDRAWN, cause="withdrawn by its asker", now=now)
    holding.put_back(session, refund=refund, cause="refund withdrawn", was_held=False, now=now)
    return refund


def _refuse_unless(refund: Refund, *statuses: RefundStatus) -> None:
    if refund.status not in statuses:
        raise RefundDecided(refund_status=str(refund.status))


def _for_staff(session: Session, *, number: str, caller: Caller) -> Refund:
    """The refund, locked. Raises ``ConfirmationNeeded``, ``NotFound`` for a county out of the caller's reach."""
    if not caller.confirmed:
        raise ConfirmationNeeded
    refund = holding.locked(session, number=number)
    if not is_within(refund.county_code, caller.prefixes):
        raise NotFound("退款单不存在")
    return refund


def decide(session: Session, *, number: str, approve: bool, note: str, caller: Caller, now: datetime) -> Refund:
    """Decide as the second person. Approved, the money is set aside and the worker asks WeChat.

    Raises ``ConfirmationNeeded``, ``NotFound``, ``SamePerson``, ``RefundDecided``; ``ReceiptLive``, ``OrderFrozen``,
    ``RefundTooLate``, ``Insufficient`` where it may not be approved now.
    """
    refund = _for_staff(session, number=number, caller=caller)
    _refuse_asker(refund, caller)
    _refuse_unless(refund, RefundStatus.REQUESTED)
    refund.decided_by, refund.decided_at, refund.decision_note = caller.id, now, note or None
    _record(session, caller, "refund.approve" if approve else "refund.reject", refund, now=now)
    if approve:
        _approve(session, refund=refund, now=now)
    else:
        holding.step(session, refund=refund, to=RefundStatus.REJECTED, cause="rejected", now=now)
        holding.put_back(session, refund=refund, cause="refund rejected", was_held=False, now=now)
        holding.tell(session, refund=refund, now=now)
    return refund


def _approve(session: Session, *, refund: Refund, now: datetime) -> None:
    """What kept the wish from being uttered keeps it from being granted: it may have come up meanwhile."""
    attempt = session.get_one(PaymentAttempt, refund.attempt_id, populate_existing=True)
    refuse_frozen(session, attempt=attempt)
    rules.check_age(attempt.paid_at or now, now=now)
    holding.step(session, refund=refund, to=RefundStatus.APPROVED, cause="approved", now=now)
    holding.send(session, refund=refund, now=now)


def ask_again(session: Session, *, number: str, caller: Caller, now: datetime) -> Refund:
    """Have WeChat asked now, after what it refused was mended. Raises ``ConfirmationNeeded``, ``NotFound``,
    ``RefundDecided``."""
    refund = _for_staff(session, number=number, caller=caller)
    _refuse_unless(refund, *rules.HELD)
    refund.next_try_at = now
    session.flush()
    _record(session, caller, "refund.ask-again", refund, now=now)
    return refund


def give_up(session: Session, *, number: str, note: str, caller: Caller, now: datetime) -> Refund:
    """End a refund that WeChat definitely refused: nothing is refunded, everything is as before.

    Raises ``ConfirmationNeeded``, ``NotFound``, ``RefundDecided``, and ``OutcomeUnknown`` while WeChat may have it.
    """
    refund = _for_staff(session, number=number, caller=caller)
    _refuse_taken(refund)
    if _is_first_of_two(session, refund=refund, note=note, caller=caller, now=now):
        return refund
    refund.submitted_at = None
    holding.step(session, refund=refund, to=RefundStatus.CLOSED, cause="given up by staff", now=now)
    refund.next_try_at = None
    _add_note(refund, note)
    session.flush()
    _record(session, caller, "refund.give-up", refund, now=now)
    holding.tell(session, refund=refund, now=now)
    holding.put_back(session, refund=refund, cause="refund given up", was_held=True, now=now)
    return refund


def _is_first_of_two(session: Session, *, refund: Refund, note: str, caller: Caller, now: datetime) -> bool:
    """Nobody decided on money in suspense: the first who would end it by hand does so, and another confirms.

    Raises ``SamePerson`` for whoever would confirm their own word.
    """
    if refund.requested_by_kind != "system":
        return False
    if refund.decided_by == caller.id:
        raise SamePerson
    if refund.decided_by is not None:
        return False
    refund.decided_by, refund.decided_at, refund.decision_note = caller.id, now, note or None
    session.flush()
    _record(session, caller, "refund.propose", refund, now=now)
    return True


def _refuse_taken(refund: Refund) -> None:
    """Only WeChat's own refusal says that it has not taken the refund."""
    _refuse_unless(refund, RefundStatus.APPROVED, RefundStatus.SUBMITTED)
    if refund.status is RefundStatus.SUBMITTED and refund.last_error in (None, rules.TO_MERCHANT):
        raise RefundDecided(refund_status=str(refund.status))
    if refund.last_error in (None, rules.UNKNOWN):
        raise OutcomeUnknown


def to_merchant(session: Session, *, number: str, caller: Caller, now: datetime) -> Refund:
    """Note that WeChat is asked to pay it into the merchant's bank account, before it is asked.

    From here on no success that WeChat tells of means that the person has the money. Only of an ABNORMAL one. Raises
    ``ConfirmationNeeded``, ``NotFound``, ``SamePerson`` for whoever asked for it, ``RefundDecided``.
    """
    refund = _for_staff(session, number=number, caller=caller)
    _refuse_asker(refund, caller)
    _refuse_unless(refund, RefundStatus.ABNORMAL)
    if refund.wx_refund_id is None or refund.last_error == rules.AT_MERCHANT:
        raise RefundDecided(refund_status=str(refund.status))
    refund.last_error = rules.TO_MERCHANT
    session.flush()
    _record(session, caller, "refund.retry-abnormal", refund, now=now)
    return refund


def _refuse_asker(refund: Refund, caller: Caller) -> None:
    if (refund.requested_by_kind, refund.requested_by_id) == ("staff", caller.id):
        raise SamePerson


def _add_note(refund: Refund, note: str) -> None:
    """Words stand with the refund, from where an erasure takes them, and never in the trail."""
    refund.decision_note = "；".join(text for text in (refund.decision_note, note) if text) or None


def settle_offline(
    session: Session, *, number: str, note: str, caller: Caller, tools: IssuingTools, now: datetime
) -> Refund:
    """Say that the person was paid by other means: the refund has succeeded, with everything that follows.

    Only where WeChat could not pay (ABNORMAL) or definitely refused. Raises ``ConfirmationNeeded``, ``NotFound``,
    ``SamePerson`` for whoever asked for it or decided on it, ``RefundDecided``, ``OutcomeUnknown``.
    """
    refund = _for_staff(session, number=number, caller=caller)
    _refuse_asker(refund, caller)
    if refund.decided_by == caller.id:
        raise SamePerson
    was_taken = refund.status is RefundStatus.ABNORMAL
    if not was_taken:
        _refuse_taken(refund)
    if _is_first_of_two(session, refund=refund, note=note, caller=caller, now=now):
        return refund
    if not was_taken:
        refund.submitted_at = None
    refund.settled_by = caller.id
    _add_note(refund, note)
    _record(session, caller, "refund.settle-offline", refund, now=now)
    takeback.succeed(session, refund=refund, cause="settled by other means", tools=tools, at=now, now=now)
    return refund
