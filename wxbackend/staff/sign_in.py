"""Signing in and confirming: what the database does before and after the password was looked at."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from models import Staff, StaffSession, StaffStatus
from wxbackend.core import audit
from wxbackend.core.audit import Caller
from wxbackend.core.crypto import token_digest
from wxbackend.staff.errors import SignInRefused
from wxbackend.staff.rules import SESSION_LIFE, lock_end
from wxbackend.staff.service import burn_step


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against, frozen: hashing takes 44 ms and may not sit in the write queue."""

    staff_id: int
    username: str
    row_key: str
    password_hash: str
    totp_sealed: str


def find_credentials(session: Session, *, username: str, now: datetime) -> Credentials | None:
    """Of an active account that is not locked; the caller spends the same time on ``None``."""
    row = session.execute(
        select(Staff.id, Staff.username, Staff.row_key, Staff.password_hash, Staff.totp_sealed).where(
            Staff.username == username, Staff.status == StaffStatus.ACTIVE, _not_locked(now)
        )
    ).one_or_none()
    return Credentials(*row) if row else None  # type: ignore[arg-type]  # the CHECK: active accounts have both


def open_session(
    session: Session, *, who: Credentials, step: int, token: str, replaces: str | None, now: datetime
) -> None:
    """Burn the code and open a session; ``replaces`` is the token of the one this browser had, which ends."""
    burn_step(session, staff_id=who.staff_id, step=step)
    still = session.scalar(
        update(Staff)
        .where(Staff.id == who.staff_id, Staff.password_hash == who.password_hash)
        .where(Staff.status == StaffStatus.ACTIVE, _not_locked(now))
        .values(failed_count=0, locked_until=None)
        .returning(Staff.id)
    )
    if still is None:
        raise SignInRefused
    if replaces:
        end_by_token(session, token=replaces, now=now)
    session.add(
        StaffSession(
            staff_id=who.staff_id,
            token_digest=token_digest(token),
            created_at=now,
            seen_at=now,
            confirmed_at=now,
            expires_at=now + SESSION_LIFE,
        )
    )
    audit.record(session, caller=_themselves(who), action="staff.sign-in", on=("staff", who.username), now=now)


def note_failure(session: Session, *, username: str, now: datetime) -> None:
    """Count a failure of an account that exists; from the fifth on it rests, each time twice as long."""
    row = session.execute(
        update(Staff)
        .where(Staff.username == username, Staff.status == StaffStatus.ACTIVE, _not_locked(now))
        .values(failed_count=Staff.failed_count + 1)
        .returning(Staff.id, Staff.failed_count)
    ).one_or_none()
    if row is None:
        return
    staff_id, failed_count = row
    until = lock_end(failed_count, now=now)
    session.execute(update(Staff).where(Staff.id == staff_id).values(locked_until=until))
    audit.record(
        session,
        caller=None,
        action="staff.sign-in-refused",
        on=("staff", username),
        now=now,
        failed_count=failed_count,
    )


def end_by_token(session: Session, *, token: str, now: datetime) -> None:
    session.execute(
        update(StaffSession)
        .where(StaffSession.token_digest == token_digest(token), StaffSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def confirm(session: Session, *, who: Credentials, session_id: int, step: int, token: str, now: datetime) -> None:
    """Burn a fresh code for ten minutes of confirmed acts; the session goes on under a new ``token``."""
    burn_step(session, staff_id=who.staff_id, step=step)
    session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(confirmed_at=now, token_digest=token_digest(token))
    )
    audit.record(session, caller=_themselves(who), action="staff.confirm", on=("staff", who.username), now=now)


def _themselves(who: Credentials) -> Caller:
    """The actor of an act at the door, before a session says who calls."""
    return Caller(kind="staff", id=who.staff_id, session_id=0)


def credentials_of(session: Session, *, staff_id: int, now: datetime) -> Credentials | None:
    """Of somebody who is signed in already and gives another code."""
    username = session.scalar(select(Staff.username).where(Staff.id == staff_id))
    return find_credentials(session, username=username, now=now) if username else None


def _not_locked(now: datetime) -> ColumnElement[bool]:
    return or_(Staff.locked_until.is_(None), Staff.locked_until <= now)
