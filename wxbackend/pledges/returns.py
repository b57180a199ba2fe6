"""Places and trees that a refund gives back: as many as were refunded, no more and no fewer."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from models import BaseStatus, PlantingBase, PledgeTree, Tree, TreeAdoption, TreeLife
from wxbackend.pledges.stock import ADOPTABLE

UNPLANTED = (TreeLife.PLANNED, TreeLife.PIT_DUG)


def unsell_places(session: Session, *, base_id: int, count: int) -> None:
    """Places that were refunded are free again, and a base that was full for them is open again."""
    if count == 0:
        return
    session.execute(
        update(PlantingBase)
        .where(PlantingBase.id == base_id)
        .values(
            sold=PlantingBase.sold - count,
            status=case((PlantingBase.status == BaseStatus.FULL, BaseStatus.ONLINE), else_=PlantingBase.status),
        )
        .execution_options(synchronize_session=False)
    )


def remove_trees(session: Session, *, pledge_id: int, count: int, now: datetime) -> int:
    """Unbind ``count`` trees of a planting, those not planted yet and numbered last first; how many of them stand.

    What is not planted is struck out and its number never used again. What stands keeps standing in its place.
    """
    bound = _unbind(session, pledge_id=pledge_id, count=count, now=now)
    planned = [tree_id for tree_id, life in bound if life in UNPLANTED]
    standing = [tree_id for tree_id, life in bound if life not in UNPLANTED]
    _end_adoption(session, ids=planned, life=TreeLife.REMOVED)
    _end_adoption(session, ids=standing)
    return len(standing)


def return_trees(session: Session, *, pledge_id: int, count: int, now: datetime) -> None:
    """Unbind ``count`` adopted trees; those that live are open to others again."""
    bound = _unbind(session, pledge_id=pledge_id, count=count, now=now)
    _end_adoption(session, ids=[tree_id for tree_id, life in bound if life not in ADOPTABLE])
    _end_adoption(session, ids=[tree_id for tree_id, life in bound if life in ADOPTABLE], to=TreeAdoption.OPEN)


def _unbind(session: Session, *, pledge_id: int, count: int, now: datetime) -> list[tuple[int, TreeLife]]:
    """End ``count`` bindings. (tree id, life) of each."""
    mine = (
        select(Tree.id, Tree.life)
        .join(PledgeTree, PledgeTree.tree_id == Tree.id)
        .where(PledgeTree.pledge_id == pledge_id, PledgeTree.ended_at.is_(None))
        .order_by(case((Tree.life.in_(UNPLANTED), 0), else_=1), Tree.number.desc())
        .limit(count)
        .with_for_update(of=Tree)
    )
    chosen = [(tree_id, life) for tree_id, life in session.execute(mine)]
    ended = session.scalars(
        update(PledgeTree)
        .where(PledgeTree.pledge_id == pledge_id, PledgeTree.ended_at.is_(None))
        .where(PledgeTree.tree_id.in_([tree_id for tree_id, _ in chosen]))
        .values(ended_at=now)
        .returning(PledgeTree.tree_id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(ended) != count:
        raise RuntimeError("a pledge has fewer trees than it was refunded for")
    return chosen


def _end_adoption(
    session: Session, *, ids: Sequence[int], to: TreeAdoption = TreeAdoption.ENDED, life: TreeLife | None = None
) -> None:
    """ADOPTED → ENDED, and on to OPEN where ``to`` says so."""
    if not ids:
        return
    values = {"adoption": to} if life is None else {"adoption": to, "life": life}
    session.execute(
        update(Tree)
        .where(Tree.id.in_(ids), Tree.adoption == TreeAdoption.ADOPTED)
        .values(values)
        .execution_options(synchronize_session=False)
    )
