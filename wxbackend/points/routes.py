"""A resident's points."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.core.dates import china_date
from wxbackend.core.db import reading
from wxbackend.core.http import answer
from wxbackend.core.policies import allow, current_caller, resident
from wxbackend.core.ports import ports
from wxbackend.core.schema import Page, PageQuery, cut_page
from wxbackend.points import service as points
from wxbackend.points.schemas import PointsAnswer, PointsEntryAnswer

bp = APIBlueprint("points", __name__)


@bp.get("/v1/me/points", operation_id="getMyPoints", responses={200: PointsAnswer})
@allow(resident)
def get_my_points() -> Response:
    """What I have, what expires next, and what refunds could not take back."""
    me = current_caller().id
    with reading() as session:
        found = points.wallet(session, resident_id=me, on=china_date(ports().now()))
        owed = points.debt_green(session, resident_id=me)
    return answer(PointsAnswer.of(found, debt_green=owed))


@bp.get("/v1/me/points/entries", operation_id="listMyPointsEntries", responses={200: Page[PointsEntryAnswer]})
@allow(resident)
def list_my_points_entries(query: PageQuery) -> Response:
    """How it came about, newest first; each entry names its rule and version."""
    before = query.after(int)
    with reading() as session:
        rows = points.explained_lines(
            session, resident_id=current_caller().id, before_id=before[0] if before else None, limit=query.limit + 1
        )
    page, cursor = cut_page(rows, query.limit, position=lambda entry: (entry.line.id,))
    return answer(Page(items=[PointsEntryAnswer.of(entry) for entry in page], next_cursor=cursor))
