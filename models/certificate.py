"""Certificates (证书), their files, serial counters and signing keys."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class CertificateKind(StrEnum):
    RZ = "RZ"  # 认种认养证书
    JK = "JK"  # 捐赠(感谢)证书


class CertificateStatus(StrEnum):
    APPLIED = "applied"
    ISSUED = "issued"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


CERTIFICATE_MOVES: Mapping[CertificateStatus, frozenset[CertificateStatus]] = MappingProxyType(
    {
        CertificateStatus.APPLIED: frozenset({CertificateStatus.ISSUED}),
        CertificateStatus.ISSUED: frozenset({CertificateStatus.REVOKED, CertificateStatus.SUPERSEDED}),
        CertificateStatus.REVOKED: frozenset(),
        CertificateStatus.SUPERSEDED: frozenset(),
    }
)


class Certificate(HasId, Base):
    """One certificate. APPLIED has no serial (its name waits for glyphs); from ISSUED on its content never changes.

    ``content`` is what was printed without the name: of the name it carries ``sha256(salt ‖ name)`` and the mask, so
    that erasing the sealed name and salt leaves hash, signature and status verifiable. ``id`` is its place in the
    status lists.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint(one_of("kind", CertificateKind), name="kind"),
        CheckConstraint(one_of("status", CertificateStatus), name="status"),
        CheckConstraint("(status = 'applied') = (serial IS NULL)", name="serial_when_issued"),
        CheckConstraint(
            "(serial IS NULL) = (content IS NULL) AND (serial IS NULL) = (content_hash IS NULL)"
            " AND (serial IS NULL) = (jws IS NULL) AND (serial IS NULL) = (issued_on IS NULL)"
            " AND (serial IS NULL) = (token IS NULL)",
            name="issued_is_complete",
        ),
        CheckConstraint("(status = 'revoked') = (reason IS NOT NULL)", name="revoked_has_reason"),
        Index(
            "uq_certificate_live",
            "pledge_id",
            "kind",
            unique=True,
            postgresql_where=text("status IN ('applied', 'issued')"),
            sqlite_where=text("status IN ('applied', 'issued')"),
        ),
        Index("ix_certificate_resident_id", "resident_id", "id"),
        Index("ix_certificate_county_code", "county_code", "id"),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[CertificateKind] = mapped_column(EnumText(CertificateKind))
    status: Mapped[CertificateStatus] = mapped_column(EnumText(CertificateStatus))
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    serial: Mapped[str | None] = mapped_column(unique=True)
    token: Mapped[str | None] = mapped_column(unique=True)
    row_key: Mapped[str] = mapped_column(unique=True)
    holder_name_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    name_salt_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    #: Characters no configured font draws (缺字), space separated; set while APPLIED.
    missing_glyphs: Mapped[str | None]
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    content_hash: Mapped[str | None]
    jws: Mapped[str | None]
    issued_on: Mapped[date | None] = mapped_column(Date)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"), unique=True)
    reason: Mapped[str | None]
    created_at: Mapped[datetime]


class CertificateMove(HasId, Base):
    """The history of a certificate. Append-only."""

    __tablename__ = "certificate_move"
    __table_args__ = (Index("ix_certificate_move_certificate_id", "certificate_id", "id"),)

    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    to_status: Mapped[CertificateStatus] = mapped_column(EnumText(CertificateStatus))
    cause: Mapped[str]
    at: Mapped[datetime]


class CertificateFile(HasId, Base):
    """A drawn file, kept under ``storage_key`` only after its code was read back."""

    __tablename__ = "certificate_file"
    __table_args__ = (UniqueConstraint("certificate_id", "form"),)

    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    form: Mapped[str]  # 877.png · 1754.png · 2480.png · pdf
    storage_key: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str]
    drawn_at: Mapped[datetime]


class SerialCounter(Base):
    """The last serial of a kind, region and year. Rolled back with its transaction, hence free of gaps."""

    __tablename__ = "serial_counter"
    __table_args__ = (CheckConstraint("last BETWEEN 1 AND 9999999", name="seven_digits"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class SigningKey(Base):
    """Public halves of the keys that signed certificates; feeds jwks.json. Never dropped."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    public_pem: Mapped[str]
    valid_from: Mapped[datetime]
    retired_at: Mapped[datetime | None]
