"""Is this certificate true? What anybody may learn by its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.codes import read_token
from certificates.signature import public_jwk, sign_status_list
from models import Certificate, CertificateStatus, SigningKey
from wxbackend.core.errors import NotFound
from wxbackend.honours.rules import ERASED, STATUS_LIST_SIZE
from wxbackend.honours.tools import IssuingTools

STATUS_WORDS = {
    CertificateStatus.ISSUED: "valid",
    CertificateStatus.REVOKED: "revoked",
    CertificateStatus.SUPERSEDED: "superseded",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` is valid, revoked, superseded or unknown; everything else is null for unknown."""

    status: str
    kind: str | None = None
    serial: str | None = None
    reason: str | None = None
    holder_masked: str | None = None
    year: int | None = None
    trees: int | None = None
    issuer: str | None = None
    issued_on: date | None = None
    content: dict[str, Any] | None = None


UNKNOWN = Verdict(status="unknown")


def verify(session: Session, *, token: str, tools: IssuingTools) -> Verdict:
    """One statement; none at all for a token that no key of ours made."""
    known = read_token(token, purpose="C", keys=tools.code_keys)
    if known is None:
        return UNKNOWN
    certificate = session.scalar(select(Certificate).where(Certificate.token == known))
    if certificate is None or certificate.content is None or certificate.issued_on is None:
        return UNKNOWN
    content = certificate.content
    return Verdict(
        status=STATUS_WORDS[certificate.status],
        kind=str(certificate.kind),
        serial=certificate.serial,
        reason=certificate.reason,
        holder_masked=content["holder"]["mask"] if certificate.holder_name_sealed else ERASED,
        year=certificate.issued_on.year,
        trees=content["tree_count"],
        issuer=content["issuer"],
        issued_on=certificate.issued_on,
        content=content,
    )


def public_keys(session: Session, *, tools: IssuingTools) -> list[dict[str, Any]]:
    """Every key that ever signed a certificate, and the one that signs now, as JWKs."""
    keys = {key.kid: key.public_pem for key in session.scalars(select(SigningKey))}
    return [public_jwk(pem.encode(), kid) for kid, pem in {**keys, tools.kid: tools.public_pem}.items()]


def status_list(session: Session, *, number: int, tools: IssuingTools) -> str:
    """The signed list of certificates that are not valid any more. Raises ``NotFound`` beyond the last list."""
    first, after = number * STATUS_LIST_SIZE, (number + 1) * STATUS_LIST_SIZE
    if number and session.scalar(select(Certificate.id).where(Certificate.id >= first).limit(1)) is None:
        raise NotFound
    ended: Sequence[int] = session.scalars(
        select(Certificate.id)
        .where(Certificate.id >= first, Certificate.id < after)
        .where(Certificate.status.in_((CertificateStatus.REVOKED, CertificateStatus.SUPERSEDED)))
    ).all()
    claims = {"iss": tools.base_url, "sub": f"{tools.base_url}/v1/status-lists/{number}"}
    return sign_status_list(
        [i - first for i in ended], size=STATUS_LIST_SIZE, claims=claims, key_pem=tools.key_pem, kid=tools.kid
    )
