"""Campaigns and bases in every state, for those who look after them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    Approval,
    ApprovalStatus,
    BaseStatus,
    Campaign,
    CampaignStatus,
    Payee,
    PlantingBase,
    Region,
    Species,
)
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.core.errors import NotFound
from wxbackend.regions.service import under

Thing = TypeVar("Thing", bound=Campaign | PlantingBase)


def list_campaigns(
    session: Session, *, status: CampaignStatus | None, prefixes: Sequence[str], after: int | None
) -> Sheet[Any]:
    """(campaign, name of the county, name of the payee, whether a wish is open); one statement."""
    query = (
        select(
            Campaign,
            Region.name.label("county"),
            Payee.name.label("payee"),
            _is_asked_for("campaign", Campaign.id).label("asked"),
        )
        .join(Region, Region.code == Campaign.county_code)
        .outerjoin(Payee, Payee.id == Campaign.payee_id)
        .where(under(Campaign.county_code, prefixes))
    )
    return newest_first(session, query.where(Campaign.status == status) if status else query, Campaign.id, after=after)


def list_bases(
    session: Session,
    *,
    status: BaseStatus | None,
    name: str | None,
    prefixes: Sequence[str],
    after: int | None,
) -> Sheet[Any]:
    """(base, name of the village, name of the campaign, name of the species, whether a wish is open)."""
    query = (
        select(
            PlantingBase,
            Region.name.label("village"),
            Campaign.name.label("campaign"),
            Species.name.label("species"),
            _is_asked_for("base", PlantingBase.id).label("asked"),
        )
        .join(Region, Region.code == PlantingBase.village_code)
        .join(Campaign, Campaign.id == PlantingBase.campaign_id)
        .join(Species, Species.id == PlantingBase.species_id)
        .where(under(PlantingBase.county_code, prefixes))
    )
    if status:
        query = query.where(PlantingBase.status == status)
    if name:
        query = query.where(PlantingBase.name.contains(name, autoescape=True))
    return newest_first(session, query, PlantingBase.id, after=after)


def _is_asked_for(kind: str, key: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    return exists().where(
        Approval.object_kind == kind, Approval.object_id == key, Approval.status == ApprovalStatus.OPEN
    )


def read_thing(session: Session, model: type[Thing], *, public_id: str, prefixes: Sequence[str]) -> Thing:
    """A campaign or a base by its public id. Raises ``NotFound`` outside ``prefixes``."""
    found = session.scalar(select(model).where(model.public_id == public_id, under(model.county_code, prefixes)))
    if found is None:
        raise NotFound
    return found
