"""What a refund does to a certificate: nobody keeps one for what was given back."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import Certificate, CertificateStatus, Resident, ResidentStatus
from wxbackend.honours import service as honours
from wxbackend.honours.tools import IssuingTools

REFUNDED, PARTLY_REFUNDED = "已退款", "部分退款"


def follow_refund(session: Session, *, pledge_id: int, whole: bool, tools: IssuingTools, now: datetime) -> None:
    """Revoke the certificate of a pledge that was refunded; replace it where only some of the trees were.

    One that waits to be issued is dropped with the whole, and otherwise prints what is left when its time comes. An
    erased holder's is revoked either way: no name is left for a new one.
    """
    row = session.execute(
        select(Certificate, Resident.status)
        .join(Resident, Resident.id == Certificate.resident_id)
        .where(Certificate.pledge_id == pledge_id)
        .where(Certificate.status.in_((CertificateStatus.APPLIED, CertificateStatus.ISSUED)))
        .with_for_update(of=Certificate)
    ).one_or_none()
    if row is None:
        return
    certificate, holder = row
    reason = REFUNDED if whole else PARTLY_REFUNDED
    if certificate.status is CertificateStatus.APPLIED or certificate.serial is None:
        if whole:
            session.execute(delete(Certificate).where(Certificate.id == certificate.id))
    elif whole or holder is ResidentStatus.ERASED:
        honours.revoke(session, serial=certificate.serial, reason=reason, caller=None, now=now)
    else:
        honours.supersede(session, serial=certificate.serial, reason=reason, caller=None, tools=tools, now=now)
