"""Trees that belong to somebody."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from certificates.codes import make_token
from models import (
    Display,
    PlantingBase,
    Pledge,
    PledgeKind,
    PledgeStatus,
    PledgeTree,
    Resident,
    ReviewStatus,
    Reward,
    Tree,
    TreeAdoption,
    TreeLife,
)
from tests.content.reviews import holder_review
from tests.make import Make
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import settings, vault
from wxbackend.pledges.service import holder_place
from wxbackend.trees import service as trees


@dataclass
class Grove:
    """Makes pledges with trees, as they are after payment."""

    make: Make
    people: dict[str, int] = field(default_factory=dict)

    def token(self, value: int | None = None) -> str:
        return make_token(value or self.make.next(), settings().code_keys, purpose="T")

    def given(
        self,
        *,
        base: PlantingBase | None = None,
        n: int = 1,
        person: str = "a",
        reviewed: ReviewStatus | None = ReviewStatus.APPROVED,
        **changes: object,
    ) -> list[Tree]:
        """``n`` planned trees of one paid pledge by ``person``; ``changes`` are columns of the pledge.

        ``reviewed`` is what was found of the holder's name; ``None``: nobody looked.
        """
        base = base or self.make.base()
        resident_id = self.resident(person)
        with transaction() as session:
            made = trees.allocate(
                session, base=base, n=n, tokens=[self.token() for _ in range(n)], now=self.make.clock()
            )
            pledge = self._pledge(base, n, resident_id, changes)
            session.add(pledge)
            session.flush()
            session.add_all([PledgeTree(pledge_id=pledge.id, tree_id=tree.id) for tree in made])
            if pledge.holder_name_sealed and reviewed:
                session.add(holder_review(pledge, reviewed))
        return made

    def _pledge(self, base: PlantingBase, n: int, resident_id: int, changes: dict[str, object]) -> Pledge:
        now, number = self.make.clock(), self.make.next()
        holder, key = changes.pop("holder_name", None), f"row{number}"
        sealed = vault().seal(str(holder), place=holder_place(key)) if holder else None
        facts: dict[str, object] = {
            "number": f"P260312TEST{number:06d}",
            "kind": PledgeKind.PLANT,
            "status": PledgeStatus.ALLOCATED,
            "resident_id": resident_id,
            "base_id": base.id,
            "campaign_id": base.campaign_id,
            "county_code": base.county_code,
            "tree_count": n,
            "unit_price_fen": base.price_fen,
            "amount_fen": base.price_fen * n,
            "display": Display.NAME,
            "reward": Reward.POINTS,
            "row_key": key,
            "holder_name_sealed": sealed,
            "created_at": now,
            "hold_expires_at": now + timedelta(minutes=15),
            "paid_at": now,
            **changes,
        }
        return Pledge(**facts)

    def resident(self, person: str) -> int:
        """The id of a resident who signed in."""
        known = self._ids()
        self.make.resident(person)
        for fresh in self._ids() - known:
            self.people[person] = fresh
        return self.people[person]

    def _ids(self) -> set[int]:
        with reading() as session:
            return set(session.scalars(select(Resident.id)))

    def change(self, tree: Tree, **values: object) -> None:
        with transaction() as session:
            session.execute(update(Tree).where(Tree.id == tree.id).values(**values))

    def standing(self, base: PlantingBase, **values: object) -> Tree:
        """An old tree of the base with a token that its keys made."""
        tree = self.make.trees(base, adoption=TreeAdoption.OPEN)[0]
        self.change(tree, token=self.token(), life=TreeLife.ALIVE, **values)
        with reading() as session:
            return session.get_one(Tree, tree.id)


@pytest.fixture
def grove(make: Make) -> Grove:
    return Grove(make)
