"""Names for rows that have no public id: signed, so that nobody counts or guesses them."""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from wxbackend.core.errors import NotFound


def handle_of(kind: str, row_id: int) -> str:
    return str(_signer(kind).dumps(row_id))


def row_of(kind: str, handle: str) -> int:
    """The row behind a handle of ``kind``. Raises ``NotFound`` for anything we did not sign."""
    try:
        return int(_signer(kind).loads(handle))
    except BadSignature as error:
        raise NotFound from error


def _signer(kind: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=f"console.{kind}")
