"""A refund has reached its payer: in one transaction everything that the money brought goes back with it."""

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from models import (
    PaymentAttempt,
    Pledge,
    PledgeKind,
    PledgeStatus,
    PointsDebt,
    Refund,
    RefundStatus,
    TransferCode,
)
from wxbackend.honours.following import follow_refund
from wxbackend.honours.tools import IssuingTools
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, merchant_account, refunding_account, resident_green
from wxbackend.pledges import returns
from wxbackend.pledges import service as pledges
from wxbackend.points import service as points
from wxbackend.refunds import holding, rules


def succeed(session: Session, *, refund: Refund, cause: str, tools: IssuingTools, at: datetime, now: datetime) -> None:
    """SUCCESS of a locked refund, ``at`` the moment WeChat names. Postings come last: others wait for their rows."""
    refund.succeeded_at, refund.next_try_at = at, None
    if refund.last_error not in rules.VIA_MERCHANT:
        refund.last_error = None
    holding.step(session, refund=refund, to=RefundStatus.SUCCESS, cause=cause, now=now)
    holding.tell(session, refund=refund, now=now)
    paid = session.get_one(PaymentAttempt, refund.attempt_id, populate_existing=True)
    if refund.from_status is not None:
        _take_back(session, refund=refund, transaction_id=paid.transaction_id or "", tools=tools, now=now)
    ledger.post(session, entries=[_payout(refund, paid.mchid)], now=now)


def _payout(refund: Refund, mchid: str) -> Entry:
    doc = holding.document(refund.number)
    return Entry(
        key=f"{doc}:money",
        debit=refunding_account(mchid),
        credit=merchant_account(mchid),
        amount=refund.amount_fen,
        code=TransferCode.REFUND,
        doc=doc,
        pledge_id=refund.pledge_id,
    )


def _take_back(session: Session, *, refund: Refund, transaction_id: str, tools: IssuingTools, now: datetime) -> None:
    """Trees and places, the certificate, the points: in the order in which others lock them."""
    pledge = _shrink(session, refund=refund, now=now)
    before_fen = pledge.refunded_fen - refund.amount_fen
    _free_stock(session, pledge=pledge, refund=refund, now=now)
    whole = pledge.status is PledgeStatus.REFUNDED
    follow_refund(session, pledge_id=pledge.id, whole=whole, tools=tools, now=now)
    _take_points(session, pledge=pledge, refund=refund, transaction_id=transaction_id, before_fen=before_fen, now=now)


def _shrink(session: Session, *, refund: Refund, now: datetime) -> Pledge:
    """What is left of the pledge; with nothing left it is REFUNDED, else it goes on from where it was."""
    refunded_fen = Pledge.refunded_fen + refund.amount_fen
    pledge = session.scalars(
        update(Pledge)
        .where(Pledge.id == refund.pledge_id, Pledge.status == PledgeStatus.REFUNDING)
        .values(refunded_fen=refunded_fen, refunded_tree_count=Pledge.refunded_tree_count + (refund.tree_count or 0))
        .returning(Pledge)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one()
    if pledge.refunded_fen < pledge.amount_fen:
        holding.thaw(session, refund=refund, cause="partly refunded", now=now)
        return pledge
    frm, to = PledgeStatus.REFUNDING, PledgeStatus.REFUNDED
    pledge.status = to
    session.flush()
    pledges.note_move(session, pledge_id=pledge.id, frm=frm, to=to, cause="refunded", now=now)
    return pledge


def _free_stock(session: Session, *, pledge: Pledge, refund: Refund, now: datetime) -> None:
    count = refund.tree_count or 0
    if pledge.kind is PledgeKind.ADOPT:
        returns.return_trees(session, pledge_id=pledge.id, count=count, now=now)
    elif pledge.kind is PledgeKind.PLANT:
        standing = 0
        if refund.from_status is not PledgeStatus.FUNDED:
            standing = returns.remove_trees(session, pledge_id=pledge.id, count=count, now=now)
        returns.unsell_places(session, base_id=pledge.base_id, count=count - standing)


def _take_points(
    session: Session, *, pledge: Pledge, refund: Refund, transaction_id: str, before_fen: int, now: datetime
) -> None:
    """Take the refunded share of both kinds of points; what was spent of the green ones becomes a debt."""
    paid, doc = f"wxpay:{transaction_id}", holding.document(refund.number)
    green, honour = f"{paid}:green", f"{paid}:honour"
    earned, left = ledger.left_of(session, key=green, account=resident_green(pledge.resident_id))
    share = rules.points_back(earned, amount_fen=pledge.amount_fen, before_fen=before_fen, refund_fen=refund.amount_fen)
    taken = min(share, left)
    if taken:
        ledger.reverse(session, key=f"{doc}:green", of=green, doc=doc, amount=taken, memo="退款", now=now)
    if share > taken:
        _owe_points(session, pledge=pledge, refund=refund, amount=share - taken, now=now)
    earned = ledger.amount_of(session, key=honour)
    share = rules.points_back(earned, amount_fen=pledge.amount_fen, before_fen=before_fen, refund_fen=refund.amount_fen)
    if share:
        ledger.reverse(session, key=f"{doc}:honour", of=honour, doc=doc, amount=share, memo="退款", now=now)


def _owe_points(session: Session, *, pledge: Pledge, refund: Refund, amount: int, now: datetime) -> None:
    """Spent before its refund: other points the person has pay at once, those earned later pay the rest."""
    row = {
        "resident_id": pledge.resident_id,
        "pledge_id": pledge.id,
        "refund_id": refund.id,
        "amount": amount,
        "remaining": amount,
        "created_at": now,
    }
    session.execute(insert(PointsDebt).values(row))
    points.settle_debts(session, resident_id=pledge.resident_id, now=now)
