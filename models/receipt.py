"""Requests for a donation receipt (公益事业捐赠票据), which the finance system makes; its number is kept here."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class ReceiptStatus(StrEnum):
    REQUESTED = "requested"
    ISSUED = "issued"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    RED_REVERSED = "red_reversed"  # 红冲: cancelled in the finance system, so that money may go back


RECEIPT_MOVES: Mapping[ReceiptStatus, frozenset[ReceiptStatus]] = MappingProxyType(
    {
        ReceiptStatus.REQUESTED: frozenset({ReceiptStatus.ISSUED, ReceiptStatus.REJECTED, ReceiptStatus.WITHDRAWN}),
        ReceiptStatus.ISSUED: frozenset({ReceiptStatus.RED_REVERSED}),
        ReceiptStatus.REJECTED: frozenset(),
        ReceiptStatus.WITHDRAWN: frozenset(),
        ReceiptStatus.RED_REVERSED: frozenset(),
    }
)
_LIVE = "status IN ('requested', 'issued')"


class ReceiptRequest(HasId, Base):
    """One wish for a receipt of a pledge. ``uscc`` (统一社会信用代码) is given by organisations only."""

    __tablename__ = "receipt_request"
    __table_args__ = (
        CheckConstraint(one_of("status", ReceiptStatus), name="status"),
        CheckConstraint("amount_fen >= 1", name="amount"),
        CheckConstraint(
            "(status IN ('issued', 'red_reversed')) = (receipt_number IS NOT NULL)", name="issued_has_a_number"
        ),
        CheckConstraint("uscc IS NULL OR length(uscc) = 18", name="uscc_length"),
        Index(
            "uq_receipt_request_live",
            "pledge_id",
            unique=True,
            postgresql_where=text(_LIVE),
            sqlite_where=text(_LIVE),
        ),
        Index("ix_receipt_request_status", "status", "id"),
        Index("ix_receipt_request_resident_id", "resident_id", "id"),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    row_key: Mapped[str] = mapped_column(unique=True)
    #: Whose receipt it is (抬头).
    title_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    uscc: Mapped[str | None]
    amount_fen: Mapped[int]
    status: Mapped[ReceiptStatus] = mapped_column(EnumText(ReceiptStatus), default=ReceiptStatus.REQUESTED)
    receipt_number: Mapped[str | None] = mapped_column(unique=True)
    receipt_url: Mapped[str | None]
    note: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    reversed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reversed_at: Mapped[datetime | None]
