"""Campaigns and bases: what stands where, and moving it along."""

from flask import Blueprint, Response, flash

from models import BaseStatus, Campaign, CampaignStatus, PlantingBase
from wxbackend.console.catalogue_acts import ACTS, acts_of
from wxbackend.console.frame import go, page, read_query
from wxbackend.console.queries import BaseQuery, CampaignQuery
from wxbackend.console.reads.catalogue import list_bases, list_campaigns, read_thing
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import NotFound
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports

bp = Blueprint("catalogue", __name__)


@bp.get("/campaigns")
@allow(staff("catalogue.read"))
def campaigns() -> Response:
    """Every campaign of the reader's regions, in every state."""
    query = read_query(CampaignQuery)
    with reading() as session:
        sheet = list_campaigns(session, status=query.status, prefixes=current_caller().prefixes, after=query.after_id)
    return page("campaigns.html", sheet=sheet, query=query, statuses=CampaignStatus, acts_of=acts_of)


@bp.get("/bases")
@allow(staff("catalogue.read"))
def bases() -> Response:
    """Every base of the reader's regions, in every state."""
    query = read_query(BaseQuery)
    with reading() as session:
        sheet = list_bases(
            session,
            status=query.status,
            name=query.name,
            prefixes=current_caller().prefixes,
            after=query.after_id,
        )
    return page("bases.html", sheet=sheet, query=query, statuses=BaseStatus, acts_of=acts_of)


@bp.post("/campaigns/<string:public_id>/<string:act>")
@allow(staff("catalogue.manage"))
def move_campaign(public_id: str, act: str) -> Response:
    """One step of a campaign."""
    _do(Campaign, public_id, act)
    return go("catalogue.campaigns")


@bp.post("/bases/<string:public_id>/<string:act>")
@allow(staff("catalogue.manage"))
def move_base(public_id: str, act: str) -> Response:
    """One step of a base."""
    _do(PlantingBase, public_id, act)
    return go("catalogue.bases")


def _do(model: type[Campaign] | type[PlantingBase], public_id: str, name: str) -> None:
    act, caller = ACTS.get(name), current_caller()
    if act is None:
        raise NotFound
    with transaction() as session:
        thing: Campaign | PlantingBase = read_thing(session, model, public_id=public_id, prefixes=caller.prefixes)
        act.do(session, thing, caller, ports().now())
    flash(act.done, "good")
