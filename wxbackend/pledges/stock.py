"""Places and trees that pledges take: every move is one guarded statement, so the last one is never sold twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, select, update
from sqlalchemy.orm import Session

from models import (
    BaseStatus,
    Campaign,
    CampaignStatus,
    PlantingBase,
    Pledge,
    PledgeKind,
    PledgeStatus,
    PledgeTree,
    Species,
    Tree,
    TreeAdoption,
    TreeLife,
)
from wxbackend.pledges.rules import MAX_UNPAID_PLEDGES, MAX_UNPAID_TREES

ADOPTABLE = (TreeLife.PLANTED, TreeLife.ACCEPTED, TreeLife.ALIVE, TreeLife.WEAK)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a base offered at the moment of pledging."""

    base_id: int
    campaign_id: int
    county_code: str
    price_fen: int
    adopt_price_fen: int | None
    procured_at: datetime | None


_OFFER = (
    PlantingBase.id,
    PlantingBase.campaign_id,
    PlantingBase.county_code,
    PlantingBase.price_fen,
    PlantingBase.adopt_price_fen,
    PlantingBase.procured_at,
)


def takes_money(on: date) -> ColumnElement[bool]:
    """The campaign of the base is online and runs on ``on``, a date in China."""
    return exists().where(
        Campaign.id == PlantingBase.campaign_id,
        Campaign.status == CampaignStatus.ONLINE,
        Campaign.starts_on <= on,
        Campaign.ends_on >= on,
    )


def holds_little(*, resident_id: int, n: int) -> ColumnElement[bool]:
    """With ``n`` trees more, a person still holds no more unpaid pledges and trees than anybody may.

    It is part of the statement that takes the places. A burst of one person's requests at the same instant may pass
    the limit by the size of the burst, never by more.
    """
    pending = (Pledge.resident_id == resident_id) & (Pledge.status == PledgeStatus.PENDING)
    pledges = select(func.count(Pledge.id)).where(pending).scalar_subquery()
    trees = select(func.coalesce(func.sum(Pledge.tree_count), 0)).where(pending).scalar_subquery()
    return and_(pledges < MAX_UNPAID_PLEDGES, trees + n <= MAX_UNPAID_TREES)


def hold_places(
    session: Session, *, base_public_id: str, n: int, on: date, only_if: ColumnElement[bool]
) -> Offer | None:
    """Hold ``n`` places of an online base; ``None`` if it is not open or has fewer left."""
    row = session.execute(
        update(PlantingBase)
        .where(PlantingBase.public_id == base_public_id, PlantingBase.status == BaseStatus.ONLINE, takes_money(on))
        .where(PlantingBase.held + PlantingBase.sold + n <= PlantingBase.capacity, only_if)
        .values(held=PlantingBase.held + n)
        .returning(*_OFFER)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Offer(*row) if row else None


def open_offer(session: Session, *, base_public_id: str, on: date, only_if: ColumnElement[bool]) -> Offer | None:
    """A base that takes donations or adoptions: online or full, in a campaign that runs."""
    row = session.execute(
        select(*_OFFER)
        .where(PlantingBase.public_id == base_public_id, takes_money(on))
        .where(PlantingBase.status.in_((BaseStatus.ONLINE, BaseStatus.FULL)), only_if)
    ).one_or_none()
    return Offer(*row) if row else None


@dataclass(frozen=True, slots=True)
class HeldTree:
    id: int
    number: str
    token: str
    species: str
    life: str


def hold_trees(session: Session, *, base_id: int, n: int, tokens: Sequence[str]) -> list[HeldTree]:
    """Hold open trees: those with ``tokens``, or the first ``n`` that nobody else is taking. May hold fewer."""
    free = (
        select(Tree.id)
        .where(Tree.base_id == base_id, Tree.adoption == TreeAdoption.OPEN, Tree.life.in_(ADOPTABLE))
        .order_by(Tree.id)
        .limit(n)
        .with_for_update(skip_locked=True)
    )
    chosen = (free.where(Tree.token.in_(tokens)) if tokens else free).cte("chosen")  # a plain subquery may run twice
    species = select(Species.name).where(Species.id == Tree.species_id).scalar_subquery()
    held = session.execute(
        update(Tree)
        .where(Tree.id.in_(select(chosen.c.id)), Tree.adoption == TreeAdoption.OPEN)
        .values(adoption=TreeAdoption.HELD)
        .returning(Tree.id, Tree.number, Tree.token, species, Tree.life)
        .execution_options(synchronize_session=False)
    )
    return [HeldTree(*row) for row in held]


def bind_trees(session: Session, *, pledge_id: int, tree_ids: Sequence[int]) -> None:
    session.execute(insert(PledgeTree), [{"pledge_id": pledge_id, "tree_id": tree_id} for tree_id in tree_ids])


def release(session: Session, *, pledge: Pledge, now: datetime) -> None:
    """Give back what an unpaid pledge held."""
    if pledge.kind is PledgeKind.PLANT:
        session.execute(
            update(PlantingBase)
            .where(PlantingBase.id == pledge.base_id)
            .values(held=PlantingBase.held - pledge.tree_count)
            .execution_options(synchronize_session=False)
        )
    elif pledge.kind is PledgeKind.ADOPT:
        _move_trees(session, pledge_id=pledge.id, frm=TreeAdoption.HELD, to=TreeAdoption.OPEN)
        session.execute(
            update(PledgeTree)
            .where(PledgeTree.pledge_id == pledge.id, PledgeTree.ended_at.is_(None))
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )


def sell_held(session: Session, *, pledge: Pledge) -> None:
    """Turn what a paid pledge held into what it owns; a base whose last place is sold is FULL."""
    if pledge.kind is PledgeKind.PLANT:
        _sell_places(session, pledge=pledge, from_held=pledge.tree_count or 0)
    elif pledge.kind is PledgeKind.ADOPT:
        _move_trees(session, pledge_id=pledge.id, frm=TreeAdoption.HELD, to=TreeAdoption.ADOPTED)


def sell_again(session: Session, *, pledge: Pledge) -> bool:
    """Take again what a pledge gave back before its money came. False, and nothing taken, if it is gone."""
    if pledge.kind is PledgeKind.PLANT:
        return _sell_places(session, pledge=pledge, from_held=0)
    if pledge.kind is PledgeKind.ADOPT:
        return _adopt_again(session, pledge=pledge)
    return True


def _sell_places(session: Session, *, pledge: Pledge, from_held: int) -> bool:
    n = pledge.tree_count or 0
    sold_out = and_(PlantingBase.status == BaseStatus.ONLINE, PlantingBase.sold + n == PlantingBase.capacity)
    sold = session.scalar(
        update(PlantingBase)
        .where(PlantingBase.id == pledge.base_id)
        .where(PlantingBase.held - from_held + PlantingBase.sold + n <= PlantingBase.capacity)
        .values(
            held=PlantingBase.held - from_held,
            sold=PlantingBase.sold + n,
            status=case((sold_out, BaseStatus.FULL), else_=PlantingBase.status),
        )
        .returning(PlantingBase.id)
        .execution_options(synchronize_session=False)
    )
    return sold is not None


def _adopt_again(session: Session, *, pledge: Pledge) -> bool:
    """The very trees that were chosen, all of them or none."""
    mine = select(PledgeTree.tree_id).where(PledgeTree.pledge_id == pledge.id)
    held = mine.join(Tree, Tree.id == PledgeTree.tree_id).where(
        Tree.adoption == TreeAdoption.OPEN, Tree.life.in_(ADOPTABLE)
    )
    ids = session.scalars(held.order_by(Tree.id).with_for_update(of=Tree)).all()
    if len(ids) != pledge.tree_count:
        return False
    taken = session.scalars(
        update(Tree)
        .where(Tree.id.in_(ids), Tree.adoption == TreeAdoption.OPEN)
        .values(adoption=TreeAdoption.ADOPTED)
        .returning(Tree.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        update(PledgeTree)
        .where(PledgeTree.pledge_id == pledge.id, PledgeTree.tree_id.in_(taken))
        .values(ended_at=None)
        .execution_options(synchronize_session=False)
    )
    return True


def _move_trees(session: Session, *, pledge_id: int, frm: TreeAdoption, to: TreeAdoption) -> None:
    mine = select(PledgeTree.tree_id).where(PledgeTree.pledge_id == pledge_id, PledgeTree.ended_at.is_(None))
    session.execute(
        update(Tree)
        .where(Tree.id.in_(mine.scalar_subquery()), Tree.adoption == frm)
        .values(adoption=to)
        .execution_options(synchronize_session=False)
    )


def why_not(session: Session, *, base_public_id: str) -> tuple[bool, int]:
    """For the message of a refusal: whether the base is visible at all, and how many places are left."""
    row = session.execute(
        select(PlantingBase.status, PlantingBase.capacity - PlantingBase.held - PlantingBase.sold).where(
            PlantingBase.public_id == base_public_id
        )
    ).one_or_none()
    hidden = (BaseStatus.DRAFT, BaseStatus.REVIEW)
    return (False, 0) if row is None or row[0] in hidden else (True, row[1])
