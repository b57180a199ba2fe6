"""Sign-in and sessions of residents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Resident, ResidentSession, ResidentStatus
from wxbackend.core.crypto import Vault, token_digest
from wxbackend.core.errors import Busy, NotFound, NotSignedIn
from wxbackend.core.sql import insert_into
from wxbackend.core.wxmini import WxIdentity

DEVICE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class NewSession:
    """``token`` and ``public_id`` come from the random source; only the token's digest is stored."""

    token: str
    public_id: str
    device: str
    expires_at: datetime


def openid_place(row_key: str) -> str:
    return f"resident.openid:{row_key}"


def sign_in(session: Session, *, appid: str, who: WxIdentity, new: NewSession, safe: Vault, now: datetime) -> Resident:
    """Find or create the account of (appid, openid) and open a session for it."""
    resident = _find_or_add(session, appid=appid, who=who, safe=safe, now=now)
    session.add(
        ResidentSession(
            public_id=new.public_id,
            resident_id=resident.id,
            token_digest=token_digest(new.token),
            device=new.device[:DEVICE_LENGTH],
            created_at=now,
            expires_at=new.expires_at,
        )
    )
    return resident


def _find_or_add(session: Session, *, appid: str, who: WxIdentity, safe: Vault, now: datetime) -> Resident:
    """Two first sign-ins at once make one account: the unique key decides, the loser reads the winner's row."""
    index, row_key = safe.index.of(who.openid, purpose="openid"), safe.new_row_key()
    known = select(Resident).where(Resident.appid == appid, Resident.openid_index == index)
    if (resident := session.scalar(known)) is not None:
        return resident
    unionid = safe.seal(who.unionid, place=f"resident.unionid:{row_key}") if who.unionid else None
    row = {
        "row_key": row_key,
        "appid": appid,
        "openid_index": index,
        "openid_sealed": safe.seal(who.openid, place=openid_place(row_key)),
        "unionid_sealed": unionid,
        "status": ResidentStatus.ACTIVE,
        "created_at": now,
    }
    session.execute(insert_into(session, Resident).values(row).on_conflict_do_nothing())
    if (resident := session.scalar(known)) is None:
        raise Busy  # the winner was erased in this very moment: trying again makes a new account
    return resident


@dataclass(frozen=True, slots=True)
class SignedIn:
    resident_id: int
    session_id: int
    openid: str


def recognise(session: Session, *, token: str, safe: Vault, now: datetime) -> SignedIn:
    """Whose token it is. One statement. Raises ``NotSignedIn`` for an unknown, ended or expired one."""
    row = session.execute(
        select(ResidentSession.id, Resident.id, Resident.row_key, Resident.openid_sealed)
        .join(Resident, Resident.id == ResidentSession.resident_id)
        .where(
            ResidentSession.token_digest == token_digest(token),
            ResidentSession.ended_at.is_(None),
            ResidentSession.expires_at > now,
            Resident.status == ResidentStatus.ACTIVE,
        )
    ).one_or_none()
    if row is None or row.openid_sealed is None:
        raise NotSignedIn
    session_id, resident_id, row_key, _ = row
    openid = safe.open(row.openid_sealed, place=openid_place(row_key))
    return SignedIn(resident_id, session_id, openid)


def list_sessions(session: Session, *, resident_id: int, now: datetime) -> Sequence[ResidentSession]:
    """Live sessions, newest first."""
    return session.scalars(
        select(ResidentSession)
        .where(ResidentSession.resident_id == resident_id, ResidentSession.ended_at.is_(None))
        .where(ResidentSession.expires_at > now)
        .order_by(ResidentSession.id.desc())
    ).all()


def end_session(session: Session, *, resident_id: int, public_id: str, now: datetime) -> None:
    """End one of one's own sessions. Raises ``NotFound`` for anybody else's."""
    ended = session.scalar(
        update(ResidentSession)
        .where(ResidentSession.resident_id == resident_id, ResidentSession.public_id == public_id)
        .where(ResidentSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(ResidentSession.id)
    )
    if ended is None:
        raise NotFound


def end_session_by_id(session: Session, *, session_id: int, now: datetime) -> None:
    session.execute(update(ResidentSession).where(ResidentSession.id == session_id).values(ended_at=now))


def session_end(now: datetime, *, days: int) -> datetime:
    return now + timedelta(days=days)
