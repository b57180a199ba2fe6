"""Trees come into being here: numbered, with a token for their code."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from certificates.codes import tree_number
from models import PlantingBase, Tree, TreeAdoption, TreeCounter, TreeLife
from wxbackend.core.dates import china_date
from wxbackend.core.sql import insert_into


def number_trees(session: Session, *, village_code: str, year: int, n: int) -> list[str]:
    """The next ``n`` tree numbers of a village and year, in one statement under the counter's lock."""
    first = insert_into(session, TreeCounter).values(village_code=village_code, year=year, last=n)
    statement = first.on_conflict_do_update(
        index_elements=["village_code", "year"], set_={"last": TreeCounter.last + n}
    )
    last = session.execute(statement.returning(TreeCounter.last)).scalar_one()
    return [tree_number(village_code, year, sequence) for sequence in range(last - n + 1, last + 1)]


def allocate(session: Session, *, base: PlantingBase, n: int, tokens: Sequence[str], now: datetime) -> list[Tree]:
    """``n`` planned trees of a base, already adopted. ``tokens`` are new ones, one a tree.

    Nobody may show them as planted before there is proof of it.
    """
    numbers = number_trees(session, village_code=base.village_code, year=china_date(now).year, n=n)
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
        for number, token in zip(numbers, tokens, strict=True)
    ]
    return list(session.scalars(insert_into(session, Tree).values(rows).returning(Tree)))
