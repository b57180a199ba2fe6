"""Bring trees into being: numbered by village and year, each with its token."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from certificates.codes import tree_number
from models import PlantingBase, Tree, TreeAdoption, TreeCounter, TreeLife
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict
from wxbackend.core.sql import insert_into

LAST_NUMBER = 99_999


class NumbersSpent(Conflict):
    code, title = "tree-numbers-spent", "该村当年的树号已用完"


class TokensTaken(Conflict):
    """Random tokens met existing ones, and there were no spare ones: try again with others."""

    code, title = "tree-tokens-taken", "树码重复，请重试"


def number_trees(session: Session, *, village_code: str, year: int, n: int) -> list[str]:
    """Take the next ``n`` numbers of a village and year. One statement; a rollback gives them back.

    Raises ``NumbersSpent`` past 99,999 a year.
    """
    counter = insert_into(session, TreeCounter).values(village_code=village_code, year=year, last=n)
    last = session.scalar(
        counter.on_conflict_do_update(
            index_elements=[TreeCounter.village_code, TreeCounter.year],
            set_={"last": TreeCounter.last + n},
            where=TreeCounter.last + n <= LAST_NUMBER,
        ).returning(TreeCounter.last)
    )
    if last is None:
        raise NumbersSpent(village_code=village_code, year=year)
    return [tree_number(village_code, year, sequence) for sequence in range(last - n + 1, last + 1)]


def allocate(session: Session, *, base: PlantingBase, n: int, tokens: Sequence[str], now: datetime) -> list[Tree]:
    """Make ``n`` planned trees for somebody who paid, in the order of their numbers.

    ``tokens`` are at least ``n``; those beyond stand in for any that exist already. Raises ``TokensTaken`` when they
    do not suffice, ``NumbersSpent`` when the village has no number left.
    """
    numbers = number_trees(session, village_code=base.village_code, year=china_date(now).year, n=n)
    made: list[Tree] = []
    spare = list(tokens)
    while missing := sorted(set(numbers) - {tree.number for tree in made}):
        if len(spare) < len(missing):
            raise TokensTaken
        chosen, spare = spare[: len(missing)], spare[len(missing) :]
        made += _insert(session, base=base, named=list(zip(missing, chosen, strict=True)), now=now)
    return sorted(made, key=lambda tree: tree.number)


def _insert(session: Session, *, base: PlantingBase, named: Sequence[tuple[str, str]], now: datetime) -> Sequence[Tree]:
    """Insert a tree for each (number, token); one whose token exists is left out."""
    rows = [
        {
            "number": number,
            "token": token,
            "base_id": base.id,
            "species_id": base.species_id,
            "life": TreeLife.PLANNED,
            "adoption": TreeAdoption.ADOPTED,
            "created_at": now,
        }
        for number, token in named
    ]
    insertion = insert_into(session, Tree).values(rows).on_conflict_do_nothing(index_elements=[Tree.token])
    return session.scalars(insertion.returning(Tree)).all()
