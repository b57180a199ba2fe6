"""Receipts: what waits for the finance office, and what the finance system answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from models import ReceiptStatus
from wxbackend.console.forms import ConsoleForm, ViewingForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.queries import ReceiptQuery
from wxbackend.console.reads.receipts import ReceiptFilter, list_receipts, read_receipt
from wxbackend.console.refund_forms import IssueForm, ReceiptRefusalForm, ReversalForm
from wxbackend.core import audit
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports, vault
from wxbackend.honours.rules import mask
from wxbackend.receipts import service as receipts
from wxbackend.staff.errors import ConfirmationNeeded

bp = Blueprint("receipts", __name__, url_prefix="/receipts")
Write = Callable[[Session, Caller, datetime], None]


@dataclass(frozen=True)
class Forms:
    """Every form of the page. Each reads its own fields of what was sent."""

    viewing: ViewingForm = field(default_factory=ViewingForm)
    issuing: IssueForm = field(default_factory=IssueForm)
    refusing: ReceiptRefusalForm = field(default_factory=ReceiptRefusalForm)
    reversing: ReversalForm = field(default_factory=ReversalForm)

    @property
    def all(self) -> tuple[ConsoleForm, ...]:
        """A refusal stands above the page: the form it came from may be gone with what somebody else did."""
        return (self.viewing, self.issuing, self.refusing, self.reversing)


@bp.get("")
@allow(staff("receipts.read"))
def find() -> Response:
    """A list with filters; one exact hit is opened at once."""
    query = read_query(ReceiptQuery)
    want = ReceiptFilter(text=query.q, status=query.status)
    with reading() as session:
        sheet = list_receipts(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    if query.q and len(sheet.rows) == 1:
        return go("receipts.show", public_id=sheet.rows[0].ReceiptRequest.public_id)
    return page("receipts.html", sheet=sheet, query=query, statuses=ReceiptStatus)


@bp.get("/<string:public_id>")
@allow(staff("receipts.read"))
def show(public_id: str) -> Response:
    """The gift and what is asked for; the title is masked."""
    return _one(public_id, Forms())


@bp.post("/<string:public_id>/reveal")
@allow(staff("receipts.manage"))
def reveal(public_id: str) -> Response:
    """Show the title this once, for a reason that stays in the trail."""
    forms, title = Forms(), None
    _read(public_id)
    if forms.viewing.validate():
        title = _reveal(public_id, forms.viewing.purpose.data, current_caller())
    return _one(public_id, forms, status=forms.viewing.status, revealed=title)


def _reveal(public_id: str, reason: str, caller: Caller) -> str:
    with transaction() as session:
        request = read_receipt(session, public_id=public_id, prefixes=caller.prefixes).request
        on = ("receipt", public_id)
        audit.record(session, caller=caller, action="receipt.reveal", on=on, now=ports().now(), reason=reason)
    return receipts.opened_title(request, safe=vault()) or "已随账号注销"


@bp.post("/<string:public_id>/issue")
@allow(staff("receipts.manage"))
def issue(public_id: str) -> Response:
    """Keep the number that the finance system gave."""
    forms = Forms()
    form = forms.issuing

    def write(session: Session, caller: Caller, now: datetime) -> None:
        number, url = form.receipt_number.data, form.url.data or None
        receipts.issue(session, public_id=public_id, receipt_number=number, url=url, caller=caller, now=now)

    return _do(public_id, forms, form, write, done="已登记，申请人可在小程序查看")


@bp.post("/<string:public_id>/reject")
@allow(staff("receipts.manage"))
def reject(public_id: str) -> Response:
    """Refuse; the person may ask again."""
    forms = Forms()
    form = forms.refusing

    def write(session: Session, caller: Caller, now: datetime) -> None:
        receipts.reject(session, public_id=public_id, reason=form.refusal_reason.data, caller=caller, now=now)

    return _do(public_id, forms, form, write, done="已退回，申请人可修改后重新申请")


@bp.post("/<string:public_id>/reverse")
@allow(staff("receipts.manage"))
def reverse(public_id: str) -> Response:
    """Note that the receipt was cancelled in the finance system. For good, hence with a fresh code."""
    forms = Forms()
    form = forms.reversing
    _read(public_id)
    if not current_caller().confirmed:
        raise ConfirmationNeeded

    def write(session: Session, caller: Caller, now: datetime) -> None:
        receipts.reverse(session, public_id=public_id, reason=form.reversal_reason.data, caller=caller, now=now)

    return _do(public_id, forms, form, write, done="已登记红冲")


def _do(public_id: str, forms: Forms, form: ConsoleForm, write: Write, *, done: str) -> Response:
    _read(public_id)
    if form.validate():
        with refusals_on(form):
            with transaction() as session:
                write(session, current_caller(), ports().now())
            flash(done, "good")
            return go("receipts.show", public_id=public_id)
    return _one(public_id, forms, status=form.status)


def _read(public_id: str) -> None:
    """Raises ``NotFound`` before anything that was sent is looked at."""
    with reading() as session:
        read_receipt(session, public_id=public_id, prefixes=current_caller().prefixes)


def _one(public_id: str, forms: Forms, *, status: int = 200, revealed: str | None = None) -> Response:
    with reading() as session:
        sheet = read_receipt(session, public_id=public_id, prefixes=current_caller().prefixes)
    title = receipts.opened_title(sheet.request, safe=vault())
    return page(
        "receipt.html",
        sheet=sheet,
        forms=forms,
        masked_title=mask(title) if title else None,
        revealed=revealed,
        status=status,
    )
