"""What an erasure destroys of refunds: the words of who asked and of who decided. Sums, states and dates are the
books'."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models import Pledge, Refund


def erase_explanations(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    theirs = select(Pledge.id).where(Pledge.resident_id == resident_id)
    session.execute(
        update(Refund)
        .where(Refund.pledge_id.in_(theirs), or_(Refund.explanation.is_not(None), Refund.decision_note.is_not(None)))
        .values(explanation=None, decision_note=None)
        .execution_options(synchronize_session=False)
    )
