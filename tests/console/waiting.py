"""Things that wait for somebody of a county, about one of its pledges."""

from datetime import date

from sqlalchemy import delete, select

from models import ContentReview, ContentSubject, PaymentAttempt, Pledge, ReconItem, ReconQueue, ReviewStatus
from tests.fakes import ARBOR_DAY_NOON
from wxbackend.core.db import transaction

REVIEW = "review-waiting"


def leave_waiting(number: str) -> tuple[str, int]:
    """A dedication to be reviewed and a payment that no bill shows: (public id of the review, row of the item)."""
    with transaction() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == number)).one()
        attempt = session.scalars(select(PaymentAttempt).where(PaymentAttempt.pledge_id == pledge.id)).one()
        session.execute(delete(ContentReview).where(ContentReview.key == number))
        session.add(
            ContentReview(
                public_id=REVIEW,
                subject=ContentSubject.DEDICATION,
                key=number,
                resident_id=pledge.resident_id,
                county_code=pledge.county_code,
                row_key=REVIEW,
                status=ReviewStatus.PENDING,
                cause="review",
                created_at=ARBOR_DAY_NOON,
            )
        )
        item = ReconItem(
            mchid=attempt.mchid,
            bill_on=date(2026, 3, 12),
            subject="payment",
            key=attempt.transaction_id,
            queue=ReconQueue.MISSING_THERE,
            out_trade_no=attempt.out_trade_no,
            our_fen=attempt.amount_fen,
            found_at=ARBOR_DAY_NOON,
        )
        session.add(item)
        session.flush()
        return REVIEW, item.id
