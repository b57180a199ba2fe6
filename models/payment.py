"""Payment attempts at WeChat Pay, the inbox of notifications, and money that waits for a person."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import ADDED_LATER, Base, EnumText, HasId, one_of


class AttemptStatus(StrEnum):
    CREATED = "created"
    PREPAY = "prepay"
    SUCCESS = "success"
    CLOSED = "closed"
    FAILED = "failed"


ATTEMPT_MOVES: Mapping[AttemptStatus, frozenset[AttemptStatus]] = MappingProxyType(
    {
        AttemptStatus.CREATED: frozenset(
            {AttemptStatus.PREPAY, AttemptStatus.SUCCESS, AttemptStatus.CLOSED, AttemptStatus.FAILED}
        ),
        AttemptStatus.PREPAY: frozenset({AttemptStatus.SUCCESS, AttemptStatus.CLOSED, AttemptStatus.FAILED}),
        AttemptStatus.SUCCESS: frozenset(),
        AttemptStatus.CLOSED: frozenset({AttemptStatus.SUCCESS}),
        AttemptStatus.FAILED: frozenset({AttemptStatus.SUCCESS}),
    }
)


class PaymentAttempt(HasId, Base):
    """One order at WeChat Pay for a pledge. ``expires_at`` is the end of the hold, fixed at the first order.

    The fund is credited ``amount_fen`` (``amount.total``); ``payer_total_fen`` is what the payer gave after coupons.
    """

    __tablename__ = "payment_attempt"
    __table_args__ = (
        UniqueConstraint("pledge_id", "ordinal"),
        CheckConstraint(one_of("status", AttemptStatus), name="status"),
        CheckConstraint("ordinal BETWEEN 1 AND 99", name="two_digits"),
        CheckConstraint("amount_fen >= 1", name="amount"),
        CheckConstraint(
            "(status = 'success') = (transaction_id IS NOT NULL) AND (transaction_id IS NULL) = (paid_at IS NULL)",
            name="success_is_complete",
        ),
        CheckConstraint("refund_fen BETWEEN 0 AND amount_fen", name="refund_within_paid"),
        # Reconciliation asks what a merchant was paid on a day.
        Index(
            "ix_payment_attempt_paid",
            "mchid",
            "paid_at",
            postgresql_where=text("paid_at IS NOT NULL"),
            sqlite_where=text("paid_at IS NOT NULL"),
        ),
        Index(
            "ix_payment_attempt_due",
            "next_query_at",
            postgresql_where=text("next_query_at IS NOT NULL"),
            sqlite_where=text("next_query_at IS NOT NULL"),
        ),
    )

    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    ordinal: Mapped[int]
    out_trade_no: Mapped[str] = mapped_column(unique=True)
    mchid: Mapped[str]
    appid: Mapped[str]
    amount_fen: Mapped[int]
    #: Blind index of the openid that the order was placed for: nobody else's payment is taken for it.
    payer_index: Mapped[str]
    status: Mapped[AttemptStatus] = mapped_column(EnumText(AttemptStatus), default=AttemptStatus.CREATED)
    prepay_id: Mapped[str | None]
    prepay_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    query_count: Mapped[int] = mapped_column(default=0)
    next_query_at: Mapped[datetime | None]
    transaction_id: Mapped[str | None] = mapped_column(unique=True)
    payer_total_fen: Mapped[int | None]
    paid_at: Mapped[datetime | None]
    #: Taken by refunds that are under way or done: their sum never exceeds what was paid.
    refund_fen: Mapped[int] = mapped_column(default=0, server_default="0", sort_order=ADDED_LATER)


class NoticeState(StrEnum):
    APPLIED = "applied"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"
    WAITING = "waiting"


class PaymentNotice(Base):
    """The inbox: one row a notification id. ``body`` is what WeChat sent, still encrypted."""

    __tablename__ = "payment_notice"
    __table_args__ = (
        CheckConstraint(one_of("state", NoticeState), name="state"),
        Index("ix_payment_notice_out_trade_no", "out_trade_no"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    mchid: Mapped[str]
    event_type: Mapped[str]
    out_trade_no: Mapped[str]
    body: Mapped[str]
    state: Mapped[NoticeState] = mapped_column(EnumText(NoticeState))
    received_at: Mapped[datetime]


class MismatchStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class PaymentMismatch(HasId, Base):
    """A genuine notification that does not fit our order: quarantined, nothing booked, staff are told."""

    __tablename__ = "payment_mismatch"
    __table_args__ = (
        CheckConstraint(one_of("status", MismatchStatus), name="status"),
        CheckConstraint(
            "(status = 'resolved') = (resolved_at IS NOT NULL) AND (resolved_at IS NULL) = (resolution IS NULL)",
            name="resolved_is_complete",
        ),
        UniqueConstraint("out_trade_no", "transaction_id", "field"),
    )

    out_trade_no: Mapped[str]
    transaction_id: Mapped[str]
    field: Mapped[str]
    expected: Mapped[str]
    found: Mapped[str]
    status: Mapped[MismatchStatus] = mapped_column(EnumText(MismatchStatus), default=MismatchStatus.OPEN)
    at: Mapped[datetime]
    #: What staff did about it, in a word: ``refunded`` or ``dismissed``.
    resolution: Mapped[str | None] = mapped_column(sort_order=ADDED_LATER)
    resolution_note: Mapped[str | None] = mapped_column(sort_order=ADDED_LATER)
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), sort_order=ADDED_LATER)
    resolved_at: Mapped[datetime | None] = mapped_column(sort_order=ADDED_LATER)


class RefundDueReason(StrEnum):
    NO_STOCK = "no_stock"
    SECOND_PAYMENT = "second_payment"
    MISMATCH = "mismatch"


class RefundDue(HasId, Base):
    """Money booked to ``suspense`` because its pledge could not take it. It waits to be paid back."""

    __tablename__ = "refund_due"
    __table_args__ = (
        CheckConstraint(one_of("reason", RefundDueReason), name="reason"),
        CheckConstraint("amount_fen >= 1", name="amount"),
    )

    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"), unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"), index=True)
    transaction_id: Mapped[str] = mapped_column(unique=True)
    amount_fen: Mapped[int]
    reason: Mapped[RefundDueReason] = mapped_column(EnumText(RefundDueReason))
    created_at: Mapped[datetime]
