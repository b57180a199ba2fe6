"""Request ids in, security headers out."""

import re

import structlog
from flask import Flask, Response, g, request

from wxbackend.core.ports import ports

REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
#: Pages are served from here alone; no inline script, no frame, no outside address.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "DENY",
}

log = structlog.get_logger()


def register_headers(app: Flask) -> None:
    @app.before_request
    def _name_the_request() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else ports().random_bytes(8).hex()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        is_page = response.mimetype in {"text/html", "text/css", "text/javascript"}
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else API_POLICY)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-ID"] = g.get("request_id", "")
        log.info("request", method=request.method, endpoint=request.endpoint, status=response.status_code)
        return response
