"""双人复核: what waits for a second person, and the decision."""

from flask import Blueprint, Response, flash

from wxbackend.console.approvable import APPROVABLE
from wxbackend.console.forms import NoteForm
from wxbackend.console.frame import go, page, read_query
from wxbackend.console.handles import handle_of, row_of
from wxbackend.console.queries import ApprovalQuery
from wxbackend.console.reads.approvals import list_approvals
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, any_staff, current_caller
from wxbackend.core.ports import ports
from wxbackend.staff import approvals
from wxbackend.staff.callers import current_scopes

bp = Blueprint("approvals", __name__, url_prefix="/approvals")
WISH = "approval"


@bp.get("")
@allow(any_staff)
def show() -> Response:
    """What the reader asked for, and what they may decide."""
    return _list(NoteForm())


def _list(form: NoteForm) -> Response:
    query, caller = read_query(ApprovalQuery), current_caller()
    with reading() as session:
        sheet = list_approvals(
            session,
            is_open=not query.decided,
            staff_id=caller.id,
            scopes=current_scopes(),
            approvable=APPROVABLE,
            after=query.after_id,
        )
    return page(
        "approvals.html",
        sheet=sheet,
        query=query,
        form=form,
        status=form.status,
        approvable=APPROVABLE,
        handle_of=lambda row_id: handle_of(WISH, row_id),
    )


@bp.post("/<string:handle>/approve")
@allow(any_staff)
def approve(handle: str) -> Response:
    """Agree: the act is carried out at once."""
    return _decide(handle, approve=True)


@bp.post("/<string:handle>/reject")
@allow(any_staff)
def reject(handle: str) -> Response:
    """Refuse."""
    return _decide(handle, approve=False)


def _decide(handle: str, *, approve: bool) -> Response:
    form, approval_id = NoteForm(), row_of(WISH, handle)
    if not form.validate():
        return _list(form)
    with transaction() as session:
        approvals.decide(
            session,
            approval_id=approval_id,
            approve=approve,
            note=form.note.data or "",
            caller=current_caller(),
            scopes=current_scopes(),
            approvable=APPROVABLE,
            now=ports().now(),
        )
    flash("已同意并执行" if approve else "已退回", "good")
    return go("approvals.show")
