"""Finding certificates, and one of them with its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from models import (
    Approval,
    ApprovalStatus,
    Certificate,
    CertificateFile,
    CertificateMove,
    CertificateStatus,
    Pledge,
)
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.core.errors import NotFound
from wxbackend.regions.service import under

PREVIEW = "877.png"


@dataclass(frozen=True, slots=True)
class CertificateFilter:
    """``text`` is a serial or a pledge number; dates are the China date of issue, both ends included."""

    text: str | None = None
    status: CertificateStatus | None = None
    issued_from: date | None = None
    issued_to: date | None = None


def find_certificates(
    session: Session, *, want: CertificateFilter, prefixes: Sequence[str], after: int | None
) -> Sheet[Any]:
    """(certificate, number of its pledge), newest first; one statement."""
    query = _within(prefixes)
    if want.text:
        upper = want.text.upper()
        query = query.where(or_(Certificate.serial == upper, Pledge.number == upper))
    if want.status:
        query = query.where(Certificate.status == want.status)
    if want.issued_from:
        query = query.where(Certificate.issued_on >= want.issued_from)
    if want.issued_to:
        query = query.where(Certificate.issued_on <= want.issued_to)
    return newest_first(session, query, Certificate.id, after=after)


def _within(prefixes: Sequence[str]) -> Select[*tuple[Any, ...]]:
    return (
        select(Certificate, Pledge.number)
        .join(Pledge, Pledge.id == Certificate.pledge_id)
        .where(under(Certificate.county_code, prefixes))
    )


def list_waiting(session: Session, *, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(certificate, number of its pledge) of those that wait for glyphs."""
    query = _within(prefixes).where(Certificate.status == CertificateStatus.APPLIED)
    return newest_first(session, query, Certificate.id, after=after)


@dataclass(frozen=True, slots=True)
class CertificateView:
    """``open_wish`` is what somebody asked for and nobody decided yet."""

    certificate: Certificate
    pledge_number: str
    replaces: Certificate | None
    replaced_by: Certificate | None
    moves: Sequence[CertificateMove]
    open_wish: Approval | None


def read_certificate(session: Session, *, public_id: str, prefixes: Sequence[str]) -> CertificateView:
    """Three statements. Raises ``NotFound`` outside ``prefixes``."""
    before, after = aliased(Certificate), aliased(Certificate)
    row = session.execute(
        _within(prefixes)
        .add_columns(before, after)
        .outerjoin(before, before.id == Certificate.supersedes_id)
        .outerjoin(after, after.supersedes_id == Certificate.id)
        .where(Certificate.public_id == public_id)
    ).one_or_none()
    if row is None:
        raise NotFound("没有这份证书，或不在管辖范围内")
    certificate, number, replaces, replaced_by = row
    moves = select(CertificateMove).where(CertificateMove.certificate_id == certificate.id)
    wish = select(Approval).where(
        Approval.object_kind == "certificate",
        Approval.object_id == certificate.id,
        Approval.status == ApprovalStatus.OPEN,
    )
    return CertificateView(
        certificate=certificate,
        pledge_number=number,
        replaces=replaces,
        replaced_by=replaced_by,
        moves=session.scalars(moves.order_by(CertificateMove.id)).all(),
        open_wish=session.scalars(wish.order_by(Approval.id)).first(),
    )


def preview_key(session: Session, *, public_id: str, prefixes: Sequence[str]) -> str | None:
    """Where the smallest picture is stored; ``None`` while it is drawn. Raises ``NotFound`` outside ``prefixes``."""
    row = session.execute(
        select(Certificate.id, CertificateFile.storage_key)
        .outerjoin(
            CertificateFile,
            (CertificateFile.certificate_id == Certificate.id) & (CertificateFile.form == PREVIEW),
        )
        .where(Certificate.public_id == public_id, under(Certificate.county_code, prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound
    key: str | None = row.storage_key
    return key
