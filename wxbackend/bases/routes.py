"""Bases as residents see them."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.bases import listing
from wxbackend.bases.schemas import BaseAnswer, BaseDetailAnswer, BasePath, BasesQuery
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading
from wxbackend.core.http import answer
from wxbackend.core.policies import allow, public
from wxbackend.core.ports import ports
from wxbackend.core.schema import Page, cut_page

bp = APIBlueprint("bases", __name__)


@bp.get("/v1/bases", operation_id="listBases", responses={200: Page[BaseAnswer]})
@allow(public)
def list_bases(query: BasesQuery) -> Response:
    """Bases that went online, newest first, or nearest first with ``near``."""
    here = query.here()
    with reading() as session:
        found = listing.list_bases(session, want=query.want(), after=query.position(), limit=query.limit + 1)
    page, cursor = cut_page(found, query.limit, position=lambda view: (view.rank, view.base.id))
    return answer(Page(items=[BaseAnswer.of(view, here=here) for view in page], next_cursor=cursor))


@bp.get("/v1/bases/<string:base_id>", operation_id="getBase", responses={200: BaseDetailAnswer})
@allow(public)
def get_base(path: BasePath) -> Response:
    """One base: what it costs, what is open now and why not, and what paying earns."""
    today = china_date(ports().now())
    with reading() as session:
        view = listing.find_base(session, public_id=path.base_id)
        rule = listing.points_rule(session, base=view.base, on=today)
    return answer(BaseDetailAnswer.of(view, rule=rule, today=today))
