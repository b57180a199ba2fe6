"""What residents wrote or showed and somebody has to look at, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from models import Avatar, ContentReview, ContentSubject, Pledge, ReviewStatus, Staff
from wxbackend.console.reads.pages import PAGE_SIZE, Sheet
from wxbackend.content.rules import PERSONAL
from wxbackend.core.errors import NotFound
from wxbackend.core.schema import encode_cursor
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class ContentFilter:
    status: ReviewStatus
    subject: ContentSubject | None = None


def list_content(session: Session, *, want: ContentFilter, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """Reviews in this state; one statement. Texts stay sealed."""
    query = select(ContentReview).where(in_sight(prefixes), ContentReview.status == want.status)
    if want.subject:
        query = query.where(ContentReview.subject == want.subject)
    if after is not None:
        query = query.where(ContentReview.id > after)
    rows = session.scalars(query.order_by(ContentReview.id).limit(PAGE_SIZE + 1)).all()
    if len(rows) <= PAGE_SIZE:
        return Sheet(rows, None)
    return Sheet(rows[:PAGE_SIZE], encode_cursor(rows[PAGE_SIZE - 1].id))


def in_sight(prefixes: Sequence[str]) -> ColumnElement[bool]:
    """What belongs to a county is its own reviewers'; what belongs to a person alone, every reviewer's.

    The names of somebody who has pledges are for the counties of these.
    """
    given = select(Pledge.id).where(Pledge.resident_id == ContentReview.resident_id).correlate(ContentReview)
    is_ours = or_(
        ContentReview.subject.not_in(PERSONAL),
        ~given.exists(),
        given.where(under(Pledge.county_code, prefixes)).exists(),
    )
    of_a_person = and_(ContentReview.county_code.is_(None), is_ours) if prefixes else false()
    return or_(of_a_person, under(ContentReview.county_code, prefixes))  # type: ignore[arg-type]


def count_open(prefixes: Sequence[str]) -> Select[int]:
    """How much waits for these counties' reviewers."""
    waiting = ContentReview.status == ReviewStatus.PENDING
    return select(func.count()).select_from(ContentReview).where(waiting, in_sight(prefixes))


@dataclass(frozen=True, slots=True)
class ContentView:
    """``dedication`` stands with the pledge and is shown again; other texts are kept only until they are decided."""

    review: ContentReview
    dedication: str | None
    picture_key: str | None
    decided_by: str | None


def read_content(session: Session, *, public_id: str, prefixes: Sequence[str]) -> ContentView:
    """Raises ``NotFound`` outside ``prefixes``, and for a text that was replaced or erased."""
    of_pledge = (ContentReview.subject == ContentSubject.DEDICATION) & (Pledge.number == ContentReview.key)
    of_avatar = (ContentReview.subject == ContentSubject.AVATAR) & (Avatar.token == ContentReview.key)
    row = session.execute(
        select(ContentReview, Pledge.dedication, Avatar.storage_key, Staff.display_name)
        .outerjoin(Pledge, of_pledge)
        .outerjoin(Avatar, of_avatar)
        .outerjoin(Staff, Staff.id == ContentReview.decided_by)
        .where(ContentReview.public_id == public_id, in_sight(prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound("没有这项内容，或已被取代、清除，或不在管辖范围内")
    return ContentView(*row)


def reviews_of(session: Session, *, number: str) -> Sequence[ContentReview]:
    """What was found of the texts of a pledge."""
    query = select(ContentReview).where(ContentReview.key == number, ContentReview.county_code.is_not(None))
    return session.scalars(query.order_by(ContentReview.id)).all()
