"""Lists of what waits for a person."""

from flask import Blueprint, Response, flash

from wxbackend.console.frame import go, page, read_query
from wxbackend.console.handles import handle_of, row_of
from wxbackend.console.mismatches import case_handle
from wxbackend.console.queries import ListQuery
from wxbackend.console.reads.queues import list_dead_letters, list_mismatches
from wxbackend.core import audit, outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import NotFound
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports

bp = Blueprint("queues", __name__)
MESSAGE = "outbox_message"


@bp.get("/mismatches")
@allow(staff("payments.read"))
def mismatches() -> Response:
    """Genuine notifications that do not fit our orders."""
    query = read_query(ListQuery)
    with reading() as session:
        sheet = list_mismatches(session, prefixes=current_caller().prefixes, after=query.after_id)
    return page("mismatches.html", sheet=sheet, case_handle=case_handle)


@bp.get("/dead-letters")
@allow(staff("jobs.read"))
def dead_letters() -> Response:
    """Work that failed for the last time."""
    query = read_query(ListQuery)
    with reading() as session:
        sheet = list_dead_letters(session, after=query.after_id)
    return page("dead_letters.html", sheet=sheet, handle_of=lambda row_id: handle_of(MESSAGE, row_id))


@bp.post("/dead-letters/<string:handle>/retry")
@allow(staff("jobs.retry"))
def retry(handle: str) -> Response:
    """Give a dead letter another round."""
    message_id, now = row_of(MESSAGE, handle), ports().now()
    with transaction() as session:
        if not outbox.revive(session, message_id=message_id, now=now):
            raise NotFound("该任务已在重试")
        on = (MESSAGE, str(message_id))
        audit.record(session, caller=current_caller(), action="outbox.retry", on=on, now=now)
    flash("已重新排队", "good")
    return go("queues.dead_letters")
