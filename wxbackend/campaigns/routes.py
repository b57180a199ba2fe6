"""Campaigns as residents see them."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.campaigns import service as campaigns
from wxbackend.campaigns.schemas import CampaignAnswer, CampaignsQuery
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading
from wxbackend.core.http import answer
from wxbackend.core.policies import allow, public
from wxbackend.core.ports import ports
from wxbackend.core.schema import Page, cut_page
from wxbackend.regions.rules import COUNTY_DIGITS, prefix_of

bp = APIBlueprint("campaigns", __name__)


@bp.get("/v1/campaigns", operation_id="listCampaigns", responses={200: Page[CampaignAnswer]})
@allow(public)
def list_campaigns(query: CampaignsQuery) -> Response:
    """Campaigns that are online, newest first."""
    before, today = query.after(int), china_date(ports().now())
    with reading() as session:
        found = campaigns.online_campaigns(
            session,
            region_prefix=prefix_of(query.region)[:COUNTY_DIGITS] if query.region else None,
            before_id=before[0] if before else None,
            limit=query.limit + 1,
        )
    page, cursor = cut_page(found, query.limit, position=lambda view: (view.campaign.id,))
    return answer(Page(items=[CampaignAnswer.of(view, today=today) for view in page], next_cursor=cursor))
