"""Accounts: invited by a one-time link, activated by their owner, granted roles, disabled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import STAFF_MOVES, Region, RegionLevel, Role, Staff, StaffGrant, StaffSession, StaffStatus
from wxbackend.core import audit
from wxbackend.core.crypto import Vault, token_digest
from wxbackend.core.sql import insert_into
from wxbackend.core.states import move, sources
from wxbackend.staff.errors import BadScope, LinkSpent, UnknownAccount, UnknownGrant, UsernameTaken, WrongTotp
from wxbackend.staff.rules import INVITATION_LIFE


@dataclass(frozen=True, slots=True)
class NewAccount:
    username: str
    display_name: str
    row_key: str


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom an activation link belongs to, frozen: the password is hashed outside of any transaction."""

    staff_id: int
    username: str
    display_name: str
    row_key: str
    totp_sealed: str | None


def totp_place(row_key: str) -> str:
    return f"staff.totp:{row_key}"


def invite(session: Session, *, new: NewAccount, role: Role, region: str, link_token: str, now: datetime) -> Staff:
    """Add an account with one role; whoever holds ``link_token`` within 24 hours sets its password and its TOTP."""
    statement = insert_into(session, Staff).values(
        row_key=new.row_key,
        username=new.username,
        display_name=new.display_name,
        status=StaffStatus.INVITED,
        invitation_digest=token_digest(link_token),
        invitation_expires_at=now + INVITATION_LIFE,
        created_at=now,
    )
    added = session.scalar(statement.on_conflict_do_nothing(index_elements=["username"]).returning(Staff.id))
    if added is None:
        raise UsernameTaken
    audit.record(session, caller=None, action="staff.create", on=("staff", new.username), now=now)
    grant(session, username=new.username, role=role, region=region, now=now)
    return session.get_one(Staff, added)


def grant(session: Session, *, username: str, role: Role, region: str, now: datetime) -> None:
    """Give a role over a city or a county. Live sessions end: more rights begin with a fresh sign-in."""
    account = _account(session, username)
    _require_scope(session, region)
    statement = insert_into(session, StaffGrant).values(staff_id=account.id, role=role, region_code=region)
    session.execute(statement.on_conflict_do_nothing())
    _end_sessions(session, staff_id=account.id, now=now)
    audit.record(session, caller=None, action="staff.grant", on=("staff", username), now=now, role=role, region=region)


def revoke(session: Session, *, username: str, role: Role, region: str, now: datetime) -> None:
    """Take a role back, and end the sessions that were opened with it. Raises ``UnknownGrant``."""
    account = _account(session, username)
    held = (StaffGrant.staff_id == account.id, StaffGrant.role == role, StaffGrant.region_code == region)
    if session.scalar(delete(StaffGrant).where(*held).returning(StaffGrant.id)) is None:
        raise UnknownGrant
    _end_sessions(session, staff_id=account.id, now=now)
    audit.record(session, caller=None, action="staff.revoke", on=("staff", username), now=now, role=role, region=region)


def grants_of(session: Session, *, username: str) -> Sequence[tuple[Role, str]]:
    """Which (role, region code) an account holds, whatever its status."""
    query = select(StaffGrant.role, StaffGrant.region_code).join(Staff, Staff.id == StaffGrant.staff_id)
    rows = session.execute(query.where(Staff.username == username).order_by(StaffGrant.id))
    return [(role, region) for role, region in rows]


def disable(session: Session, *, username: str, now: datetime) -> None:
    """Close the account: nobody signs in with it, its link and its sessions end. Its roles stay; see ``reset_totp``."""
    account = _account(session, username)
    move(account, StaffStatus.DISABLED, STAFF_MOVES)
    account.invitation_digest, account.invitation_expires_at = None, None
    _end_sessions(session, staff_id=account.id, now=now)
    audit.record(session, caller=None, action="staff.disable", on=("staff", username), now=now)


def reset_totp(session: Session, *, username: str, link_token: str, now: datetime) -> None:
    """Invite again: a lost phone means a new secret and a new password. Also how a disabled account comes back.

    It comes back with the roles it had: whoever invites is shown them (``grants_of``) and may ``revoke``.
    """
    account = _account(session, username)
    if account.status is not StaffStatus.INVITED:
        move(account, StaffStatus.INVITED, STAFF_MOVES)
    account.password_hash, account.totp_sealed = None, None
    account.failed_count, account.locked_until = 0, None
    account.invitation_digest, account.invitation_expires_at = token_digest(link_token), now + INVITATION_LIFE
    _end_sessions(session, staff_id=account.id, now=now)
    audit.record(session, caller=None, action="staff.reset-totp", on=("staff", username), now=now)


def invited(session: Session, *, link_token: str, now: datetime) -> Invited:
    """Whom the link belongs to. Raises ``LinkSpent``."""
    row = session.execute(
        select(Staff.id, Staff.username, Staff.display_name, Staff.row_key, Staff.totp_sealed).where(
            Staff.invitation_digest == token_digest(link_token),
            Staff.invitation_expires_at > now,
            Staff.status == StaffStatus.INVITED,
        )
    ).one_or_none()
    if row is None:
        raise LinkSpent
    return Invited(*row)


def prepare(
    session: Session, *, who: Invited, link_token: str, password_hash: str, secret: str, safe: Vault, now: datetime
) -> None:
    """Keep password and TOTP secret of an account that is not active yet. Each call replaces both."""
    kept = session.scalar(
        update(Staff)
        .where(Staff.id == who.staff_id, Staff.invitation_digest == token_digest(link_token))
        .where(Staff.invitation_expires_at > now, Staff.status == StaffStatus.INVITED)
        .values(password_hash=password_hash, totp_sealed=safe.seal(secret, place=totp_place(who.row_key)))
        .returning(Staff.id)
    )
    if kept is None:
        raise LinkSpent
    audit.record(session, caller=None, action="staff.choose-password", on=("staff", who.username), now=now)


def activate(session: Session, *, who: Invited, link_token: str, step: int, now: datetime) -> None:
    """Open the account once a code proved that the app has the secret. The link and the code are used up."""
    opened = session.scalar(
        update(Staff)
        .where(Staff.id == who.staff_id, Staff.invitation_digest == token_digest(link_token))
        .where(Staff.invitation_expires_at > now, Staff.status.in_(sources(StaffStatus.ACTIVE, STAFF_MOVES)))
        .where(Staff.password_hash.is_not(None), Staff.totp_sealed == who.totp_sealed)
        .values(status=StaffStatus.ACTIVE, totp_last_step=step, invitation_digest=None, invitation_expires_at=None)
        .returning(Staff.id)
    )
    if opened is None:
        raise LinkSpent
    audit.record(session, caller=None, action="staff.activate", on=("staff", who.username), now=now)


def burn_step(session: Session, *, staff_id: int, step: int) -> None:
    """Use a TOTP step up. Raises ``WrongTotp`` if it, or a later one, was used before: the row decides the race."""
    burnt = session.scalar(
        update(Staff)
        .where(Staff.id == staff_id, Staff.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(Staff.id)
    )
    if burnt is None:
        raise WrongTotp


def _account(session: Session, username: str) -> Staff:
    found = session.scalar(select(Staff).where(Staff.username == username).with_for_update())
    if found is None:
        raise UnknownAccount(username)
    return found


def _require_scope(session: Session, region: str) -> None:
    """Cities and counties only: what roles are about belongs to a county."""
    level = session.scalar(select(Region.level).where(Region.code == region))
    if level not in (RegionLevel.CITY, RegionLevel.COUNTY):
        raise BadScope(region)


def _end_sessions(session: Session, *, staff_id: int, now: datetime) -> None:
    session.execute(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .values(ended_at=now)
    )
