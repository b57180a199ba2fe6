"""What is kept for the sake of WeChat's platform: tokens, faults, pushes, shipping reports, codes."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class StoredAccessToken(Base):
    """The access token of an appid, shared where there is no Redis; ``lock_until`` while one process fetches."""

    __tablename__ = "access_token"

    appid: Mapped[str] = mapped_column(primary_key=True)
    token_sealed: Mapped[str | None] = mapped_column(info={"pii": "P3"})
    expires_at: Mapped[datetime | None]
    lock_holder: Mapped[str | None]
    lock_until: Mapped[datetime | None]


class PlatformFault(Base):
    """Something only an operator can mend (wrong secret, clock off). While a row stands, /readyz is red."""

    __tablename__ = "platform_fault"

    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
    detail: Mapped[str]


class PushState(StrEnum):
    DONE = "done"
    IGNORED = "ignored"
    WAITING = "waiting"  # it speaks of something that is not here yet


class PushMessage(Base):
    """The inbox of WeChat's message push; ``key`` is the same for repetitions. ``facts`` carry no personal data."""

    __tablename__ = "push_message"
    __table_args__ = (
        CheckConstraint(one_of("state", PushState), name="state"),
        Index("ix_push_message_received_at", "received_at"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str]
    facts: Mapped[dict[str, Any]]
    state: Mapped[PushState] = mapped_column(EnumText(PushState))
    at: Mapped[datetime]
    received_at: Mapped[datetime]


class ShippingStatus(StrEnum):
    WAITING = "waiting"
    SHIPPED = "shipped"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    REFUNDED = "refunded"
    FAILED = "failed"


SHIPPING_MOVES: Mapping[ShippingStatus, frozenset[ShippingStatus]] = MappingProxyType(
    {
        ShippingStatus.WAITING: frozenset(
            {ShippingStatus.SHIPPED, ShippingStatus.CONFIRMED, ShippingStatus.SETTLED}
            | {ShippingStatus.REFUNDED, ShippingStatus.FAILED}
        ),
        ShippingStatus.FAILED: frozenset(
            {ShippingStatus.SHIPPED, ShippingStatus.CONFIRMED, ShippingStatus.SETTLED, ShippingStatus.REFUNDED}
        ),
        ShippingStatus.SHIPPED: frozenset({ShippingStatus.CONFIRMED, ShippingStatus.SETTLED, ShippingStatus.REFUNDED}),
        ShippingStatus.CONFIRMED: frozenset({ShippingStatus.SETTLED, ShippingStatus.REFUNDED}),
        ShippingStatus.SETTLED: frozenset({ShippingStatus.REFUNDED}),
        ShippingStatus.REFUNDED: frozenset(),
    }
)


class ShippingReport(HasId, Base):
    """Shipping information (发货信息) of a paid order: without it WeChat does not settle. Once corrected at most."""

    __tablename__ = "shipping_report"
    __table_args__ = (
        CheckConstraint(one_of("status", ShippingStatus), name="status"),
        CheckConstraint("upload_count BETWEEN 0 AND 2", name="one_correction"),
        Index(
            "ix_shipping_report_waiting",
            "id",
            postgresql_where=text("status IN ('waiting', 'failed')"),
            sqlite_where=text("status IN ('waiting', 'failed')"),
        ),
    )

    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"), unique=True)
    transaction_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[ShippingStatus] = mapped_column(EnumText(ShippingStatus), default=ShippingStatus.WAITING)
    upload_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class MiniCode(HasId, Base):
    """A mini-program code that WeChat drew, kept by what it says: asked for once."""

    __tablename__ = "mini_code"
    __table_args__ = (CheckConstraint("width_px BETWEEN 280 AND 1280", name="width"),)

    #: SHA-256 of scene, page and width.
    digest: Mapped[str] = mapped_column(unique=True)
    scene: Mapped[str]
    page: Mapped[str]
    width_px: Mapped[int]
    storage_key: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str]
    created_at: Mapped[datetime]
