"""Refunds as their owner sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import Pledge, Refund, RefundMove
from wxbackend.core.errors import NotFound
from wxbackend.refunds.rules import OPEN


@dataclass(frozen=True, slots=True)
class RefundView:
    refund: Refund
    pledge_number: str
    moves: Sequence[RefundMove]


def own_refunds(session: Session, *, pledge_number: str, resident_id: int) -> list[RefundView]:
    """Every refund of one's own pledge, newest first. Raises ``NotFound`` for a pledge of another person."""
    mine = select(Pledge.id).where(Pledge.number == pledge_number, Pledge.resident_id == resident_id)
    pledge_id = session.scalar(mine)
    if pledge_id is None:
        raise NotFound("认种认捐单不存在")
    rows = session.scalars(select(Refund).where(Refund.pledge_id == pledge_id).order_by(Refund.id.desc())).all()
    moves = _moves(session, [refund.id for refund in rows])
    return [RefundView(refund, pledge_number, moves[refund.id]) for refund in rows]


def own_refund(session: Session, *, number: str, resident_id: int) -> RefundView:
    """One refund. Raises ``NotFound``, for another person's as well."""
    row = session.execute(_query().where(Refund.number == number, Pledge.resident_id == resident_id)).one_or_none()
    if row is None:
        raise NotFound("退款单不存在")
    refund, pledge_number = row
    return RefundView(refund, pledge_number, _moves(session, [refund.id])[refund.id])


def _moves(session: Session, ids: Sequence[int]) -> Mapping[int, Sequence[RefundMove]]:
    found: dict[int, list[RefundMove]] = {refund_id: [] for refund_id in ids}
    query = select(RefundMove).where(RefundMove.refund_id.in_(ids)).order_by(RefundMove.id)
    for move in session.scalars(query) if ids else ():
        found[move.refund_id].append(move)
    return found


def waiting(session: Session, *, limit: int) -> Sequence[tuple[Refund, str]]:
    """Refunds that have not ended, with the numbers of their pledges, oldest first."""
    rows = session.execute(_query().where(Refund.status.in_(OPEN)).order_by(Refund.id).limit(limit))
    return [(refund, number) for refund, number in rows]


def _query() -> Select[Refund, str]:
    return select(Refund, Pledge.number).join(Pledge, Pledge.id == Refund.pledge_id)
