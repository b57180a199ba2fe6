"""Staff accounts, their roles by region, their sessions, and what waits for a second person (双人复核)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class Role(StrEnum):
    COUNTY_ADMIN = "county_admin"
    ISSUER = "issuer"
    FINANCE = "finance"
    AUDITOR = "auditor"
    SYSTEM = "system"


class StaffStatus(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


STAFF_MOVES: Mapping[StaffStatus, frozenset[StaffStatus]] = MappingProxyType(
    {
        StaffStatus.INVITED: frozenset({StaffStatus.ACTIVE, StaffStatus.DISABLED}),
        StaffStatus.ACTIVE: frozenset({StaffStatus.INVITED, StaffStatus.DISABLED}),
        StaffStatus.DISABLED: frozenset({StaffStatus.INVITED}),
    }
)


class Staff(HasId, Base):
    """A staff account. INVITED has a one-time link and no password; ``totp_last_step`` makes each code single-use."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(one_of("status", StaffStatus), name="status"),
        CheckConstraint("status <> 'active' OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL)", name="active"),
    )

    row_key: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(info={"pii": "P2"})
    status: Mapped[StaffStatus] = mapped_column(EnumText(StaffStatus), default=StaffStatus.INVITED)
    password_hash: Mapped[str | None]
    totp_sealed: Mapped[str | None]
    totp_last_step: Mapped[int] = mapped_column(default=0)
    invitation_digest: Mapped[str | None] = mapped_column(unique=True)
    invitation_expires_at: Mapped[datetime | None]
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StaffGrant(HasId, Base):
    """A role over a region and everything below it."""

    __tablename__ = "staff_grant"
    __table_args__ = (
        UniqueConstraint("staff_id", "role", "region_code"),
        CheckConstraint(one_of("role", Role), name="role"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    role: Mapped[Role] = mapped_column(EnumText(Role))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))


class StaffSession(HasId, Base):
    """A signed-in browser. ``confirmed_at`` is when a TOTP code was last given in it."""

    __tablename__ = "staff_session"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    token_digest: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class ApprovalStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


class Approval(HasId, Base):
    """Something one person asked for and another must decide."""

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint(one_of("status", ApprovalStatus), name="status"),
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="second_person"),
        CheckConstraint("(status = 'open') = (decided_by IS NULL)", name="decided"),
        Index(
            "uq_approval_open",
            "action",
            "object_kind",
            "object_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
            sqlite_where=text("status = 'open'"),
        ),
    )

    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[int]
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    details: Mapped[dict[str, Any]]
    status: Mapped[ApprovalStatus] = mapped_column(EnumText(ApprovalStatus), default=ApprovalStatus.OPEN)
    requested_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    requested_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]
