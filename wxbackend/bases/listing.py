"""Public bases, one statement whatever the filter: with campaign, payee, species, and the village's full name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, ColumnElement, Select, and_, func, literal, or_, select, type_coerce
from sqlalchemy.orm import Session

from models import BaseStatus, Campaign, Payee, PlantingBase, PointsRule, Species, Tree, TreeAdoption, TreeLife
from wxbackend.bases.rules import HIDDEN, MICRO, Position, Standing
from wxbackend.core.errors import NotFound
from wxbackend.points import service as points
from wxbackend.regions.service import CountyRegion, full_name, join_path, under

#: Lives in which a tree may be given into somebody's care.
ADOPTABLE = (TreeLife.PLANTED, TreeLife.ACCEPTED, TreeLife.ALIVE, TreeLife.WEAK)
KM_A_DEGREE = 111
#: Distances in SQL are squares of 1/100,000 of a degree: below 2^53, which a cursor must not pass.
_STEP = 10
#: Where a page ended: the order's value (nothing unless ordered by distance) and the base's id.
After = tuple[int, int]
_NOTHING: ColumnElement[int] = literal(0)


@dataclass(frozen=True, slots=True)
class Near:
    """Nearest first; ``within_km`` cuts a box out first, so that no far base is even measured."""

    position: Position
    within_km: int | None


@dataclass(frozen=True, slots=True)
class BaseFilter:
    region_prefix: str | None = None
    status: BaseStatus | None = None
    species_id: str | None = None
    campaign_id: str | None = None
    name: str | None = None
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class BaseView:
    """``rank`` is the order's value among those near, else 0; ``trees_open`` is counted for one base only."""

    base: PlantingBase
    campaign: Campaign
    payee: Payee
    species: Species
    county_name: str
    village_name: str
    rank: int
    trees_open: int

    def standing(self) -> Standing:
        base = self.base
        return Standing(
            status=base.status,
            campaign_status=self.campaign.status,
            starts_on=self.campaign.starts_on,
            ends_on=self.campaign.ends_on,
            places_left=self.places_left,
            held=base.held,
            adopt_price_fen=base.adopt_price_fen,
            trees_open=self.trees_open,
        )

    @property
    def places_left(self) -> int:
        return self.base.capacity - self.base.held - self.base.sold

    @property
    def position(self) -> Position | None:
        base = self.base
        if base.latitude_e6 is None or base.longitude_e6 is None:
            return None
        return Position(base.latitude_e6, base.longitude_e6)


def list_bases(session: Session, *, want: BaseFilter, after: After | None, limit: int) -> Sequence[BaseView]:
    """Public bases: the nearest first if ``want.near``, else the newest. One statement."""
    rank = _rank(want.near) if want.near else _NOTHING
    query = _public(rank=rank, trees_open=_NOTHING).where(*_conditions(want)).limit(limit)
    if want.near:
        query = query.order_by(rank, PlantingBase.id)
        query = query.where(_beyond(rank, after)) if after else query
    else:
        query = query.order_by(PlantingBase.id.desc())
        query = query.where(PlantingBase.id < after[1]) if after else query
    return [BaseView(*row) for row in session.execute(query)]


def find_base(session: Session, *, public_id: str) -> BaseView:
    """One public base with the number of its trees that may be adopted. Raises ``NotFound``. One statement."""
    trees_open = (
        select(func.count())
        .select_from(Tree)
        .where(Tree.base_id == PlantingBase.id, Tree.adoption == TreeAdoption.OPEN, Tree.life.in_(ADOPTABLE))
        .scalar_subquery()
    )
    query = _public(rank=_NOTHING, trees_open=trees_open).where(PlantingBase.public_id == public_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("基地不存在")
    return BaseView(*row)


def points_rule(session: Session, *, base: PlantingBase, on: date) -> PointsRule | None:
    """By which rule a payment would earn points on that day; ``None`` where the county has none in force."""
    try:
        return points.rule_in_force(session, county_code=base.county_code, on=on)
    except points.NoPointsRule:
        return None


Columns = tuple[PlantingBase, Campaign, Payee, Species, str, str, int, int]


def _public(*, rank: ColumnElement[int], trees_open: ColumnElement[int]) -> Select[*Columns]:
    """The columns are the fields of ``BaseView``."""
    columns = (PlantingBase, Campaign, Payee, Species, CountyRegion.name, full_name(), rank, trees_open)
    query = (
        select(*columns)
        .join(Campaign, Campaign.id == PlantingBase.campaign_id)
        .join(Payee, Payee.id == Campaign.payee_id)
        .join(Species, Species.id == PlantingBase.species_id)
    )
    return join_path(query, PlantingBase.village_code).where(PlantingBase.status.not_in(HIDDEN))


def _conditions(want: BaseFilter) -> list[ColumnElement[bool]]:
    wanted = {
        "region": under(PlantingBase.village_code, [want.region_prefix]) if want.region_prefix else None,
        "status": PlantingBase.status == want.status if want.status else None,
        "species": Species.public_id == want.species_id if want.species_id else None,
        "campaign": Campaign.public_id == want.campaign_id if want.campaign_id else None,
        "name": PlantingBase.name.contains(want.name, autoescape=True) if want.name else None,
        "near": _placed(want.near) if want.near else None,
    }
    return [condition for condition in wanted.values() if condition is not None]


def _rank(near: Near) -> ColumnElement[int]:
    """The square of the distance on a plane that touches the earth at ``near``: an order, not a length."""
    north = (PlantingBase.latitude_e6 - near.position.latitude_e6) // _STEP
    east = (PlantingBase.longitude_e6 - near.position.longitude_e6) * near.position.longitude_per_mille()
    east = east // (1000 * _STEP)
    return type_coerce(north * north + east * east, BigInteger)


def _placed(near: Near) -> ColumnElement[bool]:
    """The base has a position, inside the box if there is one."""
    here, placed = near.position, PlantingBase.latitude_e6.is_not(None)
    if near.within_km is None:
        return and_(placed, PlantingBase.longitude_e6.is_not(None))
    north = near.within_km * MICRO // KM_A_DEGREE
    east = north * 1000 // max(here.longitude_per_mille(), 1)
    return and_(
        PlantingBase.latitude_e6.between(here.latitude_e6 - north, here.latitude_e6 + north),
        PlantingBase.longitude_e6.between(here.longitude_e6 - east, here.longitude_e6 + east),
    )


def _beyond(rank: ColumnElement[int], after: After) -> ColumnElement[bool]:
    return or_(rank > after[0], and_(rank == after[0], PlantingBase.id > after[1]))
