"""What an erasure destroys of refunds: the words in which somebody asked. Sums, states and dates are the books'."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Pledge, Refund


def erase_explanations(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    theirs = select(Pledge.id).where(Pledge.resident_id == resident_id)
    session.execute(
        update(Refund)
        .where(Refund.pledge_id.in_(theirs), Refund.explanation.is_not(None))
        .values(explanation=None)
        .execution_options(synchronize_session=False)
    )
