"""Notifications about refunds that are not ours: kept until their order was asked about."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import NoticeState, PaymentNotice


def waiting_refunds(session: Session, *, since: datetime, limit: int) -> Sequence[str]:
    """Orders that a notification about an unknown refund named, the oldest first."""
    return session.scalars(
        select(PaymentNotice.out_trade_no)
        .where(PaymentNotice.state == NoticeState.WAITING, PaymentNotice.received_at >= since)
        .group_by(PaymentNotice.out_trade_no)
        .order_by(func.min(PaymentNotice.received_at))
        .limit(limit)
    ).all()


def note_taken_up(session: Session, *, out_trade_no: str, before: datetime) -> None:
    """WeChat was asked about the order: what was told of it until then says nothing more."""
    session.execute(
        update(PaymentNotice)
        .where(PaymentNotice.out_trade_no == out_trade_no, PaymentNotice.state == NoticeState.WAITING)
        .where(PaymentNotice.received_at <= before)
        .values(state=NoticeState.REPEATED)
        .execution_options(synchronize_session=False)
    )
