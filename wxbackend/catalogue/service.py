"""Fill the catalogue: what ships with the program, and what a checked workbook brings. Read the species."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select, true
from sqlalchemy.orm import Session

from models import (
    BaseStatus,
    Campaign,
    CampaignStatus,
    Issuer,
    Payee,
    PlantingBase,
    Region,
    Species,
    Tree,
    TreeAdoption,
    TreeLife,
)
from wxbackend.catalogue.checking import Plan
from wxbackend.catalogue.format import BASES, CAMPAIGNS, ISSUERS, PAYEES, SPECIES, TREES
from wxbackend.catalogue.known import Key, Known, take_fingerprint
from wxbackend.core.audit import record
from wxbackend.core.errors import Conflict
from wxbackend.core.sql import insert_into
from wxbackend.points import service as points
from wxbackend.regions.service import put_regions
from wxbackend.trees.service import number_trees


class CatalogueMoved(Conflict):
    code, title = "catalogue-moved", "校验之后目录有了新的内容，未导入；请重新执行"


@dataclass(frozen=True, slots=True)
class Names:
    """Where new rows get their names from: opaque ids, and tokens of trees."""

    new_id: Callable[[], str]
    new_token: Callable[[], str]

    def with_tokens(self, count: int) -> "Names":
        """The same, with ``count`` tokens drawn now: keyed tags take long, and the write block must be short."""
        drawn = iter([self.new_token() for _ in range(count)])
        return Names(self.new_id, lambda: next(drawn, None) or self.new_token())


def list_species(session: Session, *, after_id: int | None, limit: int) -> Sequence[Species]:
    """Species in the order in which they came. One statement."""
    query = select(Species).where(Species.id > after_id if after_id is not None else true())
    return session.scalars(query.order_by(Species.id).limit(limit)).all()


def seed(session: Session, *, regions: Sequence[Mapping[str, Any]], species: Sequence[Mapping[str, Any]]) -> None:
    """Put what ships with the program where it is missing: regions, species, points rules.

    A region takes a new name; a species and a rule stay as they are.
    """
    put_regions(session, rows=regions)
    session.execute(
        insert_into(session, Species).values(list(species)).on_conflict_do_nothing(index_elements=[Species.name])
    )
    points.ensure_rules(session)


def write_import(
    session: Session, *, plan: Plan, known: Known, names: Names, source: str, now: datetime
) -> Mapping[str, int]:
    """Write every new row of a checked plan; how many, by sheet. ``source`` names the file in the trail.

    Raises ``CatalogueMoved`` when something was added since ``known`` was read.
    """
    _one_import_at_a_time(session, plan)
    base_names = {key[1] for key in (*plan.new[TREES.title], *known.rows[TREES.title])}
    if take_fingerprint(session, base_names=base_names) != known.fingerprint:
        raise CatalogueMoved
    villages = {key: row["village_code"] for key, row in {**known.rows[BASES.title], **plan.new[BASES.title]}.items()}
    ids = {title: dict(found) for title, found in known.ids.items()}
    _Writer(session, plan, ids, villages, names, now).write()
    counts = {title: len(rows) for title, rows in plan.new.items()}
    record(session, caller=None, action="catalogue.import", on=("catalogue", source), now=now, rows=counts)
    return counts


def _one_import_at_a_time(session: Session, plan: Plan) -> None:
    """Lock the counties, as an import and nobody else does; on SQLite every writer is alone anyway."""
    counties = {county for title in (PAYEES, ISSUERS, CAMPAIGNS, BASES, TREES) for county, *_ in plan.new[title.title]}
    query = select(Region.code).where(Region.code.in_(counties)).order_by(Region.code)
    session.execute(query.with_for_update(key_share=True))


@dataclass(slots=True)
class _Writer:
    """Writes sheet after sheet; ``ids`` grows by each, so that the next can refer to it."""

    session: Session
    plan: Plan
    ids: dict[str, dict[Key, int]]
    villages: Mapping[Key, str]
    names: Names
    now: datetime

    def write(self) -> None:
        self._insert(SPECIES.title, Species.__table__, lambda _key, row: {**row, "public_id": self.names.new_id()})
        self._insert(PAYEES.title, Payee.__table__, lambda _key, row: {**row, "public_id": self.names.new_id()})
        self._insert(ISSUERS.title, Issuer.__table__, lambda _key, row: row)
        self._insert(CAMPAIGNS.title, Campaign.__table__, self._campaign)
        self._insert(BASES.title, PlantingBase.__table__, self._base)
        self._trees()

    def _insert(self, title: str, table: Any, build: Callable[[Key, dict[str, Any]], dict[str, Any]]) -> None:
        """Insert the new rows of a sheet and remember their ids by key."""
        new = self.plan.new[title]
        if new:
            rows = [build(key, row) for key, row in new.items()]
            # the ids come back in the order of the rows
            statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
            made = self.session.scalars(statement, rows)
            self.ids[title].update(zip(new, made, strict=True))

    def _campaign(self, key: Key, row: dict[str, Any]) -> dict[str, Any]:
        payee_id = self.ids[PAYEES.title][key[0], row["payee"]] if row["payee"] else None
        facts = {fact: value for fact, value in row.items() if fact != "payee"}
        return {
            **facts,
            "payee_id": payee_id,
            "public_id": self.names.new_id(),
            "status": CampaignStatus.DRAFT,
            "created_at": self.now,
        }

    def _base(self, key: Key, row: dict[str, Any]) -> dict[str, Any]:
        facts = {fact: value for fact, value in row.items() if fact not in {"campaign", "species"}}
        return {
            **facts,
            "county_code": key[0],
            "campaign_id": self.ids[CAMPAIGNS.title][key[0], row["campaign"]],
            "species_id": self.ids[SPECIES.title][(row["species"],)],
            "public_id": self.names.new_id(),
            "status": BaseStatus.DRAFT,
            "held": 0,
            "sold": 0,
            "created_at": self.now,
        }

    def _trees(self) -> None:
        """Number the trees by village and year, then insert them; a token that is taken is drawn again."""
        table: Any = Tree.__table__
        waiting = [self._tree(number, row) for number, row in self._numbered()]
        insertion = insert_into(self.session, table).on_conflict_do_nothing(index_elements=[table.c.token])
        while waiting:
            for row in waiting:
                row["token"] = self.names.new_token()
            made = set(self.session.scalars(insertion.returning(table.c.number), waiting))
            waiting = [row for row in waiting if row["number"] not in made]

    def _numbered(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every new tree with its number: one statement a village and year, always in the same order."""
        rows = sorted(self.plan.new[TREES.title].values(), key=self._village_and_year)
        for (village_code, year), group in groupby(rows, key=self._village_and_year):
            together = list(group)
            numbers = number_trees(self.session, village_code=village_code, year=year, n=len(together))
            yield from zip(numbers, together, strict=True)

    def _village_and_year(self, row: dict[str, Any]) -> tuple[str, int]:
        planted = row["planted"]
        year = planted.year if isinstance(planted, date) else planted
        return self.villages[row["county_code"], row["base"]], year

    def _tree(self, number: str, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "number": number,
            "base_id": self.ids[BASES.title][row["county_code"], row["base"]],
            "species_id": self.ids[SPECIES.title][row["species"],],
            "life": TreeLife.ALIVE,
            "adoption": TreeAdoption.OPEN,
            "planted_on": row["planted"] if isinstance(row["planted"], date) else None,
            "latitude_e6": row["latitude_e6"],
            "longitude_e6": row["longitude_e6"],
            "created_at": self.now,
        }
