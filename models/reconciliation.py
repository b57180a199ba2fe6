"""Reconciliation (对账): WeChat's bills as they came, and what does not agree with our books."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class BillStatus(StrEnum):
    WAITING = "waiting"  # not there yet, or its last copy was damaged
    FETCHED = "fetched"
    EMPTY = "empty"  # WeChat says that there was no trade on that day


class Bill(HasId, Base):
    """One bill of a merchant for a day in China. Sums are the bill's own; of a fund bill income and expense."""

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("mchid", "bill_on", "kind"),
        CheckConstraint("kind IN ('trade', 'fund')", name="kind"),
        CheckConstraint(one_of("status", BillStatus), name="status"),
        CheckConstraint("(status = 'fetched') = (sha1 IS NOT NULL)", name="fetched_has_a_hash"),
    )

    mchid: Mapped[str]
    bill_on: Mapped[date] = mapped_column(Date)
    kind: Mapped[str]
    status: Mapped[BillStatus] = mapped_column(EnumText(BillStatus), default=BillStatus.WAITING)
    sha1: Mapped[str | None]
    line_count: Mapped[int] = mapped_column(default=0)
    in_fen: Mapped[int] = mapped_column(default=0)
    out_fen: Mapped[int] = mapped_column(default=0)
    fee_fen: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    #: When its lines were last compared with our books.
    matched_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class BillLineKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    FLOW = "flow"


class BillLine(HasId, Base):
    """A line of a bill. Amounts of a fund bill's lines are negative for expense; ``balance_fen`` is after the line."""

    __tablename__ = "bill_line"
    __table_args__ = (
        UniqueConstraint("bill_id", "ordinal"),
        CheckConstraint(one_of("kind", BillLineKind), name="kind"),
        Index("ix_bill_line_transaction_id", "transaction_id"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    ordinal: Mapped[int]
    kind: Mapped[BillLineKind] = mapped_column(EnumText(BillLineKind))
    at: Mapped[datetime]
    transaction_id: Mapped[str]
    out_trade_no: Mapped[str | None]
    out_refund_no: Mapped[str | None]
    #: 业务名称 and 业务类型 of a fund bill's line, the trade state of a trade bill's.
    about: Mapped[str]
    amount_fen: Mapped[int]
    fee_fen: Mapped[int] = mapped_column(default=0)
    balance_fen: Mapped[int | None]


class ReconQueue(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT_DIFFERS = "amount_differs"


class ReconStatus(StrEnum):
    OPEN = "open"
    MATCHED = "matched"  # a later comparison found it in order
    RESOLVED = "resolved"  # staff said what it was


class ReconItem(HasId, Base):
    """What does not agree, once for each transaction or refund (``key``: transaction id, or out_refund_no)."""

    __tablename__ = "recon_item"
    __table_args__ = (
        UniqueConstraint("mchid", "subject", "key"),
        CheckConstraint(one_of("queue", ReconQueue), name="queue"),
        CheckConstraint(one_of("status", ReconStatus), name="status"),
        CheckConstraint("subject IN ('payment', 'refund', 'flow')", name="subject"),
        CheckConstraint(
            "(queue = 'missing_here') = (our_fen IS NULL) AND (queue = 'missing_there') = (bill_fen IS NULL)",
            name="amounts",
        ),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("(status = 'resolved') = (resolved_by IS NOT NULL)", name="resolved_by_somebody"),
        Index("ix_recon_item_bill_on", "mchid", "bill_on"),
        Index(
            "ix_recon_item_open", "id", postgresql_where=text("status = 'open'"), sqlite_where=text("status = 'open'")
        ),
    )

    mchid: Mapped[str]
    bill_on: Mapped[date] = mapped_column(Date)
    subject: Mapped[str]
    key: Mapped[str]
    queue: Mapped[ReconQueue] = mapped_column(EnumText(ReconQueue))
    status: Mapped[ReconStatus] = mapped_column(EnumText(ReconStatus), default=ReconStatus.OPEN)
    out_trade_no: Mapped[str | None]
    bill_fen: Mapped[int | None]
    our_fen: Mapped[int | None]
    found_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str | None]
