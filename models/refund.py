"""Refunds (退款): from the wish to the payer's account; and the points that a refund could not take back."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of
from models.pledge import PledgeStatus


class RefundReason(StrEnum):
    CHANGE_OF_MIND = "change_of_mind"  # within seven days, before seedlings are bought
    DUPLICATE = "duplicate"
    MISTAKE = "mistake"
    PROJECT_FAILURE = "project_failure"
    MINOR = "minor"
    NO_STOCK = "no_stock"  # money in suspense: it came when all places were gone
    SECOND_PAYMENT = "second_payment"  # money in suspense: its pledge was paid before
    MISMATCH = "mismatch"  # money in suspense: it did not fit its order


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"  # money is set aside; WeChat is asked
    SUBMITTED = "submitted"  # WeChat accepted it
    SUCCESS = "success"
    ABNORMAL = "abnormal"  # WeChat could not pay the person: staff decide
    CLOSED = "closed"  # WeChat gave up: nothing was refunded
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


REFUND_MOVES: Mapping[RefundStatus, frozenset[RefundStatus]] = MappingProxyType(
    {
        RefundStatus.REQUESTED: frozenset({RefundStatus.APPROVED, RefundStatus.REJECTED, RefundStatus.WITHDRAWN}),
        RefundStatus.APPROVED: frozenset(
            {RefundStatus.SUBMITTED, RefundStatus.SUCCESS, RefundStatus.ABNORMAL, RefundStatus.CLOSED}
        ),
        RefundStatus.SUBMITTED: frozenset({RefundStatus.SUCCESS, RefundStatus.ABNORMAL, RefundStatus.CLOSED}),
        RefundStatus.ABNORMAL: frozenset({RefundStatus.SUBMITTED, RefundStatus.SUCCESS, RefundStatus.CLOSED}),
        RefundStatus.SUCCESS: frozenset(),
        RefundStatus.CLOSED: frozenset(),
        RefundStatus.REJECTED: frozenset(),
        RefundStatus.WITHDRAWN: frozenset(),
    }
)
_OPEN = "status IN ('requested', 'approved', 'submitted', 'abnormal')"


class Refund(HasId, Base):
    """One refund. ``number`` is the out_refund_no at WeChat, for ever; ``amount_fen`` is part of its attempt's.

    ``from_status`` is where the pledge goes back to when nothing, or only some trees, are refunded; money in suspense
    (``due_id``) moves no pledge. ``tree_count`` is how many trees go back, empty for a donation and for suspense.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(one_of("status", RefundStatus), name="status"),
        CheckConstraint(one_of("reason", RefundReason), name="reason"),
        CheckConstraint("amount_fen >= 1", name="amount"),
        CheckConstraint("tree_count IS NULL OR tree_count BETWEEN 1 AND 100", name="tree_count"),
        CheckConstraint("(due_id IS NULL) = (from_status IS NOT NULL)", name="pledge_or_suspense"),
        CheckConstraint("requested_by_kind IN ('resident', 'staff', 'system')", name="requested_by_kind"),
        CheckConstraint("(requested_by_kind = 'system') = (requested_by_id IS NULL)", name="requested_by"),
        CheckConstraint(
            "decided_by IS NULL OR requested_by_kind <> 'staff' OR decided_by <> requested_by_id", name="second_person"
        ),
        CheckConstraint(
            "status IN ('requested', 'withdrawn') OR decided_by IS NOT NULL OR requested_by_kind = 'system'",
            name="decided",
        ),
        CheckConstraint("(status = 'success') = (succeeded_at IS NOT NULL)", name="success_has_a_time"),
        Index("ix_refund_pledge_id", "pledge_id", "id"),
        Index("ix_refund_attempt_id", "attempt_id", "id"),
        Index("ix_refund_status", "status", "id"),
        Index(
            "uq_refund_open",
            "attempt_id",
            unique=True,
            postgresql_where=text(_OPEN),
            sqlite_where=text(_OPEN),
        ),
        Index(
            "ix_refund_due",
            "next_try_at",
            postgresql_where=text("next_try_at IS NOT NULL"),
            sqlite_where=text("next_try_at IS NOT NULL"),
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"))
    due_id: Mapped[int | None] = mapped_column(ForeignKey("refund_due.id"))
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    reason: Mapped[RefundReason] = mapped_column(EnumText(RefundReason))
    amount_fen: Mapped[int]
    tree_count: Mapped[int | None]
    from_status: Mapped[PledgeStatus | None] = mapped_column(EnumText(PledgeStatus))
    requested_by_kind: Mapped[str]
    requested_by_id: Mapped[int | None]
    requested_at: Mapped[datetime]
    status: Mapped[RefundStatus] = mapped_column(EnumText(RefundStatus), default=RefundStatus.REQUESTED)
    #: What the person who asks says; destroyed at an erasure.
    explanation: Mapped[str | None] = mapped_column(info={"pii": "P1"})
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    wx_refund_id: Mapped[str | None] = mapped_column(unique=True)
    succeeded_at: Mapped[datetime | None]
    #: Who said that an ABNORMAL refund was paid by other means.
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    #: When WeChat is asked again: to take it, or what became of it.
    next_try_at: Mapped[datetime | None]
    try_count: Mapped[int] = mapped_column(default=0)
    #: WeChat's last refusal, such as NOT_ENOUGH: what staff must mend.
    last_error: Mapped[str | None]


class RefundMove(HasId, Base):
    """The history of a refund. Append-only."""

    __tablename__ = "refund_move"
    __table_args__ = (Index("ix_refund_move_refund_id", "refund_id", "id"),)

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"))
    from_status: Mapped[RefundStatus | None] = mapped_column(EnumText(RefundStatus))
    to_status: Mapped[RefundStatus] = mapped_column(EnumText(RefundStatus))
    cause: Mapped[str]
    at: Mapped[datetime]


class PointsDebt(HasId, Base):
    """Green points that a refund should have taken back and that were spent: redeeming waits until they are earned."""

    __tablename__ = "points_debt"
    __table_args__ = (
        CheckConstraint("amount >= 1", name="amount"),
        CheckConstraint("remaining BETWEEN 0 AND amount", name="remaining"),
        Index(
            "ix_points_debt_open",
            "resident_id",
            "id",
            postgresql_where=text("remaining > 0"),
            sqlite_where=text("remaining > 0"),
        ),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), unique=True)
    amount: Mapped[int]
    remaining: Mapped[int]
    created_at: Mapped[datetime]
