"""What a resident told us about themselves: a name and a phone number, both sealed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Resident, ResidentStatus
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.errors import NotSignedIn


@dataclass(frozen=True, slots=True)
class Profile:
    name: str | None
    phone: str | None
    created_at: datetime


def profile_of(resident: Resident, *, safe: Vault) -> Profile:
    """Open the sealed fields of a row."""
    return Profile(
        name=safe.open_optional(resident.name_sealed, place=_place(resident, "name")),
        phone=safe.open_optional(resident.phone_sealed, place=_place(resident, "phone")),
        created_at=resident.created_at,
    )


def read_profile(session: Session, *, resident_id: int, safe: Vault) -> Profile:
    return profile_of(session.get_one(Resident, resident_id), safe=safe)


def set_name(session: Session, *, resident_id: int, name: str | None, safe: Vault) -> Profile:
    """Keep the name as given (see ``rules.printable_name``); ``None`` forgets it."""
    resident = _to_change(session, resident_id)
    resident.name_sealed = safe.seal(name, place=_place(resident, "name")) if name else None
    return profile_of(resident, safe=safe)


def set_phone(session: Session, *, resident_id: int, phone: str, safe: Vault) -> Profile:
    """Keep the number that WeChat vouched for."""
    resident = _to_change(session, resident_id)
    resident.phone_sealed = safe.seal(phone, place=_place(resident, "phone"))
    return profile_of(resident, safe=safe)


def _to_change(session: Session, resident_id: int) -> Resident:
    """The locked row: an erasure that got there first has ended the session this request came with."""
    query = select(Resident).where(Resident.id == resident_id, Resident.status == ResidentStatus.ACTIVE)
    resident = session.scalar(query.with_for_update())
    if resident is None:
        raise NotSignedIn
    return resident


def _place(resident: Resident, column: str) -> str:
    return place_of("resident", column, resident.row_key)
