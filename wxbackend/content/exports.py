"""The sections of a person's copy that tell what was found of their words and pictures."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Avatar, ContentReview
from wxbackend.identity.exports import Section, Subject, facts

REVIEW_HIDDEN = {
    "id", "public_id", "key", "resident_id", "row_key", "trace_id", "check_count", "next_check_at", "decided_by",
    "note",
}  # fmt: skip
AVATAR_HIDDEN = {"id", "resident_id", "storage_key"}


def reviews(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(ContentReview).where(ContentReview.resident_id == whose.resident_id).order_by(ContentReview.id)
    return [facts(row, safe=whose.safe, hide=REVIEW_HIDDEN) for row in session.scalars(query)]


def avatars(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """``token`` names the picture's address, ``/media/{token}``."""
    query = select(Avatar).where(Avatar.resident_id == whose.resident_id).order_by(Avatar.id)
    return [facts(row, safe=whose.safe, hide=AVATAR_HIDDEN) for row in session.scalars(query)]


SECTIONS = (Section("content_reviews", reviews), Section("avatars", avatars))
