"""The first page: figures, and what waits for the reader."""

from flask import Blueprint, Response

from wxbackend.console.approvable import APPROVABLE
from wxbackend.console.frame import page
from wxbackend.console.reads.figures import fullest_bases, latest_paid, read_figures
from wxbackend.core.db import reading
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.staff.callers import current_scopes

bp = Blueprint("workbench", __name__)


@bp.get("")
@allow(staff("figures.read"))
def show() -> Response:
    """What was given in the reader's regions, and the queues they may work on."""
    caller = current_caller()
    with reading() as session:
        figures = read_figures(
            session,
            prefixes=caller.prefixes,
            scopes=current_scopes(),
            staff_id=caller.id,
            approvable=APPROVABLE,
        )
        progress = fullest_bases(session, prefixes=caller.prefixes)
        latest = latest_paid(session, prefixes=caller.prefixes)
    return page("workbench.html", figures=figures, progress=progress, latest=latest)
