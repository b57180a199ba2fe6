"""Single things that a person takes back, while their account stays; an erasure takes back all of them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models import Avatar, ContentReview, ContentSubject, Resident, ReviewStatus
from wxbackend.identity.erasure import delete_file_later


def drop_avatars(
    session: Session,
    *,
    resident_id: int,
    now: datetime,
    before_id: int | None = None,
    keep: ReviewStatus | None = None,
) -> None:
    """Every picture of the person: rows, what was found of them, and files.

    Only those older than ``before_id``; not those that are ``keep``.
    """
    gone = delete(Avatar).where(Avatar.resident_id == resident_id)
    if before_id is not None:
        gone = gone.where(Avatar.id < before_id)
    if keep is not None:
        gone = gone.where(Avatar.status != keep)
    dropped = session.execute(gone.returning(Avatar.token, Avatar.storage_key)).all()
    if dropped:
        pictures = (
            ContentReview.subject == ContentSubject.AVATAR,
            ContentReview.key.in_([token for token, _ in dropped]),
        )
        session.execute(delete(ContentReview).where(*pictures))
    for _, key in dropped:
        delete_file_later(session, key=key, now=now)


def drop_nickname(session: Session, *, resident_id: int) -> None:
    session.execute(update(Resident).where(Resident.id == resident_id).values(nickname_sealed=None))
    drop_reviews(session, resident_id=resident_id, subjects={ContentSubject.NICKNAME})


def drop_phone(session: Session, *, resident_id: int) -> None:
    session.execute(update(Resident).where(Resident.id == resident_id).values(phone_sealed=None, phone_index=None))


def drop_reviews(session: Session, *, resident_id: int, subjects: Collection[ContentSubject]) -> None:
    theirs = ContentReview.resident_id == resident_id, ContentReview.subject.in_(subjects)
    session.execute(delete(ContentReview).where(*theirs))


def erase_content(session: Session, *, resident_id: int, now: datetime) -> None:
    """Pictures, and every text that was kept for being judged."""
    drop_avatars(session, resident_id=resident_id, now=now)
    session.execute(delete(ContentReview).where(ContentReview.resident_id == resident_id))
