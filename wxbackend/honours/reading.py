"""Certificates as their owner reads them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Certificate, CertificateStatus
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import NotFound
from wxbackend.honours.service import name_place


def own_certificates(session: Session, *, resident_id: int, before_id: int | None, limit: int) -> Sequence[Certificate]:
    """Issued ones, newest first; one that waits for glyphs has no serial and is not listed."""
    query = (
        select(Certificate)
        .where(Certificate.resident_id == resident_id, Certificate.status != CertificateStatus.APPLIED)
        .order_by(Certificate.id.desc())
        .limit(limit)
    )
    return session.scalars(query if before_id is None else query.where(Certificate.id < before_id)).all()


def own_certificate(session: Session, *, serial: str, resident_id: int) -> Certificate:
    """Raises ``NotFound``, for another person's as well."""
    found = session.scalar(
        select(Certificate).where(Certificate.serial == serial, Certificate.resident_id == resident_id)
    )
    if found is None:
        raise NotFound("证书不存在")
    return found


def holder_name(certificate: Certificate, safe: Vault) -> str | None:
    return safe.open_optional(certificate.holder_name_sealed, place=name_place(certificate.row_key))
