"""The OpenAPI document and its reader, served from the installed package: no outside address."""

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify, render_template, send_from_directory
from flask.typing import ResponseReturnValue

from wxbackend.core.errors import NotFound
from wxbackend.core.policies import allow, public
from wxbackend.core.ports import settings

bp = Blueprint("docs", __name__, template_folder="templates", static_folder=None)
ASSETS = Path(str(files("flask_openapi_swagger"))) / "templates" / "swagger"
OURS = Path(__file__).parent / "static"
#: The reader writes style attributes into its own elements; scripts still come from files only.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _only_where_open() -> None:
    if not settings().docs_open:
        raise NotFound


@bp.get("/openapi.json")
@allow(public)
def openapi_document() -> ResponseReturnValue:
    """The document of this API (OpenAPI 3.1)."""
    _only_where_open()
    return jsonify(current_app.api_doc)  # type: ignore[attr-defined]


@bp.get("/docs")
@allow(public)
def docs() -> ResponseReturnValue:
    """A reader for the document."""
    _only_where_open()
    return Response(render_template("docs.html"), headers={"Content-Security-Policy": DOCS_POLICY})


@bp.get("/docs/assets/<path:name>")
@allow(public)
def docs_asset(name: str) -> ResponseReturnValue:
    _only_where_open()
    return send_from_directory(OURS if name == "docs.js" else ASSETS, name, max_age=86400)
