"""Asking for a refund on somebody's behalf, from the page of the pledge. Another person decides."""

from flask import Blueprint, Response, flash

from models import RefundReason
from wxbackend.console import words
from wxbackend.console.frame import go, page, refusals_on
from wxbackend.console.reads.refunds import Refundable, read_refundable
from wxbackend.console.refund_forms import RefundWishForm
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.pledges.views import refund_policy
from wxbackend.refunds import service as refunds
from wxbackend.refunds.rules import RefundWish, refund_number

bp = Blueprint("refund_wishes", __name__, url_prefix="/pledges")


@bp.get("/<string:number>/refund")
@allow(staff("refunds.request"))
def ask(number: str) -> Response:
    """The form, with the reasons that are heard for this pledge today."""
    return _show(_read(number), RefundWishForm())


@bp.post("/<string:number>/refund")
@allow(staff("refunds.request"))
def request(number: str) -> Response:
    """Freeze the pledge until somebody else has decided."""
    found, form = _read(number), RefundWishForm()
    form.reason.choices = _choices(found)
    if form.validate():
        with refusals_on(form):
            return go("refunds.show", number=_request(number, form))
    return _show(found, form)


def _request(number: str, form: RefundWishForm) -> str:
    caller, ask, now = current_caller(), ports(), ports().now()
    wish = RefundWish(RefundReason(form.reason.data), form.tree_count.data, form.explanation.data)
    by = refunds.Asker("staff", caller.id, caller.prefixes)
    refund_no = refund_number(now, ask.random_bytes(7))
    with transaction() as session:
        refunds.request_refund(session, pledge_number=number, wish=wish, by=by, number=refund_no, now=now)
    flash("已提交，请另一位财务同事审批", "good")
    return refund_no


def _read(number: str) -> Refundable:
    with reading() as session:
        return read_refundable(session, number=number, prefixes=current_caller().prefixes)


def _choices(found: Refundable) -> list[tuple[str, str]]:
    if found.pledge.paid_at is None:
        return []
    allows = refund_policy(found.pledge, procured_at=found.base.procured_at, now=ports().now())
    return [(str(reason), words.title(reason)) for reason in allows.reasons]


def _show(found: Refundable, form: RefundWishForm) -> Response:
    form.reason.choices = _choices(found)
    return page("refund_wish.html", found=found, form=form, status=form.status)
