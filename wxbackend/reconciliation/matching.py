"""Bills against our books, in a number of statements that does not grow with the day.

A line is found here by its number whatever day it stands under, since midnight may fall between WeChat's clock and
ours. What we hold and no bill shows is looked for on the bill of our own day only: tomorrow's may still bring it, and
then the item closes by itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    Bill,
    BillLine,
    BillLineKind,
    BillStatus,
    PaymentAttempt,
    PaymentMismatch,
    ReconQueue,
    Refund,
    RefundStatus,
)
from wxbackend.core.wxpay import BillKind
from wxbackend.reconciliation.items import Day, Matched, settle
from wxbackend.reconciliation.rules import Checked, bounds_of, key_of

PAYMENT, REFUND, FLOW = "payment", "refund", "flow"
#: Refunds that stand on the bill of the day on which WeChat accepted them. One given up need not.
ACCEPTED = (RefundStatus.SUBMITTED, RefundStatus.SUCCESS, RefundStatus.ABNORMAL)


def match_trade(session: Session, *, day: Day, now: datetime) -> Matched:
    """Open what does not agree, close what does by now."""
    payments = settle(session, day, PAYMENT, _payment_differences(day), _keys_there(day, PAYMENT), now)
    refunds = settle(session, day, REFUND, _refund_differences(day), _keys_there(day, REFUND), now)
    everything = _count(session, _our_payments(day), _keys_there(day, PAYMENT))
    everything += _count(session, _our_refunds(day), _keys_there(day, REFUND))
    return Matched(compared=everything) + payments + refunds


def match_flows(
    session: Session, *, day: Day, unknown: Sequence[str], checks: Sequence[Checked], now: datetime
) -> Matched:
    """Items for flows of a kind we do not know, and for sums that do not agree. ``day.bill_id`` is the fund bill's."""
    strange = (
        select(
            BillLine.transaction_id.label("key"),
            literal(str(ReconQueue.MISSING_HERE), Text).label("queue"),
            func.max(BillLine.out_trade_no).label("out_trade_no"),
            func.sum(BillLine.amount_fen).label("bill_fen"),
            cast(null(), BigInteger).label("our_fen"),
        )
        .where(BillLine.bill_id == day.bill_id, BillLine.about.in_(unknown))
        .group_by(BillLine.transaction_id)
    )
    wrong = [_differing(check, day.on) for check in checks if not check.agrees]
    keys = select(BillLine.transaction_id).where(BillLine.bill_id == day.bill_id)
    differing = settle(session, day, FLOW, union_all(strange, *wrong), keys, now)
    return replace(differing, compared=differing.differing)


def _differing(checked: Checked, on: date) -> Any:
    return select(
        literal(key_of(checked.check, on), Text),
        literal(str(ReconQueue.AMOUNT_DIFFERS), Text),
        cast(null(), Text),
        literal(checked.found_fen, BigInteger),
        literal(checked.expected_fen, BigInteger),
    )


# ----------------------------------------------------------------------------------------------- what they have
def _lines(day: Day, subject: str) -> Select[Any]:
    """Lines of any trade bill of the merchant that counts."""
    return (
        select(BillLine)
        .join(Bill, Bill.id == BillLine.bill_id)
        .where(Bill.mchid == day.mchid, Bill.kind == str(BillKind.TRADE), Bill.status == BillStatus.FETCHED)
        .where(BillLine.kind == BillLineKind(subject))
    )


def _key(subject: str) -> Any:
    return BillLine.transaction_id if subject == PAYMENT else BillLine.out_refund_no


def _keys_there(day: Day, subject: str) -> Select[Any]:
    """What stands on the bill of this day."""
    return select(_key(subject).label("key")).where(
        BillLine.bill_id == day.bill_id, BillLine.kind == BillLineKind(subject)
    )


def _there(day: Day, subject: str) -> Any:
    """What stands on this bill, each with what all bills say of it: one that two bills show is there twice."""
    payments = select(BillLine.transaction_id).where(BillLine.bill_id == day.bill_id)
    key = _key(subject)
    return (
        _lines(day, subject)
        .with_only_columns(
            key.label("key"),
            func.max(BillLine.out_trade_no).label("out_trade_no"),
            func.sum(BillLine.amount_fen).label("fen"),
        )
        .where(BillLine.transaction_id.in_(payments), key.in_(_keys_there(day, subject)))
        .group_by(key)
        .subquery("there")
    )


# ------------------------------------------------------------------------------------------------- what we have
def _our_payments(day: Day) -> Select[Any]:
    begins, ends = bounds_of(day.on)
    return select(PaymentAttempt.transaction_id.label("key")).where(
        PaymentAttempt.mchid == day.mchid,
        PaymentAttempt.status == AttemptStatus.SUCCESS,
        PaymentAttempt.paid_at >= begins,
        PaymentAttempt.paid_at < ends,
    )


def _our_refunds(day: Day) -> Select[Any]:
    begins, ends = bounds_of(day.on)
    return (
        select(Refund.number.label("key"))
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .where(
            PaymentAttempt.mchid == day.mchid,
            Refund.status.in_(ACCEPTED),
            Refund.submitted_at >= begins,
            Refund.submitted_at < ends,
        )
    )


# ------------------------------------------------------------------------------------------------- differences
def _payment_differences(day: Day) -> CompoundSelect[Any]:
    """A payment in quarantine is here: staff decide about it where it lies."""
    there, ours = _there(day, PAYMENT), PaymentAttempt
    quarantined = select(PaymentMismatch.id).where(
        PaymentMismatch.out_trade_no == there.c.out_trade_no, PaymentMismatch.transaction_id == there.c.key
    )
    settled = and_(ours.transaction_id == there.c.key, ours.mchid == day.mchid, ours.status == AttemptStatus.SUCCESS)
    theirs = (
        select(there.c.key, _queue(ours.amount_fen), there.c.out_trade_no, there.c.fen, ours.amount_fen)
        .select_from(there)
        .outerjoin(ours, settled)
        .where(or_(and_(ours.id.is_(None), ~quarantined.exists()), ours.amount_fen != there.c.fen))
    )
    shown = _lines(day, PAYMENT).where(BillLine.transaction_id == ours.transaction_id).correlate(ours)
    absent = _our_payments(day).with_only_columns(
        ours.transaction_id, *_missing_there(ours.out_trade_no, ours.amount_fen)
    )
    return union_all(_labelled(theirs), absent.where(~shown.exists()))


def _refund_differences(day: Day) -> CompoundSelect[Any]:
    """One that we ended though WeChat had not taken it, as far as we knew, is none of ours when a bill shows it."""
    there, ours = _there(day, REFUND), Refund
    sent = or_(ours.status == RefundStatus.APPROVED, ours.submitted_at.is_not(None))
    mine = and_(ours.number == there.c.key, sent)
    theirs = (
        select(there.c.key, _queue(ours.amount_fen), there.c.out_trade_no, there.c.fen, ours.amount_fen)
        .select_from(there)
        .outerjoin(ours, mine)
        .where(or_(ours.id.is_(None), ours.amount_fen != there.c.fen))
    )
    shown = (
        _lines(day, REFUND)
        .where(BillLine.transaction_id == PaymentAttempt.transaction_id, BillLine.out_refund_no == ours.number)
        .correlate(ours, PaymentAttempt)
    )
    absent = _our_refunds(day).with_only_columns(
        ours.number, *_missing_there(PaymentAttempt.out_trade_no, ours.amount_fen)
    )
    return union_all(_labelled(theirs), absent.where(~shown.exists()))


def _queue(our_fen: Any) -> Any:
    """Where something that stands on a bill belongs when it is not in order."""
    return case(
        (our_fen.is_(None), literal(str(ReconQueue.MISSING_HERE), Text)),
        else_=literal(str(ReconQueue.AMOUNT_DIFFERS), Text),
    )


def _missing_there(out_trade_no: Any, our_fen: Any) -> tuple[Any, ...]:
    return literal(str(ReconQueue.MISSING_THERE), Text), out_trade_no, cast(null(), BigInteger), our_fen


def _labelled(query: Select[Any]) -> Select[Any]:
    """The columns of every difference, in the order in which all parts have them."""
    names = ("key", "queue", "out_trade_no", "bill_fen", "our_fen")
    return query.with_only_columns(
        *(column.label(name) for column, name in zip(query.selected_columns, names, strict=True))
    )


def _count(session: Session, ours: Select[Any], theirs: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(union(ours, theirs).subquery())) or 0
