"""Issue, revoke and supersede certificates. From ISSUED on nothing of a certificate changes but its status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from certificates.codes import certificate_serial, make_token
from certificates.fonts import MissingGlyphs
from certificates.layout import FaceTooLong, certificate_layout
from certificates.signature import sign
from models import (
    Certificate,
    CertificateMove,
    CertificateStatus,
    ContentSubject,
    MessageKind,
    Pledge,
    Resident,
    SerialCounter,
    SigningKey,
)
from wxbackend.content.rules import Said
from wxbackend.content.service import Whose, queue_unseen
from wxbackend.core import audit, outbox
from wxbackend.core.caller import Caller
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict, NotFound
from wxbackend.core.news import news
from wxbackend.core.sql import insert_into
from wxbackend.honours.facts import Facts, gather
from wxbackend.honours.rules import SALT_BYTES, content_hash, face_of, mask, name_digest, place_in_status_list
from wxbackend.honours.tools import IssuingTools

DRAW = "certificate.draw"
TOKEN_BYTES = 5
COUNTY_DIGITS = 6
#: As wide as any serial, for trying whether a certificate can be printed before it has a number.
BLANK_SERIAL = "RZ" + "0" * 18
TOO_LONG = "（版面容纳不下）"


class CertificateNotIssued(Conflict):
    code, title = "certificate-not-issued", "该证书不是已颁发状态"


class HolderErased(Conflict):
    code, title = "holder-erased", "持证人已注销，不再颁发证书"


def name_place(row_key: str) -> str:
    return f"certificate.holder_name:{row_key}"


def salt_place(row_key: str) -> str:
    return f"certificate.name_salt:{row_key}"


def apply_and_issue(
    session: Session, *, pledge_id: int, tools: IssuingTools, now: datetime, supersedes_id: int | None = None
) -> None:
    """Make the one certificate of a paid pledge, and issue it if every character of it can be printed.

    A second call finds the first one's row and does nothing.
    """
    facts = gather(session, pledge_id=pledge_id, safe=tools.safe)
    if facts.is_erased:
        if supersedes_id is not None:
            raise HolderErased
        return  # nobody is left whom it could name
    certificate = _apply(session, facts=facts, tools=tools, supersedes_id=supersedes_id, now=now)
    if certificate is not None:
        _have_name_judged(session, facts=facts, tools=tools, now=now)
        _issue(session, certificate=certificate, facts=facts, tools=tools, now=now)


def _apply(
    session: Session, *, facts: Facts, tools: IssuingTools, supersedes_id: int | None, now: datetime
) -> Certificate | None:
    """The APPLIED row with the name sealed; ``None`` if the pledge has a live certificate."""
    row_key, salt = tools.safe.new_row_key(), tools.random_bytes(SALT_BYTES).hex()
    row = {
        "public_id": tools.random_bytes(10).hex(),
        "kind": facts.kind,
        "status": CertificateStatus.APPLIED,
        "pledge_id": facts.pledge_id,
        "resident_id": facts.resident_id,
        "county_code": facts.county_code,
        "row_key": row_key,
        "holder_name_sealed": tools.safe.seal(facts.holder_name, place=name_place(row_key)),
        "name_salt_sealed": tools.safe.seal(salt, place=salt_place(row_key)),
        "supersedes_id": supersedes_id,
        "created_at": now,
    }
    statement = insert_into(session, Certificate).values(row).on_conflict_do_nothing()
    applied: Certificate | None = session.scalar(statement.returning(Certificate))
    return applied


def _have_name_judged(session: Session, *, facts: Facts, tools: IssuingTools, now: datetime) -> None:
    """A name that was given before names were checked is put before the reviewers."""
    name, subject = facts.name.name, facts.name.subject
    if name is None or subject is None or name.status is not None:
        return
    with_pledge = subject is ContentSubject.HOLDER_NAME
    key, county = (facts.number, facts.county_code) if with_pledge else (facts.resident_key, None)
    whose = Whose(key, facts.resident_id, county)
    queue_unseen(session, said=Said(subject, "", name.text), whose=whose, safe=tools.safe, now=now)


def _issue(session: Session, *, certificate: Certificate, facts: Facts, tools: IssuingTools, now: datetime) -> None:
    """Give it serial, token, frozen content and signature; or note the characters that no font draws.

    Nothing happens while the name waits for a decision: it is called again when there is one.
    """
    if facts.name.waits:
        return
    holder_name = facts.holder_name
    if (fault := _printing_fault(facts, holder_name=holder_name, tools=tools)) is not None:
        _update(session, certificate, missing_glyphs=fault)
        return
    serial = _next_serial(session, certificate=certificate, now=now)
    content = _content(certificate, facts, serial=serial, holder_name=holder_name, tools=tools, now=now)
    _keep_public_key(session, tools=tools, now=now)
    _update(
        session,
        certificate,
        status=CertificateStatus.ISSUED,
        serial=serial,
        token=make_token(int.from_bytes(tools.random_bytes(TOKEN_BYTES)), tools.code_keys, purpose="C"),
        content=content,
        content_hash=content_hash(content),
        jws=sign(_claims(certificate.id, content, tools), key_pem=tools.key_pem, kid=tools.kid),
        issued_on=china_date(now),
        missing_glyphs=None,
    )
    _note_move(session, certificate.id, CertificateStatus.ISSUED, cause="issued", now=now)
    works = [outbox.Work(DRAW, serial, {"serial": serial}), news(MessageKind.CERTIFICATE_ISSUED, serial)]
    outbox.enqueue_all(session, works=works, now=now)


def _printing_fault(facts: Facts, *, holder_name: str, tools: IssuingTools) -> str | None:
    """What keeps it from being printed: characters no font draws, or a text that does not fit. Tried on a blank."""
    blank = {"kind": str(facts.kind), "serial": BLANK_SERIAL, "issued_on": facts.content["paid_on"]}
    face = face_of({**facts.content, **blank}, holder_name=holder_name, verify_url=tools.code_base_url, seal_png=None)
    try:
        certificate_layout(face, fonts=tools.fonts)
    except MissingGlyphs as missing:
        return " ".join(missing.characters)
    except FaceTooLong:
        return TOO_LONG
    return None


def _update(session: Session, certificate: Certificate, **values: Any) -> None:
    session.execute(
        update(Certificate)
        .where(Certificate.id == certificate.id, Certificate.status == CertificateStatus.APPLIED)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _next_serial(session: Session, *, certificate: Certificate, now: datetime) -> str:
    """One statement under the row's lock; a rollback gives the number back, hence no gaps."""
    region, year = certificate.county_code[:COUNTY_DIGITS], china_date(now).year
    first = insert_into(session, SerialCounter).values(kind=str(certificate.kind), region=region, year=year, last=1)
    statement = first.on_conflict_do_update(
        index_elements=["kind", "region", "year"], set_={"last": SerialCounter.last + 1}
    )
    sequence = session.execute(statement.returning(SerialCounter.last)).scalar_one()
    return certificate_serial(str(certificate.kind), region, year, sequence)


def _content(
    certificate: Certificate,
    facts: Facts,
    *,
    serial: str,
    holder_name: str,
    tools: IssuingTools,
    now: datetime,
) -> dict[str, Any]:
    salt = tools.safe.open(certificate.name_salt_sealed or "", place=salt_place(certificate.row_key))
    return {
        **facts.content,
        "kind": str(certificate.kind),
        "serial": serial,
        "issued_on": china_date(now).isoformat(),
        "holder": {"digest": name_digest(salt, holder_name), "mask": mask(holder_name)},
    }


def _claims(certificate_id: int, content: dict[str, Any], tools: IssuingTools) -> dict[str, Any]:
    """What is signed: the frozen content and where its status can be looked up."""
    number, index = place_in_status_list(certificate_id)
    status = {"list": f"{tools.base_url}/v1/status-lists/{number}", "index": index}
    return {"iss": tools.base_url, "sub": content["serial"], "certificate": content, "status": status}


def _keep_public_key(session: Session, *, tools: IssuingTools, now: datetime) -> None:
    row = {"kid": tools.kid, "public_pem": tools.public_pem, "valid_from": now}
    session.execute(insert_into(session, SigningKey).values(row).on_conflict_do_nothing())


def _note_move(session: Session, certificate_id: int, to: CertificateStatus, *, cause: str, now: datetime) -> None:
    session.execute(insert(CertificateMove).values(certificate_id=certificate_id, to_status=to, cause=cause, at=now))


def _end(session: Session, *, serial: str, to: CertificateStatus, reason: str | None) -> Certificate:
    """ISSUED → REVOKED | SUPERSEDED in one statement. Raises ``CertificateNotIssued``, ``NotFound``."""
    ended = session.scalar(
        update(Certificate)
        .where(Certificate.serial == serial, Certificate.status == CertificateStatus.ISSUED)
        .values(status=to, reason=reason)
        .returning(Certificate)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if ended is not None:
        return ended
    if session.scalar(select(Certificate.id).where(Certificate.serial == serial)) is None:
        raise NotFound("证书不存在")
    raise CertificateNotIssued


def revoke(session: Session, *, serial: str, reason: str, caller: Caller | None, now: datetime) -> None:
    """Make a certificate invalid for good. The caller's right and a second person's word were checked before."""
    ended = _end(session, serial=serial, to=CertificateStatus.REVOKED, reason=reason)
    _note_move(session, ended.id, CertificateStatus.REVOKED, cause=reason, now=now)
    audit.record(session, caller=caller, action="certificate.revoke", on=("certificate", serial), now=now)


def supersede(
    session: Session, *, serial: str, reason: str, caller: Caller | None, tools: IssuingTools, now: datetime
) -> None:
    """Replace a certificate by one with a new serial, made from what the pledge says now.

    A refund of the pledge that succeeds meanwhile waits, and then finds the new one; or it is waited for.
    """
    _lock_pledge(session, serial=serial)
    old = _end(session, serial=serial, to=CertificateStatus.SUPERSEDED, reason=None)
    _note_move(session, old.id, CertificateStatus.SUPERSEDED, cause=reason, now=now)
    apply_and_issue(session, pledge_id=old.pledge_id, tools=tools, now=now, supersedes_id=old.id)
    audit.record(session, caller=caller, action="certificate.supersede", on=("certificate", serial), now=now)


def _lock_pledge(session: Session, *, serial: str) -> None:
    """Person, then pledge, as everybody locks them; the certificate comes after its pledge."""
    owner = select(Certificate.resident_id).where(Certificate.serial == serial).scalar_subquery()
    session.execute(select(Resident.id).where(Resident.id == owner).with_for_update(read=True, key_share=True))
    pledge = select(Certificate.pledge_id).where(Certificate.serial == serial).scalar_subquery()
    session.execute(select(Pledge.id).where(Pledge.id == pledge).with_for_update())


def retry_missing_glyphs(
    session: Session, *, public_id: str, caller: Caller, tools: IssuingTools, now: datetime
) -> bool:
    """Try again to issue a certificate whose characters were missing. False if some still are, or the name waits.

    Raises ``NotFound``, also when its holder's account was erased: then there is no name to print.
    """
    certificate = _take_applied(session, Certificate.public_id == public_id)
    if certificate is None:
        raise NotFound("没有等待发证的证书")
    if certificate.holder_name_sealed is None:
        raise HolderErased
    audit.record(session, caller=caller, action="certificate.retry", on=("certificate", public_id), now=now)
    return _try_again(session, certificate=certificate, tools=tools, now=now)


def issue_applied(session: Session, *, certificate_id: int, tools: IssuingTools, now: datetime) -> None:
    """Issue what waited for a decision on a name; nothing, if it was issued or its holder erased meanwhile."""
    certificate = _take_applied(session, Certificate.id == certificate_id)
    if certificate is not None:
        _try_again(session, certificate=certificate, tools=tools, now=now)


def applied_of(session: Session, *, resident_id: int) -> Sequence[int]:
    """Ids of a person's certificates that wait to be issued, oldest first."""
    waiting = Certificate.resident_id == resident_id, Certificate.status == CertificateStatus.APPLIED
    return session.scalars(select(Certificate.id).where(*waiting).order_by(Certificate.id)).all()


def _take_applied(session: Session, which: ColumnElement[bool]) -> Certificate | None:
    """The locked row, unless its name was erased."""
    waiting = Certificate.status == CertificateStatus.APPLIED, Certificate.holder_name_sealed.is_not(None)
    return session.scalar(select(Certificate).where(which, *waiting).with_for_update())


def _try_again(session: Session, *, certificate: Certificate, tools: IssuingTools, now: datetime) -> bool:
    """By what was decided of the names since: another one may stand there now."""
    facts = gather(session, pledge_id=certificate.pledge_id, safe=tools.safe)
    sealed = tools.safe.seal(facts.holder_name, place=name_place(certificate.row_key))
    _update(session, certificate, holder_name_sealed=sealed)
    _issue(session, certificate=certificate, facts=facts, tools=tools, now=now)
    status = session.scalar(select(Certificate.status).where(Certificate.id == certificate.id))
    return status is CertificateStatus.ISSUED
