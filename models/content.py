"""Content safety (内容安全): what residents write or upload, and what WeChat or a person said of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class ContentSubject(StrEnum):
    DEDICATION = "dedication"  # 寄语, on tree pages
    HOLDER_NAME = "holder_name"  # 证书姓名
    PLATE_TEXT = "plate_text"  # 树牌文字; residents write none, so that no review is about it
    PROFILE_NAME = "profile_name"
    NICKNAME = "nickname"
    AVATAR = "avatar"


class ReviewStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


REVIEW_MOVES: Mapping[ReviewStatus, frozenset[ReviewStatus]] = MappingProxyType(
    {
        ReviewStatus.PENDING: frozenset({ReviewStatus.APPROVED, ReviewStatus.REJECTED}),
        ReviewStatus.APPROVED: frozenset({ReviewStatus.REJECTED}),
        ReviewStatus.REJECTED: frozenset(),
    }
)


class ContentReview(HasId, Base):
    """One thing that was checked. ``key`` is the pledge's number, the avatar's token or the resident's row key.

    ``cause`` says why it waits or how it was decided: ``pass``, ``review``, ``risky``, ``unavailable``, ``no_result``,
    ``staff``. A new text under the same key replaces the row of the old one.
    """

    __tablename__ = "content_review"
    __table_args__ = (
        UniqueConstraint("subject", "key"),
        CheckConstraint(one_of("subject", ContentSubject), name="subject"),
        CheckConstraint(one_of("status", ReviewStatus), name="status"),
        CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided"),
        Index("ix_content_review_resident_id", "resident_id"),
        Index(
            "ix_content_review_pending",
            "id",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[ContentSubject] = mapped_column(EnumText(ContentSubject))
    key: Mapped[str]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    #: The county of the pledge; empty for what belongs to a person alone.
    county_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    row_key: Mapped[str] = mapped_column(unique=True)
    text_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    status: Mapped[ReviewStatus] = mapped_column(EnumText(ReviewStatus))
    cause: Mapped[str]
    label: Mapped[int | None]
    trace_id: Mapped[str | None] = mapped_column(unique=True)
    #: How often it was handed to WeChat, and when to look again.
    check_count: Mapped[int] = mapped_column(default=1)
    next_check_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]


class Avatar(HasId, Base):
    """A picture that a person chose (头像), re-encoded. ``token`` names its address; it is public once approved."""

    __tablename__ = "avatar"
    __table_args__ = (
        CheckConstraint(one_of("status", ReviewStatus), name="status"),
        Index("ix_avatar_resident_id", "resident_id", "id"),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    token: Mapped[str] = mapped_column(unique=True)
    storage_key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[ReviewStatus] = mapped_column(EnumText(ReviewStatus), default=ReviewStatus.PENDING)
    created_at: Mapped[datetime]
