"""A second look at what WeChat did not judge the first time: what is due, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import ContentReview, ContentSubject, Resident, ReviewStatus
from wxbackend.content.rules import FRESH, MOST_SUBMISSIONS, RECHECK_EVERY, Opinion, next_check
from wxbackend.content.service import settle, text_place
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.dates import china_date


@dataclass(frozen=True, slots=True)
class Due:
    """A review whose next look has come; ``text`` is empty for a picture. Taken by one worker alone.

    ``openid`` is empty once the person is gone.
    """

    public_id: str
    subject: ContentSubject
    key: str
    text: str
    openid: str
    check_count: int
    created_at: datetime

    def is_hopeless(self, now: datetime) -> bool:
        """WeChat will say nothing any more: somebody else has to."""
        often = self.subject is ContentSubject.AVATAR and self.check_count >= MOST_SUBMISSIONS
        return often or not self.openid or now >= self.created_at + FRESH


def due(session: Session, *, now: datetime, limit: int) -> Sequence[tuple[str, datetime]]:
    """(public id, when it was due), oldest first."""
    waiting = ContentReview.status == ReviewStatus.PENDING, ContentReview.next_check_at <= now
    query = select(ContentReview.public_id, ContentReview.next_check_at).where(*waiting)
    return session.execute(query.order_by(ContentReview.id).limit(limit)).all()  # type: ignore[return-value]


def take(session: Session, *, public_id: str, seen: datetime, safe: Vault, now: datetime) -> Due | None:
    """Put the next look off, and with it every other worker; ``None`` if another was faster, or it was decided."""
    review = session.scalar(
        update(ContentReview)
        .where(ContentReview.public_id == public_id, ContentReview.status == ReviewStatus.PENDING)
        .where(ContentReview.next_check_at == seen)
        .values(next_check_at=now + RECHECK_EVERY)
        .returning(ContentReview)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if review is None:
        return None
    person = session.get_one(Resident, review.resident_id)
    return Due(
        public_id=public_id,
        subject=review.subject,
        key=review.key,
        text=safe.open_optional(review.text_sealed, place=text_place(review.row_key)) or "",
        openid=safe.open_optional(person.openid_sealed, place=place_of("resident", "openid", person.row_key)) or "",
        check_count=review.check_count,
        created_at=review.created_at,
    )


def leave_to_staff(session: Session, *, public_id: str) -> None:
    _while_pending(session, public_id, next_check_at=None)


def heard(session: Session, *, public_id: str, created_at: datetime, opinion: Opinion, now: datetime) -> None:
    """Note what WeChat said, or that it said nothing again."""
    if opinion.status is not ReviewStatus.PENDING:
        settle(session, public_id=public_id, opinion=opinion, now=now)
        return
    later = next_check(opinion, created_at=created_at, now=now)
    label = {"label": opinion.label} if opinion.label is not None else {}
    count = ContentReview.check_count + 1
    _while_pending(session, public_id, cause=opinion.cause, next_check_at=later, check_count=count, **label)


def hand_in_again(session: Session, *, review: ContentReview, now: datetime) -> None:
    """WeChat could not judge the picture: look again at once, or leave it to staff after the last time."""
    again = now if review.check_count < MOST_SUBMISSIONS else None
    _while_pending(session, review.public_id, next_check_at=again)


def picture_of(session: Session, *, trace_id: str) -> ContentReview | None:
    """The review of the picture that was handed in under this trace."""
    asked = ContentReview.trace_id == trace_id, ContentReview.subject == ContentSubject.AVATAR
    return session.scalar(select(ContentReview).where(*asked))


def _while_pending(session: Session, public_id: str, **values: Any) -> None:
    session.execute(
        update(ContentReview)
        .where(ContentReview.public_id == public_id, ContentReview.status == ReviewStatus.PENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait in all, how many of them for a person, and since which day in China the first does."""

    total: int
    by_hand: int
    oldest_on: date


def count_waiting(session: Session) -> Mapping[str, Waiting]:
    """By subject; one statement."""
    rows = session.execute(
        select(
            ContentReview.subject,
            func.count(),
            func.count().filter(ContentReview.next_check_at.is_(None)),
            func.min(ContentReview.created_at),
        )
        .where(ContentReview.status == ReviewStatus.PENDING)
        .group_by(ContentReview.subject)
        .order_by(ContentReview.subject)
    )
    return {str(subject): Waiting(total, by_hand, china_date(oldest)) for subject, total, by_hand, oldest in rows}
