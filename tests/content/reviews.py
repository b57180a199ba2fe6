"""Reviews that tests need: as found by WeChat, in one line."""

from sqlalchemy.orm import Session

from models import ContentReview, ContentSubject, Pledge, Resident, ReviewStatus
from tests.fakes import ARBOR_DAY_NOON


def approve_profile_name(session: Session, person: Resident) -> None:
    """As if the person had given their name over HTTP, and WeChat had found nothing."""
    session.add(
        ContentReview(
            public_id=f"review-{person.row_key}",
            subject=ContentSubject.PROFILE_NAME,
            key=person.row_key,
            resident_id=person.id,
            row_key=f"review-row-{person.row_key}",
            status=ReviewStatus.APPROVED,
            cause="pass",
            created_at=ARBOR_DAY_NOON,
            decided_at=ARBOR_DAY_NOON,
        )
    )


def holder_review(pledge: Pledge, status: ReviewStatus) -> ContentReview:
    """What was found of the name with a pledge."""
    waits = status is ReviewStatus.PENDING
    return ContentReview(
        public_id=f"review-{pledge.row_key}",
        subject=ContentSubject.HOLDER_NAME,
        key=pledge.number,
        resident_id=pledge.resident_id,
        county_code=pledge.county_code,
        row_key=f"review-row-{pledge.row_key}",
        status=status,
        cause="review" if waits else "pass",
        created_at=ARBOR_DAY_NOON,
        decided_at=None if waits else ARBOR_DAY_NOON,
    )
