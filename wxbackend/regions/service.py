"""Read the tree of regions; say where a village is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from models import Region, RegionLevel
from wxbackend.core.sql import insert_into
from wxbackend.regions.rules import CODE_LENGTH, prefix_of

VillageRegion, TownRegion = aliased(Region, name="village"), aliased(Region, name="town")
CountyRegion, CityRegion = aliased(Region, name="county"), aliased(Region, name="city")
Row = TypeVarTuple("Row")


@dataclass(frozen=True, slots=True)
class RegionFilter:
    """``parent`` alone: its children. With ``level``: everything of that level below it. Neither: the roots."""

    parent: str | None = None
    level: RegionLevel | None = None


def under(column: InstrumentedAttribute[str], prefixes: Sequence[str]) -> ColumnElement[bool]:
    """``column`` lies under one of ``prefixes``; as a range, which an index on codes answers in any collation."""
    ranges = [column.between(p.ljust(CODE_LENGTH, "0"), p.ljust(CODE_LENGTH, "9")) for p in prefixes]
    return or_(false(), *ranges)


def list_regions(session: Session, *, want: RegionFilter, after: str | None, limit: int) -> Sequence[Region]:
    """Regions by code; one statement."""
    query = select(Region).order_by(Region.code).limit(limit)
    for condition in _conditions(want):
        query = query.where(condition)
    return session.scalars(query.where(Region.code > after) if after else query).all()


def _conditions(want: RegionFilter) -> list[ColumnElement[bool]]:
    if want.level is None:
        return [Region.parent_code == want.parent]
    below = [under(Region.code, [prefix_of(want.parent)]), Region.code != want.parent] if want.parent else []
    return [Region.level == want.level, *below]


def join_path(query: Select[*Row], village_code: InstrumentedAttribute[str]) -> Select[*Row]:
    """Join the village of ``village_code`` and everything above it, for ``full_name()``."""
    return (
        query.join(VillageRegion, VillageRegion.code == village_code)
        .join(TownRegion, TownRegion.code == VillageRegion.parent_code)
        .join(CountyRegion, CountyRegion.code == TownRegion.parent_code)
        .join(CityRegion, CityRegion.code == CountyRegion.parent_code)
    )


def full_name() -> ColumnElement[str]:
    """市 + 县 + 镇 + 村 in one text, in a query that ``join_path`` extended."""
    return (CityRegion.name + CountyRegion.name + TownRegion.name + VillageRegion.name).label("village_name")


def put_regions(session: Session, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert regions, parents first; one that is known takes the new name. One statement a few hundred rows."""
    for start in range(0, len(rows), 500):
        statement = insert_into(session, Region).values(list(rows[start : start + 500]))
        session.execute(
            statement.on_conflict_do_update(index_elements=[Region.code], set_={"name": statement.excluded.name})
        )
