"""The trail, for auditors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session, aliased

from models import PREFIX_LENGTH, AuditEntry, RegionLevel, Staff, StaffGrant
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """``key`` is what an act was done to: a number, a serial, a user name."""

    action: str | None = None
    key: str | None = None


def read_trail(session: Session, *, want: TrailFilter, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(entry, name of the staff member), newest first; one statement."""
    query = (
        select(AuditEntry, Staff.display_name)
        .outerjoin(Staff, and_(Staff.id == AuditEntry.actor_id, AuditEntry.actor_kind == "staff"))
        .where(_in_sight(prefixes))
    )
    if want.action:
        query = query.where(AuditEntry.action == want.action)
    if want.key:
        query = query.where(AuditEntry.object_key == want.key)
    return newest_first(session, query, AuditEntry.id, after=after)


def _in_sight(prefixes: Sequence[str]) -> ColumnElement[bool]:
    """An auditor of a city sees everything; of a county, what its staff did and what was done to its accounts.

    Entries carry no county: they outlive what they are about.
    """
    if any(len(prefix) <= PREFIX_LENGTH[RegionLevel.CITY] for prefix in prefixes):
        return true()
    colleague = aliased(Staff)
    theirs = select(StaffGrant.staff_id).where(under(StaffGrant.region_code, prefixes))
    names = select(colleague.username).where(colleague.id.in_(theirs))
    acted = and_(AuditEntry.actor_kind == "staff", AuditEntry.actor_id.in_(theirs))
    return or_(acted, and_(AuditEntry.object_kind == "staff", AuditEntry.object_key.in_(names)))
