"""T3: the drawn files of a certificate. The web process only hands out what the worker has drawn and read back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.faces import CertificateFace
from models import Certificate, CertificateFile, CertificateStatus
from wxbackend.core.errors import Busy, NotFound
from wxbackend.core.ports import Storage
from wxbackend.core.sql import insert_into
from wxbackend.honours.rules import face_of
from wxbackend.honours.service import CertificateNotIssued, name_place
from wxbackend.honours.tools import IssuingTools

PNG_WIDTHS = (877, 1754, 2480)
PDF = "pdf"


class NotDrawnYet(Busy):
    code, title = "not-drawn-yet", "证书正在生成，请稍后再试"


@dataclass(frozen=True, slots=True)
class Drawing:
    """One file, ready to be stored. ``form`` is ``1754.png`` or ``pdf``."""

    form: str
    data: bytes

    def key(self, serial: str) -> str:
        """Named by its content: a key is never written twice with other bytes."""
        suffix = self.form.rpartition(".")[2]
        return f"certificates/{serial}/{hashlib.sha256(self.data).hexdigest()[:32]}.{suffix}"


def form_of(suffix: str, width_px: int) -> str:
    return PDF if suffix == PDF else f"{width_px}.png"


def face_to_draw(session: Session, *, serial: str, tools: IssuingTools, storage: Storage) -> CertificateFace | None:
    """The face of an issued certificate; ``None`` when it was revoked, superseded or erased meanwhile."""
    certificate = session.scalar(
        select(Certificate).where(Certificate.serial == serial, Certificate.status == CertificateStatus.ISSUED)
    )
    if certificate is None or certificate.content is None or certificate.holder_name_sealed is None:
        return None
    seal_key = certificate.content["seal_key"]
    return face_of(
        certificate.content,
        holder_name=tools.safe.open(certificate.holder_name_sealed, place=name_place(certificate.row_key)),
        verify_url=f"{tools.code_base_url}/C/{certificate.token}".upper(),
        seal_png=storage.get(seal_key) if seal_key else None,
    )


def keep(session: Session, *, serial: str, drawings: Sequence[Drawing], now: datetime) -> None:
    """Note the stored files; a second drawing of the same form changes nothing."""
    certificate_id = session.scalars(select(Certificate.id).where(Certificate.serial == serial)).one()
    rows = [
        {
            "certificate_id": certificate_id,
            "form": drawing.form,
            "storage_key": drawing.key(serial),
            "sha256": hashlib.sha256(drawing.data).hexdigest(),
            "drawn_at": now,
        }
        for drawing in drawings
    ]
    session.execute(insert_into(session, CertificateFile).on_conflict_do_nothing(), rows)


def storage_key(session: Session, *, serial: str, form: str, resident_id: int) -> str:
    """Where the file of one's own certificate is. Raises ``NotFound``, ``CertificateNotIssued``, ``NotDrawnYet``."""
    row = session.execute(
        select(Certificate.resident_id, CertificateFile.storage_key, Certificate.status)
        .outerjoin(CertificateFile, (CertificateFile.certificate_id == Certificate.id) & (CertificateFile.form == form))
        .where(Certificate.serial == serial)
    ).one_or_none()
    if row is None or row[0] != resident_id:
        raise NotFound("证书不存在")
    if row[2] is not CertificateStatus.ISSUED:
        raise CertificateNotIssued  # a picture of it would go on proving what is not so
    if row[1] is None:
        raise NotDrawnYet
    return row[1]
