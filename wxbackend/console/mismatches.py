"""Payments that do not fit their order: look at one, send it back, or say that there is nothing to do."""

from collections.abc import Callable

from flask import Blueprint, Response, flash

from models import PaymentMismatch
from wxbackend.console.forms import ConsoleForm, ReasonForm
from wxbackend.console.frame import go, page, refusals_on
from wxbackend.console.handles import handle_of, row_of
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.payments import mismatches
from wxbackend.payments.mismatches import Case, MismatchNotRefundable
from wxbackend.staff.errors import ConfirmationNeeded

bp = Blueprint("mismatches", __name__, url_prefix="/mismatches")
MISMATCH = PaymentMismatch.__tablename__


def case_handle(row_id: int) -> str:
    return handle_of(MISMATCH, row_id)


@bp.get("/<string:handle>")
@allow(staff("payments.read"))
def show(handle: str) -> Response:
    """Everything that does not fit about one payment."""
    return _one(handle, ReasonForm())


def _one(handle: str, form: ConsoleForm) -> Response:
    return page("mismatch.html", case=_case(handle), handle=handle, form=form, status=form.status)


def _case(handle: str) -> Case:
    with reading() as session:
        return mismatches.find_case(session, mismatch_id=row_of(MISMATCH, handle), prefixes=current_caller().prefixes)


@bp.post("/<string:handle>/refund")
@allow(staff("payments.resolve"))
def send_back(handle: str) -> Response:
    """Ask WeChat what was really paid, and have it go back to who paid it."""
    return _decide(handle, _send_back, said="已转入挂账，等待原路退回")


@bp.post("/<string:handle>/dismiss")
@allow(staff("payments.resolve"))
def dismiss(handle: str) -> Response:
    """It was settled otherwise."""
    return _decide(handle, _dismiss, said="已记录为不退款")


def _decide(handle: str, act: Callable[[Case, str], None], *, said: str) -> Response:
    form, case = ReasonForm(), _case(handle)
    if not current_caller().confirmed:
        raise ConfirmationNeeded
    if form.validate():
        with refusals_on(form):
            act(case, form.reason.data)
            flash(said, "good")
            return go("queues.mismatches")
    return _one(handle, form)


def _send_back(case: Case, note: str) -> None:
    if not case.may_go_back:
        raise MismatchNotRefundable
    state, now = ports().pay.query(mchid=case.mchid or "", out_trade_no=case.out_trade_no), ports().now()
    with transaction() as session:
        mismatches.send_back(session, case=case, state=state, caller=current_caller(), note=note, now=now)


def _dismiss(case: Case, note: str) -> None:
    with transaction() as session:
        mismatches.dismiss(session, case=case, caller=current_caller(), note=note, now=ports().now())
