"""内容审核: what WeChat would not judge, or doubted, and what was approved and has to go after all."""

from base64 import b64encode

from flask import Blueprint, Response, flash

from models import ContentSubject, ReviewStatus
from wxbackend.console.forms import NoteForm, ReasonForm, ViewingForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.queries import ContentQuery
from wxbackend.console.reads.content import ContentFilter, ContentView, list_content, read_content
from wxbackend.content import service as content
from wxbackend.content.rules import LABELS, PERSONAL
from wxbackend.content.service import text_place, trail_name
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports, vault
from wxbackend.honours.rules import mask

bp = Blueprint("content", __name__, url_prefix="/content")


@bp.get("")
@allow(staff("content.review"))
def find() -> Response:
    """What waits, oldest first; with a filter, what was decided."""
    query = read_query(ContentQuery)
    want = ContentFilter(status=query.status, subject=query.subject)
    with reading() as session:
        sheet = list_content(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    return page("content.html", sheet=sheet, query=query, labels=LABELS, statuses=ReviewStatus, subjects=ContentSubject)


@bp.get("/<string:public_id>")
@allow(staff("content.review"))
def show(public_id: str) -> Response:
    """The text or picture itself, a name masked, and the decision."""
    return _one(public_id)


@bp.post("/<string:public_id>/reveal")
@allow(staff("content.review"))
def reveal(public_id: str) -> Response:
    """Show a name this once, for a reason that stays in the trail."""
    form, name = ViewingForm(), None
    if form.validate():
        with refusals_on(form):
            name = _reveal(public_id, form.purpose.data)
    return _one(public_id, viewing=form, revealed=name)


def _reveal(public_id: str, reason: str) -> str | None:
    caller = current_caller()
    with transaction() as session:
        view = read_content(session, public_id=public_id, prefixes=caller.prefixes)
        on, subject = trail_name(view.review), str(view.review.subject)
        now = ports().now()
        audit.record(session, caller=caller, action="content.reveal", on=on, now=now, reason=reason, subject=subject)
    return _text(view)


@bp.post("/<string:public_id>/approve")
@allow(staff("content.review"))
def approve(public_id: str) -> Response:
    """Let it be shown."""
    form = NoteForm()
    if form.validate():
        with refusals_on(form):
            _decide(public_id, approve=True, note=form.note.data or None)
            flash("已通过，内容将按本人的选择公开", "good")
            return go("content.find")
    return _one(public_id, note=form)


@bp.post("/<string:public_id>/reject")
@allow(staff("content.review"))
def reject(public_id: str) -> Response:
    """Keep it from being shown, or take it down."""
    form = ReasonForm()
    if form.validate():
        with refusals_on(form):
            _decide(public_id, approve=False, note=form.reason.data)
            flash("已驳回，内容不再公开", "good")
            return go("content.find")
    return _one(public_id, reason=form)


def _decide(public_id: str, *, approve: bool, note: str | None) -> None:
    caller = current_caller()
    with transaction() as session:
        read_content(session, public_id=public_id, prefixes=caller.prefixes)
        content.decide(session, public_id=public_id, approve=approve, note=note, caller=caller, now=ports().now())


def _one(
    public_id: str,
    *,
    note: NoteForm | None = None,
    reason: ReasonForm | None = None,
    viewing: ViewingForm | None = None,
    revealed: str | None = None,
) -> Response:
    """The page with the form that was sent, if any, as it came back."""
    with reading() as session:
        view = read_content(session, public_id=public_id, prefixes=current_caller().prefixes)
    text, is_personal = _text(view), view.review.subject in PERSONAL
    forms = {"note": note or NoteForm(), "reason": reason or ReasonForm(), "viewing": viewing or ViewingForm()}
    return page(
        "content_item.html",
        view=view,
        text=mask(text) if text and is_personal else text,
        is_personal=is_personal,
        revealed=revealed,
        picture=_picture(view),
        label=LABELS.get(view.review.label or 0),
        status=max(form.status for form in forms.values()),
        **forms,
    )


def _text(view: ContentView) -> str | None:
    review = view.review
    return vault().open_optional(review.text_sealed, place=text_place(review.row_key)) or view.dedication


def _picture(view: ContentView) -> str | None:
    """A ``data:`` address: a picture that nobody approved has none that could be passed on."""
    data = ports().storage.get(view.picture_key) if view.picture_key else None
    return f"data:image/jpeg;base64,{b64encode(data).decode()}" if data else None
