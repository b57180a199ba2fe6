"""The tree of regions, for pickers and filters."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.core.db import reading
from wxbackend.core.http import answer
from wxbackend.core.policies import allow, public
from wxbackend.core.schema import Page, cut_page
from wxbackend.regions import service as regions
from wxbackend.regions.schemas import RegionAnswer, RegionsQuery

bp = APIBlueprint("regions", __name__)


@bp.get("/v1/regions", operation_id="listRegions", responses={200: Page[RegionAnswer]})
@allow(public)
def list_regions(query: RegionsQuery) -> Response:
    """Regions by code: the children of one, or everything of a level below it."""
    after = (query.after(str) or (None,))[0]
    with reading() as session:
        found = regions.list_regions(session, want=query.want(), after=after, limit=query.limit + 1)
    page, cursor = cut_page(found, query.limit, position=lambda region: (region.code,))
    return answer(Page(items=[RegionAnswer.of(row) for row in page], next_cursor=cursor))
