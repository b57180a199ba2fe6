"""The trail, for auditors."""

from flask import Blueprint, Response

from wxbackend.console.frame import page, read_query
from wxbackend.console.queries import TrailQuery
from wxbackend.console.reads.trail import TrailFilter, read_trail
from wxbackend.core.db import reading
from wxbackend.core.policies import allow, current_caller, staff

bp = Blueprint("trail", __name__, url_prefix="/audit")


@bp.get("")
@allow(staff("audit.read"))
def show() -> Response:
    """Who did what to what, newest first."""
    query = read_query(TrailQuery)
    want = TrailFilter(action=query.action, key=query.key)
    with reading() as session:
        sheet = read_trail(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    return page("trail.html", sheet=sheet, query=query)
