"""Reviews that tests need: as found by WeChat, in one line."""

from sqlalchemy.orm import Session

from models import ContentReview, ContentSubject, Resident, ReviewStatus
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
