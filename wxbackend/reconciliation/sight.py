"""Who sees what of a merchant's day. Counties may share a merchant number: not everything of it is each one's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from models import Payee, PaymentAttempt, Pledge, ReconItem
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class Sight:
    """``whole``: every payee of the merchant is within the caller's regions; ``some``: at least one."""

    some: bool
    whole: bool


def sight_of(session: Session, *, mchid: str, prefixes: Sequence[str]) -> Sight:
    within = func.coalesce(func.sum(case((under(Payee.county_code, prefixes), 1), else_=0)), 0)
    seen, count = session.execute(select(within, func.count()).where(Payee.mchid == mchid)).one()
    return Sight(some=seen > 0, whole=0 < seen == count)


def items_in_sight(prefixes: Sequence[str]) -> ColumnElement[bool]:
    """An item that names an order of ours is its county's alone; any other one, every county's of the merchant."""
    attempt, pledge = aliased(PaymentAttempt), aliased(Pledge)
    named = or_(attempt.out_trade_no == ReconItem.out_trade_no, attempt.transaction_id == ReconItem.key)
    ours = select(attempt.id).where(named).correlate(ReconItem)
    theirs = ours.join(pledge, pledge.id == attempt.pledge_id).where(and_(named, under(pledge.county_code, prefixes)))
    return or_(~ours.exists(), theirs.exists())
