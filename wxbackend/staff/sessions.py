"""Sessions of signed-in browsers: recognised by a hashed token, ended by idleness, age or their owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from models import Region, Role, Staff, StaffGrant, StaffSession, StaffStatus
from wxbackend.core.crypto import token_digest
from wxbackend.core.errors import NotFound, NotSignedIn
from wxbackend.staff.rules import CONFIRMATION_LIFE, IDLE_LIFE, TOUCH_EVERY, region_prefix

HANDLE_LENGTH = 16


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """Who a session belongs to; ``grants`` are (role, region prefix)."""

    staff_id: int
    session_id: int
    display_name: str
    grants: frozenset[tuple[Role, str]]
    confirmed: bool
    needs_touch: bool


def recognise(session: Session, *, token: str, now: datetime) -> SignedInStaff:
    """Whose token it is. One statement. Raises ``NotSignedIn`` for an unknown, ended, idle or expired one."""
    rows = session.execute(
        select(StaffSession, Staff.display_name, StaffGrant.role, Region.code, Region.level)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .outerjoin(StaffGrant, StaffGrant.staff_id == Staff.id)
        .outerjoin(Region, Region.code == StaffGrant.region_code)
        .where(StaffSession.token_digest == token_digest(token), *_alive(now), Staff.status == StaffStatus.ACTIVE)
    ).all()
    if not rows:
        raise NotSignedIn
    found, name, *_ = rows[0]
    return SignedInStaff(
        staff_id=found.staff_id,
        session_id=found.id,
        display_name=name,
        grants=frozenset((role, region_prefix(code, level)) for _, _, role, code, level in rows if role),
        confirmed=found.confirmed_at is not None and found.confirmed_at > now - CONFIRMATION_LIFE,
        needs_touch=found.seen_at <= now - TOUCH_EVERY,
    )


def touch(session: Session, *, session_id: int, now: datetime) -> None:
    """Note that the session is in use, so that it does not idle out."""
    session.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=now))


def list_sessions(session: Session, *, staff_id: int, now: datetime) -> Sequence[StaffSession]:
    """Live sessions, newest first."""
    return session.scalars(
        select(StaffSession).where(StaffSession.staff_id == staff_id, *_alive(now)).order_by(StaffSession.id.desc())
    ).all()


def handle_of(row: StaffSession) -> str:
    """A name for a session that opens nothing: the beginning of its digest."""
    return row.token_digest[:HANDLE_LENGTH]


def end_session(session: Session, *, staff_id: int, handle: str, now: datetime) -> None:
    """End one of one's own sessions, by its whole handle. Raises ``NotFound`` for anybody else's."""
    ended = session.scalar(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .where(func.substr(StaffSession.token_digest, 1, HANDLE_LENGTH) == handle)
        .values(ended_at=now)
        .returning(StaffSession.id)
    )
    if ended is None:
        raise NotFound


def end_by_id(session: Session, *, session_id: int, now: datetime) -> None:
    session.execute(
        update(StaffSession).where(StaffSession.id == session_id, StaffSession.ended_at.is_(None)).values(ended_at=now)
    )


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        StaffSession.ended_at.is_(None),
        StaffSession.expires_at > now,
        StaffSession.seen_at > now - IDLE_LIFE,
    )
