"""苗木采购: finance says that the seedlings of a base are bought, which ends the grace for changed minds."""

from flask import Blueprint, Response, flash

from models import PlantingBase
from wxbackend.bases import service as bases
from wxbackend.console.frame import go, page, refusals_on
from wxbackend.console.reads.catalogue import read_thing
from wxbackend.console.refund_forms import ProcurementForm
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.staff.errors import ConfirmationNeeded

bp = Blueprint("procurement", __name__, url_prefix="/bases")


@bp.get("/<string:public_id>/procurement")
@allow(staff("bases.procure"))
def ask(public_id: str) -> Response:
    """What it means, before it is done."""
    return _show(public_id, ProcurementForm())


@bp.post("/<string:public_id>/procurement")
@allow(staff("bases.procure"))
def mark(public_id: str) -> Response:
    """Mark the seedlings as bought: for good, hence with a fresh code."""
    form, caller = ProcurementForm(), current_caller()
    _read(public_id)
    if not caller.confirmed:
        raise ConfirmationNeeded
    if form.validate():
        with refusals_on(form):
            with transaction() as session:
                bases.mark_procured(session, base_id=public_id, caller=caller, now=ports().now())
            flash("已登记苗木采购", "good")
            return go("procurement.ask", public_id=public_id)
    return _show(public_id, form)


def _read(public_id: str) -> PlantingBase:
    with reading() as session:
        return read_thing(session, PlantingBase, public_id=public_id, prefixes=current_caller().prefixes)


def _show(public_id: str, form: ProcurementForm) -> Response:
    return page("procurement.html", base=_read(public_id), form=form, status=form.status)
