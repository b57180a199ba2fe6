"""Pictures of persons (头像): kept, handed to WeChat, and shown once they were found harmless."""

import hmac
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from models import Avatar, ContentReview, ContentSubject, ReviewStatus
from wxbackend.content.rules import CHECK_ADDRESS_LIFE, NO_RESULT, RECHECK_EVERY, RESULT_WAIT, UNAVAILABLE
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import NotFound
from wxbackend.identity.erasure import delete_file_later
from wxbackend.identity.forgetting import drop_avatars
from wxbackend.identity.profile import lock_active

TOKEN_BYTES = 20


class NoPicture(NotFound):
    code, title = "no-picture", "图片不存在"


def new_token(luck: bytes) -> str:
    """160 bits: nobody guesses the address of a picture. It is also the name of its file."""
    return b32encode(luck).decode().lower()


def storage_key(token: str) -> str:
    return f"avatars/{token}.jpg"


def add(session: Session, *, resident_id: int, token: str, safe: Vault, now: datetime) -> None:
    """A new picture, not yet judged; others that were never approved go. Raises ``NotSignedIn`` after an erasure."""
    lock_active(session, resident_id=resident_id)
    drop_avatars(session, resident_id=resident_id, now=now, keep=ReviewStatus.APPROVED)
    picture = {"resident_id": resident_id, "token": token, "storage_key": storage_key(token), "created_at": now}
    session.execute(insert(Avatar).values(status=ReviewStatus.PENDING, **picture))
    session.execute(
        insert(ContentReview).values(
            public_id=safe.new_row_key(),
            subject=ContentSubject.AVATAR,
            key=token,
            resident_id=resident_id,
            row_key=safe.new_row_key(),
            status=ReviewStatus.PENDING,
            cause=UNAVAILABLE,
            check_count=0,
            next_check_at=now + RECHECK_EVERY,
            created_at=now,
        )
    )


def take_back(session: Session, *, token: str, now: datetime) -> None:
    """Of a picture whose file could not be kept: the row, its review, and whatever stands under its key."""
    session.execute(delete(Avatar).where(Avatar.token == token))
    review = ContentReview.subject == ContentSubject.AVATAR, ContentReview.key == token
    session.execute(delete(ContentReview).where(*review))
    delete_file_later(session, key=storage_key(token), now=now)


def is_known(session: Session, *, token: str) -> bool:
    return session.scalar(select(Avatar.id).where(Avatar.token == token)) is not None


def note_submission(session: Session, *, token: str, trace_id: str, now: datetime) -> None:
    """WeChat has the picture; its verdict will name ``trace_id``."""
    session.execute(
        update(ContentReview)
        .where(ContentReview.subject == ContentSubject.AVATAR, ContentReview.key == token)
        .where(ContentReview.status == ReviewStatus.PENDING)
        .values(
            trace_id=trace_id,
            cause=NO_RESULT,
            check_count=ContentReview.check_count + 1,
            next_check_at=now + RESULT_WAIT,
        )
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class CheckAddress:
    """What lets WeChat fetch a picture before anybody else may: good until then, and for this picture."""

    until: int
    seal: str


def check_address(token: str, *, safe: Vault, now: datetime) -> CheckAddress:
    until = int((now + CHECK_ADDRESS_LIFE).timestamp())
    return CheckAddress(until, _seal(token, until, safe))


def _seal(token: str, until: int, safe: Vault) -> str:
    return safe.index.of(f"{token}:{until}", purpose="picture check")


def check_url(token: str, *, base_url: str, safe: Vault, now: datetime) -> str:
    address = check_address(token, safe=safe, now=now)
    return f"{base_url.rstrip('/')}/media/{token}?until={address.until}&seal={address.seal}"


def shown_key(session: Session, *, token: str, given: CheckAddress | None, safe: Vault, now: datetime) -> str:
    """The file of an approved picture, or of one that WeChat is asked about. Raises ``NoPicture``."""
    avatar = session.scalar(select(Avatar).where(Avatar.token == token))
    if avatar is None or not (avatar.status is ReviewStatus.APPROVED or _may_check(avatar, given, safe, now)):
        raise NoPicture
    return avatar.storage_key


def _may_check(avatar: Avatar, given: CheckAddress | None, safe: Vault, now: datetime) -> bool:
    if given is None or avatar.status is not ReviewStatus.PENDING or given.until < now.timestamp():
        return False
    return hmac.compare_digest(_seal(avatar.token, given.until, safe).encode(), given.seal.encode())
