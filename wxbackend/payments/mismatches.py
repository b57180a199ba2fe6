"""Payments that do not fit their order (支付差异): staff send the money back, or say that there is nothing to do.

WeChat is asked between two transactions, by the page that decides; here is what stands in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    MismatchStatus,
    PaymentAttempt,
    PaymentMismatch,
    Pledge,
    RefundDue,
    RefundDueReason,
)
from wxbackend.core import audit
from wxbackend.core.audit import Caller
from wxbackend.core.errors import Conflict, NotFound
from wxbackend.core.wxpay import OrderState, PaidTransaction
from wxbackend.payments.service import CURRENCY, owe_refund
from wxbackend.regions.service import under

#: The field of a mismatch that names the merchant who was really paid.
MERCHANT_FIELD = "mchid"
#: How the fields of a mismatch begin that compare a refund.
REFUND_FIELDS = ("refund_", "wx_refund_id")


class MismatchClosed(Conflict):
    code, title = "mismatch-closed", "该支付差异已处理"


class MismatchNotRefundable(Conflict):
    code, title = "mismatch-not-refundable", "该笔款项不能由系统退回，请在商户平台处理后选择“不退款”"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that does not fit about one payment. ``mchid`` is who was paid; without one the order is unknown."""

    out_trade_no: str
    transaction_id: str
    mchid: str | None
    pledge_number: str | None
    rows: Sequence[PaymentMismatch]

    @property
    def is_open(self) -> bool:
        return any(row.status is MismatchStatus.OPEN for row in self.rows)

    @property
    def is_about_refund(self) -> bool:
        """What is told of a refund does not fit: its payment is booked, and nothing of it is in quarantine."""
        return all(row.field.startswith(REFUND_FIELDS) for row in self.rows)

    @property
    def may_go_back(self) -> bool:
        return self.mchid is not None and not self.is_about_refund


def find_case(session: Session, *, mismatch_id: int, prefixes: Sequence[str]) -> Case:
    """The payment that a mismatch is about, with all that is wrong with it. Raises ``NotFound`` outside ``prefixes``.

    An order that nobody knows belongs to everybody who holds the permission.
    """
    found = session.execute(
        select(PaymentMismatch.out_trade_no, PaymentMismatch.transaction_id, PaymentAttempt.mchid, Pledge.number)
        .outerjoin(PaymentAttempt, PaymentAttempt.out_trade_no == PaymentMismatch.out_trade_no)
        .outerjoin(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(PaymentMismatch.id == mismatch_id)
        .where(or_(PaymentAttempt.id.is_(None), under(Pledge.county_code, prefixes)))
    ).one_or_none()
    if found is None:
        raise NotFound("没有这项支付差异，或不在管辖范围内")
    number, transaction_id, mchid, pledge_number = found
    rows = session.scalars(
        select(PaymentMismatch).where(_of(number, transaction_id)).order_by(PaymentMismatch.id)
    ).all()
    paid_to = next((row.found for row in rows if row.field == MERCHANT_FIELD), mchid)
    return Case(number, transaction_id, paid_to if mchid else None, pledge_number, rows)


def send_back(
    session: Session, *, case: Case, state: OrderState | None, caller: Caller, note: str, now: datetime
) -> RefundDue:
    """Book what was really paid to suspense, from where it is refunded; the pledge may be paid again.

    ``state`` is WeChat's answer of just now. Raises ``MismatchClosed``, ``MismatchNotRefundable``.
    """
    paid = _paid(case, state)
    _close(session, case=case, resolution="refunded", caller=caller, note=note, now=now)
    attempt = _settle(session, paid=paid)
    owe_refund(session, attempt=attempt, paid=paid, reason=RefundDueReason.MISMATCH, now=now)
    _record(session, case=case, action="mismatch.refund", caller=caller, note=note, now=now, amount_fen=paid.total_fen)
    return session.scalars(select(RefundDue).where(RefundDue.attempt_id == attempt.id)).one()


def dismiss(session: Session, *, case: Case, caller: Caller, note: str, now: datetime) -> None:
    """Staff settled it otherwise, and say how: nothing is booked, the pledge may be paid again.

    Raises ``MismatchClosed``.
    """
    _close(session, case=case, resolution="dismissed", caller=caller, note=note, now=now)
    _record(session, case=case, action="mismatch.dismiss", caller=caller, note=note, now=now)


def _of(out_trade_no: str, transaction_id: str) -> ColumnElement[bool]:
    return and_(PaymentMismatch.out_trade_no == out_trade_no, PaymentMismatch.transaction_id == transaction_id)


def _paid(case: Case, state: OrderState | None) -> PaidTransaction:
    """What WeChat vouches for now, if it is the very payment at hand and we can book it."""
    paid = state.paid if state else None
    if paid is None:
        raise MismatchNotRefundable("微信支付查询不到该笔付款，请核对后选择“不退款”")
    if paid.transaction_id != case.transaction_id:
        raise MismatchNotRefundable("该支付单在微信支付对应另一笔付款")
    if paid.currency != CURRENCY:
        raise MismatchNotRefundable("该笔付款不是人民币")
    return paid


def _close(session: Session, *, case: Case, resolution: str, caller: Caller, note: str, now: datetime) -> None:
    """All rows of the payment at once; of two who decide together one finds nothing open."""
    closed = session.scalars(
        update(PaymentMismatch)
        .where(_of(case.out_trade_no, case.transaction_id), PaymentMismatch.status == MismatchStatus.OPEN)
        .values(
            status=MismatchStatus.RESOLVED,
            resolution=resolution,
            resolution_note=note,
            resolved_by=caller.id,
            resolved_at=now,
        )
        .returning(PaymentMismatch.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not closed:
        raise MismatchClosed


def _settle(session: Session, *, paid: PaidTransaction) -> PaymentAttempt:
    """The attempt as it was really paid: to whom and how much, whatever had been asked for.

    One that was paid by another transaction keeps that one: there is no place to book a second.
    """
    attempt = session.scalar(
        update(PaymentAttempt)
        .where(PaymentAttempt.out_trade_no == paid.out_trade_no, PaymentAttempt.status != AttemptStatus.SUCCESS)
        .values(
            status=AttemptStatus.SUCCESS,
            mchid=paid.mchid,
            amount_fen=paid.total_fen,
            transaction_id=paid.transaction_id,
            payer_total_fen=paid.payer_total_fen,
            paid_at=paid.paid_at,
            next_query_at=None,
        )
        .returning(PaymentAttempt)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if attempt is None:
        raise MismatchNotRefundable("该支付单不存在，或已有另一笔付款入账")
    return attempt


def _record(
    session: Session, *, case: Case, action: str, caller: Caller, note: str, now: datetime, **facts: int
) -> None:
    on = ("payment_mismatch", case.out_trade_no)
    audit.record(session, caller=caller, action=action, on=on, now=now, reason=note, **facts)
