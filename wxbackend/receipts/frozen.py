"""What keeps a receipt from being given: money that WeChat's bill does not show."""

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from models import PaymentAttempt, ReceiptRequest, ReconItem, ReconQueue, ReconStatus
from wxbackend.core.errors import Conflict


class PaymentDisputed(Conflict):
    code, title = "payment-disputed", "该笔支付正在与微信对账核实，暂不能开具捐赠票据"


def refuse_disputed(session: Session, *, pledge_id: int) -> None:
    """Raises ``PaymentDisputed``, as refunds of the order are refused meanwhile."""
    _refuse(session, PaymentAttempt.pledge_id == pledge_id)


def refuse_disputed_request(session: Session, *, public_id: str) -> None:
    """The same, of the pledge that a request is about."""
    asked = select(ReceiptRequest.pledge_id).where(ReceiptRequest.public_id == public_id).scalar_subquery()
    _refuse(session, PaymentAttempt.pledge_id == asked)


def _refuse(session: Session, theirs: ColumnElement[bool]) -> None:
    named = or_(ReconItem.out_trade_no == PaymentAttempt.out_trade_no, ReconItem.key == PaymentAttempt.transaction_id)
    missing = ReconItem.queue == ReconQueue.MISSING_THERE, ReconItem.status == ReconStatus.OPEN
    if session.scalar(select(exists().where(theirs, named, *missing))):
        raise PaymentDisputed
