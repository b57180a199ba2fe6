"""What every refund keeps hold of while it is open: the payment's share, the pledge, and the money set aside."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models import (
    PLEDGE_MOVES,
    REFUND_MOVES,
    PaymentAttempt,
    Pledge,
    PledgeStatus,
    Refund,
    RefundMove,
    RefundStatus,
    Resident,
    TransferCode,
)
from wxbackend.core import outbox
from wxbackend.core.errors import NotFound
from wxbackend.core.news import TELL
from wxbackend.core.states import move, sources
from wxbackend.fulfilment.service import FULFIL
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, refunding_account
from wxbackend.pledges import service as pledges
from wxbackend.refunds.errors import RefundOpen

SUBMIT = "refund.submit"


def locked(session: Session, *, number: str) -> Refund:
    """The refund, its row locked until the end, after its owner's. Raises ``NotFound``."""
    owner = select(Pledge.resident_id).join(Refund, Refund.pledge_id == Pledge.id).where(Refund.number == number)
    person = select(Resident.id).where(Resident.id == owner.scalar_subquery())
    session.execute(person.with_for_update(read=True, key_share=True))
    query = select(Refund).where(Refund.number == number).with_for_update()
    refund = session.scalar(query.execution_options(populate_existing=True))
    if refund is None:
        raise NotFound("退款单不存在")
    return refund


def step(session: Session, *, refund: Refund, to: RefundStatus, cause: str, now: datetime) -> None:
    """Move a locked refund on, and keep the move. Raises ``IllegalMove``."""
    was = refund.status
    move(refund, to, REFUND_MOVES)
    session.flush()
    note(session, refund=refund, frm=was, cause=cause, now=now)


def open_row(session: Session, *, refund: Refund, cause: str, now: datetime) -> None:
    """Write a new refund and the first line of its history."""
    session.add(refund)
    session.flush()
    note(session, refund=refund, frm=None, cause=cause, now=now)


def send(session: Session, *, refund: Refund, now: datetime) -> None:
    """The intention to ask WeChat, and the money set aside, in this transaction; the call comes after it."""
    refund.next_try_at = now
    session.flush()
    outbox.enqueue(session, topic=SUBMIT, key=refund.number, payload={"refund": refund.number}, now=now)
    set_aside(session, refund=refund, now=now)


def note(session: Session, *, refund: Refund, frm: RefundStatus | None, cause: str, now: datetime) -> None:
    row = {"refund_id": refund.id, "from_status": frm, "to_status": refund.status, "cause": cause, "at": now}
    session.execute(insert(RefundMove).values(row))


def reserve(session: Session, *, attempt_id: int, amount_fen: int) -> None:
    """Take a share of what was paid: the sum of all refunds never exceeds it. Raises ``RefundOpen``."""
    taken = session.scalar(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == attempt_id)
        .where(PaymentAttempt.refund_fen + amount_fen <= PaymentAttempt.amount_fen)
        .values(refund_fen=PaymentAttempt.refund_fen + amount_fen)
        .returning(PaymentAttempt.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise RefundOpen


def freeze(session: Session, *, pledge_id: int, frm: PledgeStatus, now: datetime) -> None:
    """``frm`` → REFUNDING: nothing else happens to the pledge until the refund has ended. Raises ``RefundOpen``."""
    to = PledgeStatus.REFUNDING
    if frm not in sources(to, PLEDGE_MOVES) or not _move_pledge(session, pledge_id=pledge_id, frm=frm, to=to):
        raise RefundOpen
    pledges.note_move(session, pledge_id=pledge_id, frm=frm, to=to, cause="refund asked", now=now)


def _move_pledge(session: Session, *, pledge_id: int, frm: PledgeStatus, to: PledgeStatus) -> bool:
    moved = session.scalar(
        update(Pledge)
        .where(Pledge.id == pledge_id, Pledge.status == frm)
        .values(status=to)
        .returning(Pledge.id)
        .execution_options(synchronize_session=False)
    )
    return moved is not None


def set_aside(session: Session, *, refund: Refund, now: datetime) -> None:
    """Book the amount out of the payment's own lot, or out of suspense, to the refunding account.

    Raises ``Insufficient`` when the payment's money was spent.
    """
    mchid, transaction_id = session.execute(
        select(PaymentAttempt.mchid, PaymentAttempt.transaction_id).where(PaymentAttempt.id == refund.attempt_id)
    ).one()
    paid = f"wxpay:{transaction_id}:money"
    entry = Entry(
        key=hold_key(refund.number),
        debit=ledger.credited(session, key=paid),
        credit=refunding_account(mchid),
        amount=refund.amount_fen,
        code=TransferCode.REFUND_HOLD,
        doc=document(refund.number),
        pledge_id=refund.pledge_id,
        takes_from=paid if refund.due_id is None else None,
    )
    ledger.post(session, entries=[entry], now=now)


def hold_key(number: str) -> str:
    return f"refund:{number}:hold"


def document(number: str) -> str:
    return f"refund:{number}"


def put_back(session: Session, *, refund: Refund, cause: str, was_held: bool, now: datetime) -> None:
    """Nothing is refunded: the share is free again, the pledge goes on as before, the money lies where it lay."""
    session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == refund.attempt_id)
        .values(refund_fen=PaymentAttempt.refund_fen - refund.amount_fen)
        .execution_options(synchronize_session=False)
    )
    thaw(session, refund=refund, cause=cause, now=now)
    if was_held:
        doc = document(refund.number)
        ledger.reverse(session, key=f"{doc}:undo", of=hold_key(refund.number), doc=doc, memo="退款未成", now=now)


def thaw(session: Session, *, refund: Refund, cause: str, now: datetime) -> None:
    """REFUNDING → where the pledge was. What waits for its trees is put into the worker's hands again."""
    if refund.from_status is None:
        return
    if not _move_pledge(session, pledge_id=refund.pledge_id, frm=PledgeStatus.REFUNDING, to=refund.from_status):
        raise RuntimeError("a pledge moved while its refund was open")
    pledges.note_move(
        session,
        pledge_id=refund.pledge_id,
        frm=PledgeStatus.REFUNDING,
        to=refund.from_status,
        cause=cause,
        now=now,
    )
    if refund.from_status is PledgeStatus.FUNDED:
        number = session.scalars(select(Pledge.number).where(Pledge.id == refund.pledge_id)).one()
        key = f"{number}:{refund.number}"  # its first message may be done, having found it frozen
        outbox.enqueue(session, topic=FULFIL, key=key, payload={"pledge": number}, now=now)


def tell(session: Session, *, refund: Refund, now: datetime) -> None:
    """The person is told of each end, and of a refund that WeChat could not pay out."""
    payload = {"kind": "refund", "document": refund.number}
    outbox.enqueue(session, topic=TELL, key=f"refund:{refund.number}:{refund.status}", payload=payload, now=now)
