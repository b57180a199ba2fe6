"""Look up a pledge or a payment, and see its whole history."""

from flask import Blueprint, Response

from models import Pledge, PledgeKind, PledgeStatus
from wxbackend.console.forms import ConsoleForm, ReasonForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.queries import PledgeQuery
from wxbackend.console.reads.content import reviews_of
from wxbackend.console.reads.pledges import PledgeFilter, find_pledges, read_history
from wxbackend.core import audit
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports, vault
from wxbackend.honours.rules import mask
from wxbackend.pledges.service import holder_place

bp = Blueprint("pledges", __name__, url_prefix="/pledges")


@bp.get("")
@allow(staff("pledges.read"))
def find() -> Response:
    """A list with filters; one exact hit is opened at once."""
    query = read_query(PledgeQuery)
    want = PledgeFilter(text=query.q, status=query.status, kind=query.kind)
    with reading() as session:
        sheet = find_pledges(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    if query.q and len(sheet.rows) == 1:
        return go("pledges.show", number=sheet.rows[0].Pledge.number)
    return page("pledges.html", sheet=sheet, query=query, statuses=PledgeStatus, kinds=PledgeKind)


@bp.get("/<string:number>")
@allow(staff("pledges.read"))
def show(number: str) -> Response:
    """The whole history; the holder's name is masked."""
    return _history(number, ReasonForm())


@bp.post("/<string:number>/reveal")
@allow(staff("pledges.reveal"))
def reveal(number: str) -> Response:
    """Show the holder's name this once, for a reason that stays in the trail."""
    form, name = ReasonForm(), None
    if form.validate():
        with refusals_on(form):
            name = _reveal(number, form, current_caller())
    return _history(number, form, revealed=name)


def _reveal(number: str, form: ReasonForm, caller: Caller) -> str:
    with transaction() as session:
        pledge = read_history(session, number=number, prefixes=caller.prefixes).pledge
        on = ("pledge", number)
        audit.record(session, caller=caller, action="pledge.reveal", on=on, now=ports().now(), reason=form.reason.data)
    return _holder_name(pledge) or "未填写姓名"


def _history(number: str, form: ConsoleForm, *, revealed: str | None = None) -> Response:
    with reading() as session:
        history = read_history(session, number=number, prefixes=current_caller().prefixes)
        reviews = reviews_of(session, number=number)
    name = _holder_name(history.pledge)
    return page(
        "pledge.html",
        history=history,
        reviews=reviews,
        masked_name=mask(name) if name else None,
        revealed=revealed,
        form=form,
        status=form.status,
    )


def _holder_name(pledge: Pledge) -> str | None:
    return vault().open_optional(pledge.holder_name_sealed, place=holder_place(pledge.row_key))
