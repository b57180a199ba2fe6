"""Certificates: search, look at, ask for revocation or re-issue, and issue those that waited for glyphs."""

from base64 import b64encode

from flask import Blueprint, Response, flash

from models import CertificateStatus
from wxbackend.console.forms import ConsoleForm, PublicReasonForm, ViewingForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.queries import CertificateQuery, ListQuery
from wxbackend.console.reads.certificates import (
    CertificateFilter,
    find_certificates,
    list_waiting,
    preview_key,
    read_certificate,
)
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Busy
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.honours import service as honours
from wxbackend.honours.service import CertificateNotIssued
from wxbackend.honours.tools import issuing_tools
from wxbackend.staff import approvals
from wxbackend.staff.approvals import Wish

bp = Blueprint("certificates", __name__)


class StillDrawing(Busy):
    code, title = "still-drawing", "图片生成中，请稍后再看"


@bp.get("/certificates")
@allow(staff("certificates.read"))
def find() -> Response:
    """A list with filters; one exact hit is opened at once."""
    query = read_query(CertificateQuery)
    want = CertificateFilter(query.q, query.status, query.issued_from, query.issued_to)
    with reading() as session:
        sheet = find_certificates(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    if query.q and len(sheet.rows) == 1:
        return go("certificates.show", public_id=sheet.rows[0].Certificate.public_id)
    return page("certificates.html", sheet=sheet, query=query, statuses=CertificateStatus)


@bp.get("/certificates/<string:public_id>")
@allow(staff("certificates.read"))
def show(public_id: str) -> Response:
    """One certificate with its picture and its history."""
    return _one(public_id, PublicReasonForm())


def _one(public_id: str, form: ConsoleForm, *, viewing: ConsoleForm | None = None, picture: str = "") -> Response:
    prefixes, viewing = current_caller().prefixes, viewing or ViewingForm()
    with reading() as session:
        view = read_certificate(session, public_id=public_id, prefixes=prefixes)
        is_drawn = preview_key(session, public_id=public_id, prefixes=prefixes) is not None
    status = max(form.status, viewing.status)
    return page(
        "certificate.html", view=view, is_drawn=is_drawn, form=form, viewing=viewing, picture=picture, status=status
    )


@bp.post("/certificates/<string:public_id>/preview")
@allow(staff("certificates.preview"))
def preview(public_id: str) -> Response:
    """Show the picture this once: the full name stands on it, hence a reason that stays in the trail."""
    viewing, picture = ViewingForm(), ""
    if viewing.validate():
        with refusals_on(viewing):
            picture = _look(public_id, purpose=viewing.purpose.data)
    return _one(public_id, PublicReasonForm(), viewing=viewing, picture=picture)


def _look(public_id: str, *, purpose: str) -> str:
    """The picture as a ``data:`` address: it has no address of its own that could be opened without a reason."""
    caller, on = current_caller(), ("certificate", public_id)
    with transaction() as session:
        key = preview_key(session, public_id=public_id, prefixes=caller.prefixes)
        audit.record(session, caller=caller, action="certificate.preview", on=on, now=ports().now(), reason=purpose)
    picture = ports().storage.get(key) if key else None
    if picture is None:
        raise StillDrawing
    return f"data:image/png;base64,{b64encode(picture).decode()}"


@bp.post("/certificates/<string:public_id>/revoke")
@allow(staff("certificates.issue"))
def revoke(public_id: str) -> Response:
    """Ask for a revocation; a second person decides."""
    return _ask(public_id, "certificate.revoke")


@bp.post("/certificates/<string:public_id>/reissue")
@allow(staff("certificates.issue"))
def reissue(public_id: str) -> Response:
    """Ask for a new certificate in place of this one; a second person decides."""
    return _ask(public_id, "certificate.supersede")


def _ask(public_id: str, action: str) -> Response:
    form = PublicReasonForm()
    if form.validate():
        with refusals_on(form):
            _request(public_id, action=action, reason=form.reason.data)
            flash("已提交，请另一位有权限的同事复核", "good")
            return go("certificates.show", public_id=public_id)
    return _one(public_id, form)


def _request(public_id: str, *, action: str, reason: str) -> None:
    caller = current_caller()
    with transaction() as session:
        found = read_certificate(session, public_id=public_id, prefixes=caller.prefixes).certificate
        if found.status is not CertificateStatus.ISSUED:
            raise CertificateNotIssued
        wish = Wish(action, "certificate", found.id, found.county_code, {"reason": reason})
        approvals.request(session, wish=wish, caller=caller, now=ports().now())


@bp.get("/glyphs")
@allow(staff("certificates.read"))
def waiting() -> Response:
    """Certificates that wait because no font draws a character of theirs."""
    query = read_query(ListQuery)
    with reading() as session:
        sheet = list_waiting(session, prefixes=current_caller().prefixes, after=query.after_id)
    return page("waiting.html", sheet=sheet)


@bp.post("/glyphs/<string:public_id>/retry")
@allow(staff("certificates.issue"))
def retry(public_id: str) -> Response:
    """Try again after a font was added."""
    caller = current_caller()
    with transaction() as session:
        read_certificate(session, public_id=public_id, prefixes=caller.prefixes)
        issued = honours.retry_missing_glyphs(
            session, public_id=public_id, caller=caller, tools=issuing_tools(), now=ports().now()
        )
    flash(*(("证书已颁发", "good") if issued else ("仍有字形缺失，请补充字体后再试", "bad")))
    return go("certificates.waiting")
