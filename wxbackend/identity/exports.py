"""The copy of everything that is stored about a person (个人信息副本, PIPL art. 45), section by section.

Features add a section in the factory; identity knows its own: profile, consents, sessions, deeds.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models import AuditEntry, Base, Consent, LegalText, Resident, ResidentSession
from wxbackend.core.crypto import SEALED, Vault, place_of
from wxbackend.core.dates import CHINA


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose copy it is, and what opens the sealed fields."""

    resident_id: int
    safe: Vault


class Reader(Protocol):
    """Reads one section as plain JSON: an object, or a list of them."""

    def __call__(self, session: Session, *, whose: Subject) -> Any: ...


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    read: Reader


def export(session: Session, *, sections: Iterable[Section], whose: Subject) -> dict[str, Any]:
    return {section.name: section.read(session, whose=whose) for section in sections}


def facts(row: Base, *, safe: Vault, hide: Collection[str]) -> dict[str, Any]:
    """Every column of a row but the hidden ones, sealed ones opened. A column added later is shown unless hidden."""
    found = {}
    for column in inspect(type(row)).columns:
        if column.name in hide:
            continue
        value = getattr(row, column.name)
        if column.name.endswith(SEALED) and value is not None:
            value = safe.open(value, place=place_of(row.__tablename__, column.name, row.row_key))  # type: ignore[attr-defined]
        found[column.name.removesuffix(SEALED)] = plain(value)
    return found


def plain(value: Any) -> Any:
    """As the rest of the interface writes it: instants with the offset of China, enums as their text."""
    if isinstance(value, datetime):
        return value.astimezone(CHINA).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value


PROFILE_HIDDEN = {"id", "row_key", "openid_index", "phone_index", "erased_at"}
SESSION_HIDDEN = {"id", "resident_id", "token_digest"}
DEED_HIDDEN = {"id", "actor_kind", "actor_id"}


def profile(session: Session, *, whose: Subject) -> Mapping[str, Any]:
    return facts(session.get_one(Resident, whose.resident_id), safe=whose.safe, hide=PROFILE_HIDDEN)


def consents(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(LegalText.text, LegalText.title, LegalText.version, Consent.given_at).join(
        Consent, Consent.legal_text_id == LegalText.id
    )
    rows = session.execute(query.where(Consent.resident_id == whose.resident_id).order_by(Consent.id))
    return [{name: plain(value) for name, value in row.items()} for row in rows.mappings()]


def sessions(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """Where they signed in. Tokens are not stored, and their digests are nobody's business."""
    query = select(ResidentSession).where(ResidentSession.resident_id == whose.resident_id).order_by(ResidentSession.id)
    return [facts(row, safe=whose.safe, hide=SESSION_HIDDEN) for row in session.scalars(query)]


def deeds(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """What the trail says that they did."""
    mine = AuditEntry.actor_kind == "resident", AuditEntry.actor_id == whose.resident_id
    query = select(AuditEntry).where(*mine).order_by(AuditEntry.id)
    return [facts(row, safe=whose.safe, hide=DEED_HIDDEN) for row in session.scalars(query)]


SECTIONS = (
    Section("profile", profile),
    Section("consents", consents),
    Section("sessions", sessions),
    Section("deeds", deeds),
)
