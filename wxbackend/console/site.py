"""The staff site's table of contents: one blueprint, its pages, and what happens around every request."""

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from wxbackend.console import (
    approvals,
    catalogue,
    certificates,
    content,
    entrance,
    mismatches,
    pledges,
    procurement,
    queues,
    receipts,
    reconciliation,
    refund_wishes,
    refunds,
    trail,
    workbench,
)
from wxbackend.console.forms import CodeForm
from wxbackend.console.frame import HOME, SAFE_METHODS, SEE_OTHER, is_ours, page, refuse_forged_forms
from wxbackend.core.errors import NotFound, NotSignedIn
from wxbackend.core.policies import allow, public
from wxbackend.staff.errors import ConfirmationNeeded

OURS = Path(__file__).parent / "static"
BOOTSTRAP = Path(str(files("flask_bootstrap"))) / "static" / "bootstrap5" / "css"
#: Everything the pages load, and where it is installed. Nothing comes from outside.
ASSETS = {"bootstrap.min.css": BOOTSTRAP, "console.css": OURS, "icon.svg": OURS}
ASSET_AGE_S = 86_400
PROBLEM_TYPE = "application/problem+json"

bp = Blueprint("console", __name__, url_prefix=HOME, template_folder="templates")
PAGES = (
    workbench.bp,
    pledges.bp,
    refund_wishes.bp,
    refunds.bp,
    receipts.bp,
    procurement.bp,
    certificates.bp,
    content.bp,
    catalogue.bp,
    queues.bp,
    mismatches.bp,
    reconciliation.bp,
    approvals.bp,
    trail.bp,
    entrance.bp,
)
for child in PAGES:
    bp.register_blueprint(child)

bp.before_request(refuse_forged_forms)


@bp.get("/assets/<string:name>")
@allow(public)
def asset(name: str) -> Response:
    """A style sheet or picture of these pages."""
    if name not in ASSETS:
        raise NotFound
    return send_from_directory(ASSETS[name], name, max_age=ASSET_AGE_S)


@bp.errorhandler(NotSignedIn)
def _to_sign_in(_: NotSignedIn) -> ResponseReturnValue:
    """Back to the page asked for afterwards; a form that was sent is not sent again."""
    asked = request.full_path.rstrip("?") if request.method in SAFE_METHODS else HOME
    return redirect(url_for("console.entrance.ask", next=asked), SEE_OTHER)


@bp.errorhandler(ConfirmationNeeded)
def _to_confirm(problem: ConfirmationNeeded) -> ResponseReturnValue:
    """Ask for a code and come back to the page with the form."""
    came_from = urlsplit(request.referrer or HOME)
    back = f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
    return page("confirm.html", form=CodeForm(), back=back if is_ours(back) else HOME, status=problem.status)


@bp.after_app_request
def _problem_as_page(response: Response) -> Response:
    """Browsers get a refusal as a page with the same status; programs keep the document."""
    ours = request.path == HOME or request.path.startswith(f"{HOME}/")
    if response.mimetype != PROBLEM_TYPE or not ours or "text/html" not in request.headers.get("Accept", ""):
        return response
    shown = page("problem.html", problem=response.get_json(), status=response.status_code)
    response.data, response.content_type = shown.data, shown.content_type
    return response
