"""Reconciliation: days and merchants, what does not agree on one of them, and what staff say about it."""

from datetime import date

from flask import Blueprint, Response, flash

from wxbackend.console.forms import ConsoleForm, ReasonForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.handles import handle_of, row_of
from wxbackend.console.queries import ListQuery, Text
from wxbackend.console.reads.reconciliation import DayFilter, DayState, list_days, read_day, read_lines
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import InvalidInput, NotFound
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.core.wxpay import BillKind
from wxbackend.reconciliation import service as reconciliation
from wxbackend.reconciliation.sheets import as_csv
from wxbackend.staff.errors import ConfirmationNeeded

bp = Blueprint("reconciliation", __name__, url_prefix="/reconciliation")
ITEM = "recon_item"


class DayQuery(ListQuery):
    mchid: Text | None = None
    state: DayState | None = None
    on_from: date | None = None
    on_to: date | None = None

    @property
    def position(self) -> tuple[date, str] | None:
        """The day and merchant after which this page begins. Raises ``InvalidInput``."""
        position = self.after(str, str)
        if position is None:
            return None
        try:
            return date.fromisoformat(position[0]), position[1]
        except ValueError as error:
            raise InvalidInput.at("/query/cursor", "翻页标记无效") from error


@bp.get("")
@allow(staff("reconciliation.read"))
def days() -> Response:
    """Every day of every merchant with its sums and how it stands."""
    query = read_query(DayQuery)
    want = DayFilter(query.mchid, query.state, query.on_from, query.on_to)
    with reading() as session:
        sheet = list_days(session, want=want, prefixes=current_caller().prefixes, after=query.position)
    return page("reconciliation.html", sheet=sheet, query=query, states=DayState)


@bp.get("/<string:mchid>/<string:day>")
@allow(staff("reconciliation.read"))
def show(mchid: str, day: str) -> Response:
    """One merchant's day: both bills, the checks, the three queues."""
    return _day(mchid, _date(day), ReasonForm())


def _day(mchid: str, on: date, form: ConsoleForm) -> Response:
    with reading() as session:
        view = read_day(session, mchid=mchid, on=on, prefixes=current_caller().prefixes)
    return page(
        "reconciliation_day.html",
        view=view,
        form=form,
        status=form.status,
        handle_of=lambda row_id: handle_of(ITEM, row_id),
        case_of=lambda row_id: handle_of("payment_mismatch", row_id),
    )


@bp.post("/<string:mchid>/<string:day>/<string:kind>")
@allow(staff("reconciliation.read"))
def download(mchid: str, day: str, kind: str) -> Response:
    """The lines that are kept of a bill, as a table. Who took it stays in the trail."""
    caller, on, kind_of_bill = current_caller(), _date(day), _kind(kind)
    with transaction() as session:
        lines = read_lines(session, mchid=mchid, on=on, kind=kind_of_bill, prefixes=caller.prefixes)
        table = as_csv(lines)
        what = ("bill", f"{mchid}:{on.isoformat()}:{kind_of_bill}")
        audit.record(session, caller=caller, action="reconciliation.download", on=what, now=ports().now())
    name = f"{kind_of_bill}-{mchid}-{on.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(table, headers=headers, content_type="text/csv; charset=utf-8")


@bp.post("/items/<string:handle>")
@allow(staff("reconciliation.resolve"))
def resolve(handle: str) -> Response:
    """Say what it was. It is compared no more unless its facts change."""
    form, caller, item_id = ReasonForm(), current_caller(), row_of(ITEM, handle)
    if not caller.confirmed:
        raise ConfirmationNeeded
    with reading() as session:
        item = reconciliation.find_item(session, item_id=item_id, prefixes=caller.prefixes)
    if form.validate():
        with refusals_on(form):
            _resolve(item_id, form)
            flash("已处理", "good")
            return go("reconciliation.show", mchid=item.mchid, day=item.bill_on.isoformat())
    return _day(item.mchid, item.bill_on, form)


def _resolve(item_id: int, form: ReasonForm) -> None:
    with transaction() as session:
        reconciliation.resolve_item(
            session, item_id=item_id, caller=current_caller(), note=form.reason.data, now=ports().now()
        )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotFound from error


def _kind(text: str) -> BillKind:
    try:
        return BillKind(text)
    except ValueError as error:
        raise NotFound from error
