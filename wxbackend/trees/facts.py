"""What may be known of a tree: by everybody, by who pledged it, and on its plate. One statement each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from models import (
    DedicationStatus,
    Display,
    PlantingBase,
    Pledge,
    PledgeKind,
    PledgeTree,
    Resident,
    ResidentStatus,
    ReviewStatus,
    Species,
    Tree,
    TreeAdoption,
)
from wxbackend.bases.rules import HIDDEN
from wxbackend.content.names import name_of, with_names
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import NotFound
from wxbackend.honours.rules import ERASED, KIND_PERSON, mask
from wxbackend.regions.service import full_name, join_path
from wxbackend.trees.rules import GONE, NOT_PLANTED


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """Everything public about a tree. What its giver gave along is ``None`` unless they chose to be shown.

    ``adopter`` is masked.
    """

    tree: Tree
    species: Species
    base: PlantingBase
    village_name: str
    kind: PledgeKind | None
    adopter: str | None
    dedication: str | None
    occasion: str | None

    @property
    def planted_on(self) -> date | None:
        return None if self.tree.life in NOT_PLANTED else self.tree.planted_on


@dataclass(frozen=True, slots=True)
class OwnTree:
    """A tree of one resident, with the pledge that made it theirs."""

    tree: Tree
    species: Species
    base: PlantingBase
    village_name: str
    pledge: Pledge
    ended_at: datetime | None


def find_tree(session: Session, *, token: str, safe: Vault) -> TreeFacts:
    """The public facts of a tree by its canonical token. Raises ``NotFound``; trees of hidden bases are hidden."""
    row = session.execute(
        _with_giver(Tree.token == token).where(PlantingBase.status.not_in(HIDDEN)).limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound("树码无效或不存在")
    tree, species, base, village_name, pledge, resident, *statuses = row
    if pledge is None or not _is_given(tree, pledge):
        return TreeFacts(tree, species, base, village_name, None, None, None, None)
    is_shown = _is_shown(pledge, resident)
    return TreeFacts(
        tree=tree,
        species=species,
        base=base,
        village_name=village_name,
        kind=pledge.kind,
        adopter=_adopter_masked(pledge, resident, statuses=statuses, safe=safe),
        dedication=pledge.dedication if is_shown and pledge.dedication_status is DedicationStatus.APPROVED else None,
        occasion=pledge.occasion if is_shown else None,
    )


def tree_exists(session: Session, *, token: str) -> bool:
    """Whether a code may be drawn: the tree is there, and its base is not hidden."""
    query = (
        select(Tree.id)
        .join(PlantingBase, PlantingBase.id == Tree.base_id)
        .where(Tree.token == token, PlantingBase.status.not_in(HIDDEN))
    )
    return session.scalar(query) is not None


def own_trees(session: Session, *, resident_id: int, after: tuple[int, int] | None, limit: int) -> Sequence[OwnTree]:
    """Trees of a resident's paid pledges: the newest pledge first, its trees by number. ``after``: (pledge, tree)."""
    beyond = true() if after is None else _beyond(*after)
    query = (
        select(Tree, Species, PlantingBase, full_name(), Pledge, PledgeTree.ended_at)
        .join(PledgeTree, PledgeTree.tree_id == Tree.id)
        .join(Pledge, Pledge.id == PledgeTree.pledge_id)
        .join(Species, Species.id == Tree.species_id)
        .join(PlantingBase, PlantingBase.id == Tree.base_id)
        .where(Pledge.resident_id == resident_id, Pledge.paid_at.is_not(None), beyond)
        .order_by(Pledge.id.desc(), Tree.id)
        .limit(limit)
    )
    return [OwnTree(*row) for row in session.execute(join_path(query, PlantingBase.village_code))]


def _beyond(pledge_id: int, tree_id: int) -> ColumnElement[bool]:
    return or_(Pledge.id < pledge_id, and_(Pledge.id == pledge_id, Tree.id > tree_id))


@dataclass(frozen=True, slots=True)
class PlateRow:
    """What a plate prints. ``adopter`` is the whole name: who is hung up on a tree has chosen to be."""

    tree_id: int
    token: str
    number: str
    species: str
    latin: str | None
    base_name: str
    adopter: str | None


def count_for_plates(session: Session, *, base_id: int) -> tuple[int, int]:
    """How many trees of the base stand or will stand, and the id of the last of them."""
    standing = (Tree.base_id == base_id, Tree.life.not_in(GONE))
    count, last_id = session.execute(select(func.count(), func.coalesce(func.max(Tree.id), 0)).where(*standing)).one()
    return count, last_id


def trees_for_plates(
    session: Session, *, base_id: int, after_id: int, last_id: int, limit: int, safe: Vault
) -> Sequence[PlateRow]:
    """Trees of a base that stand or will stand, in the order of their ids, after one and up to another."""
    wanted = and_(Tree.base_id == base_id, Tree.id > after_id, Tree.id <= last_id, Tree.life.not_in(GONE))
    query = _with_giver(wanted).order_by(Tree.id).limit(limit)
    return [
        PlateRow(
            tree_id=tree.id,
            token=tree.token,
            number=tree.number,
            species=species.name,
            latin=species.latin,
            base_name=base.name,
            adopter=_adopter(pledge, resident, statuses=statuses, safe=safe)
            if pledge and _is_given(tree, pledge)
            else None,
        )
        for tree, species, base, _, pledge, resident, *statuses in session.execute(query)
    ]


def _with_giver(wanted: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Trees with what surrounds them; the open binding and who it is bound to may be missing. What was found of the
    giver's names comes last."""
    query = (
        select(Tree, Species, PlantingBase, full_name(), Pledge, Resident)
        .join(Species, Species.id == Tree.species_id)
        .join(PlantingBase, PlantingBase.id == Tree.base_id)
        .outerjoin(PledgeTree, and_(PledgeTree.tree_id == Tree.id, PledgeTree.ended_at.is_(None)))
        .outerjoin(Pledge, Pledge.id == PledgeTree.pledge_id)
        .outerjoin(Resident, Resident.id == Pledge.resident_id)
        .where(wanted)
    )
    return with_names(join_path(query, PlantingBase.village_code))


def _is_given(tree: Tree, pledge: Pledge) -> bool:
    """A tree that is only held for a payment belongs to nobody yet."""
    return tree.adoption is TreeAdoption.ADOPTED and pledge.paid_at is not None


def _is_shown(pledge: Pledge, resident: Resident | None) -> bool:
    """Whether the giver chose to be shown and still has an account: name, occasion and dedication hang on it."""
    return pledge.display is not Display.ANONYMOUS and resident is not None and resident.status is ResidentStatus.ACTIVE


def _adopter(
    pledge: Pledge, resident: Resident | None, *, statuses: Sequence[ReviewStatus | None], safe: Vault
) -> str | None:
    """The name to show, whole; nobody's while it was not found harmless."""
    if resident is None or not _is_shown(pledge, resident):
        return None
    return name_of(pledge, resident, statuses=statuses, safe=safe).approved or KIND_PERSON


def _adopter_masked(
    pledge: Pledge, resident: Resident | None, *, statuses: Sequence[ReviewStatus | None], safe: Vault
) -> str | None:
    if pledge.display is not Display.ANONYMOUS and resident and resident.status is ResidentStatus.ERASED:
        return ERASED
    name = _adopter(pledge, resident, statuses=statuses, safe=safe)
    return name if name in (None, KIND_PERSON) else mask(name)
