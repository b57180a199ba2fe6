"""Residents (居民), their sessions, the legal texts and what they consented to.

Columns that end in ``_sealed`` are encrypted (``wxbackend.core.crypto``); ``row_key`` is a random name of the row to
which they are bound, made before the row has an id.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import ADDED_LATER, Base, EnumText, HasId, one_of


class ResidentStatus(StrEnum):
    ACTIVE = "active"
    ERASED = "erased"


class Resident(HasId, Base):
    __tablename__ = "resident"
    __table_args__ = (
        UniqueConstraint("appid", "openid_index"),
        CheckConstraint(one_of("status", ResidentStatus), name="status"),
        CheckConstraint(
            "status = 'active' OR (openid_index IS NULL AND openid_sealed IS NULL AND unionid_sealed IS NULL"
            " AND name_sealed IS NULL AND phone_sealed IS NULL AND nickname_sealed IS NULL AND phone_index IS NULL)",
            name="erased_is_empty",
        ),
        Index("ix_resident_phone_index", "phone_index"),
    )

    row_key: Mapped[str] = mapped_column(unique=True)
    appid: Mapped[str]
    openid_index: Mapped[str | None]
    openid_sealed: Mapped[str | None] = mapped_column(info={"pii": "P3"})
    unionid_sealed: Mapped[str | None] = mapped_column(info={"pii": "P3"})
    name_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    phone_sealed: Mapped[str | None] = mapped_column(info={"pii": "P3"})
    status: Mapped[ResidentStatus] = mapped_column(EnumText(ResidentStatus), default=ResidentStatus.ACTIVE)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    #: What WeChat's own form field gave, shown only once it was checked.
    nickname_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"}, sort_order=ADDED_LATER)
    #: Blind index of the phone: people are found by it, nobody reads it.
    phone_index: Mapped[str | None] = mapped_column(sort_order=ADDED_LATER)


class ResidentSession(HasId, Base):
    """A sign-in of one phone. The token itself is never stored."""

    __tablename__ = "resident_session"
    __table_args__ = (Index("ix_resident_session_resident_id", "resident_id", "id"),)

    public_id: Mapped[str] = mapped_column(unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    token_digest: Mapped[str] = mapped_column(unique=True)
    device: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class LegalText(HasId, Base):
    """One version of a text that residents agree to (隐私政策, 认种协议, …). The newest in force is the current one."""

    __tablename__ = "legal_text"
    __table_args__ = (UniqueConstraint("text", "version"),)

    text: Mapped[str]
    version: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    in_force_from: Mapped[datetime]


class Consent(HasId, Base):
    """One act of a resident: a version of a text was accepted."""

    __tablename__ = "consent"
    __table_args__ = (UniqueConstraint("resident_id", "legal_text_id"),)

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    legal_text_id: Mapped[int] = mapped_column(ForeignKey("legal_text.id"))
    given_at: Mapped[datetime]
