"""What was checked, what was found, and what follows from a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import REVIEW_MOVES, Avatar, ContentReview, ContentSubject, Pledge, Resident, ReviewStatus
from wxbackend.content.rules import BY_STAFF, NAMES, UNHEARD, Checked, Opinion, Said, dedication_status, next_check
from wxbackend.core import audit, outbox
from wxbackend.core.caller import Caller
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.errors import Conflict
from wxbackend.core.sql import insert_into
from wxbackend.core.states import sources
from wxbackend.identity.erasure import delete_file_later
from wxbackend.identity.forgetting import drop_avatars

#: The certificates of a person may be issued now: a name of theirs was decided.
NAME_DECIDED = "certificate.name-decided"
#: What a new text under an old key replaces: everything that was found of the old one.
_REPLACED = (
    "public_id", "resident_id", "county_code", "row_key", "text_sealed", "status", "cause", "label", "trace_id",
    "check_count", "next_check_at", "created_at", "decided_by", "decided_at", "note",
)  # fmt: skip


class AlreadyDecided(Conflict):
    code, title = "content-decided", "该内容已处理，或已被新的内容取代"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose texts they are, and of what: ``key`` as in ``ContentReview``."""

    key: str
    resident_id: int
    county_code: str | None = None


def text_place(row_key: str) -> str:
    return place_of("content_review", "text_sealed", row_key)


def record(session: Session, *, checked: Sequence[Checked], whose: Whose, safe: Vault, now: datetime) -> None:
    """Note what was found, in the transaction that stores the texts: one statement, none without texts."""
    if not checked:
        return
    statement = _insertion(session, checked, whose, safe, now)
    newer = {name: statement.excluded[name] for name in _REPLACED}
    session.execute(statement.on_conflict_do_update(index_elements=["subject", "key"], set_=newer))


def queue_unseen(session: Session, *, said: Said, whose: Whose, safe: Vault, now: datetime) -> None:
    """A text that was stored before texts were checked: from now on it waits, unless it does so already."""
    statement = _insertion(session, [Checked(said, UNHEARD)], whose, safe, now)
    session.execute(statement.on_conflict_do_nothing(index_elements=["subject", "key"]))


def _insertion(session: Session, checked: Sequence[Checked], whose: Whose, safe: Vault, now: datetime) -> Any:
    return insert_into(session, ContentReview).values([_row(each, whose, safe, now) for each in checked])


def _row(checked: Checked, whose: Whose, safe: Vault, now: datetime) -> dict[str, Any]:
    """Only what somebody has yet to read is kept here a second time."""
    row_key, opinion = safe.new_row_key(), checked.opinion
    is_open = opinion.status is ReviewStatus.PENDING
    return {
        "public_id": safe.new_row_key(),
        "subject": checked.said.subject,
        "key": whose.key,
        "resident_id": whose.resident_id,
        "county_code": whose.county_code,
        "row_key": row_key,
        "text_sealed": safe.seal(checked.said.text, place=text_place(row_key)) if is_open else None,
        "status": opinion.status,
        "cause": opinion.cause,
        "label": opinion.label,
        "trace_id": None,
        "check_count": 1,
        "next_check_at": next_check(opinion, created_at=now, now=now),
        "created_at": now,
        "decided_by": None,
        "decided_at": None if is_open else now,
        "note": None,
    }


def lock_person(session: Session, *, public_id: str) -> None:
    """Person before everything of theirs, as an erasure locks them."""
    owner = select(ContentReview.resident_id).where(ContentReview.public_id == public_id).scalar_subquery()
    session.execute(select(Resident.id).where(Resident.id == owner).with_for_update(read=True, key_share=True))


def settle(
    session: Session,
    *,
    public_id: str,
    opinion: Opinion,
    now: datetime,
    staff_id: int | None = None,
    note: str | None = None,
) -> ContentReview | None:
    """Decide once, and do what follows; ``None`` if it was decided before, replaced, or erased.

    Only staff may take down what was approved.
    """
    lock_person(session, public_id=public_id)
    frm = sources(opinion.status, REVIEW_MOVES) if staff_id is not None else (ReviewStatus.PENDING,)
    decided = session.scalar(
        update(ContentReview)
        .where(ContentReview.public_id == public_id, ContentReview.status.in_(frm))
        .values(
            status=opinion.status,
            cause=opinion.cause,
            label=opinion.label if staff_id is None else ContentReview.label,
            text_sealed=None,
            next_check_at=None,
            decided_by=staff_id,
            decided_at=now,
            note=note,
        )
        .returning(ContentReview)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if decided is not None:
        _follow(session, review=decided, now=now)
    return decided


def _follow(session: Session, *, review: ContentReview, now: datetime) -> None:
    if review.subject is ContentSubject.DEDICATION:
        session.execute(
            update(Pledge)
            .where(Pledge.number == review.key, Pledge.dedication.is_not(None))
            .values(dedication_status=dedication_status(review.status))
            .execution_options(synchronize_session=False)
        )
    elif review.subject in NAMES:
        payload = {"resident": review.resident_id}
        outbox.enqueue(session, topic=NAME_DECIDED, key=f"{review.public_id} {review.status}", payload=payload, now=now)
    elif review.subject is ContentSubject.AVATAR:
        _decide_avatar(session, review=review, now=now)


def _decide_avatar(session: Session, *, review: ContentReview, now: datetime) -> None:
    """An approved picture takes the place of the older ones; of a rejected one only the refusal stays."""
    avatar = session.scalar(
        update(Avatar)
        .where(Avatar.token == review.key)
        .values(status=review.status)
        .returning(Avatar)
        .execution_options(synchronize_session=False)
    )
    if avatar is None:
        return
    if review.status is ReviewStatus.APPROVED:
        drop_avatars(session, resident_id=avatar.resident_id, before_id=avatar.id, now=now)
    else:
        delete_file_later(session, key=avatar.storage_key, now=now)


def decide(
    session: Session, *, public_id: str, approve: bool, note: str | None, caller: Caller, now: datetime
) -> ContentReview:
    """A staff member's word on what waits, or the taking down of what was approved. Raises ``AlreadyDecided``."""
    opinion = Opinion(ReviewStatus.APPROVED if approve else ReviewStatus.REJECTED, BY_STAFF)
    decided = settle(session, public_id=public_id, opinion=opinion, now=now, staff_id=caller.id, note=note)
    if decided is None:
        raise AlreadyDecided
    act = "content.approve" if approve else "content.reject"
    audit.record(session, caller=caller, action=act, on=trail_name(decided), now=now, subject=str(decided.subject))
    return decided


def trail_name(review: ContentReview) -> tuple[str, str]:
    """What the trail calls it: the text never, the pledge where there is one."""
    return ("pledge", review.key) if review.county_code else ("content_review", review.public_id)
