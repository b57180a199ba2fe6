"""``Idempotency-Key``: the same request twice gets the same answer, and happens once.

The key row is the first statement of the business transaction. A twin therefore waits for the first to end, and then
finds its answer. Only an answer that was kept survives: a refusal rolls back together with its key.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Response, request
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import IdempotencyKey
from wxbackend.core.caller import Caller
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import Conflict, InvalidInput
from wxbackend.core.ports import ports, vault
from wxbackend.core.sql import insert_into

KEPT = timedelta(days=7)
KEY_LENGTH = 255
LOCK_NOT_AVAILABLE = "55P03"


class KeyReused(InvalidInput):
    code, title = "idempotency-key-reused", "同一 Idempotency-Key 用于了不同的请求"


class StillInFlight(Conflict):
    code, title = "still-in-flight", "相同请求正在处理，请稍后再试"
    retry_after_s = 3


class Replay(Exception):
    """Leaves the block, so that nothing is written, and carries the first answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class KeptAnswer:
    """The answer being built. ``keep`` it inside the block; take ``response()`` after it."""

    def __init__(self, session: Session, *, scope: str, key: str | None, safe: Vault) -> None:
        self._session, self._scope, self._key, self._vault = session, scope, key, safe
        self._response: Response | None = None

    def keep(self, body: BaseModel, status: int, **headers: str) -> None:
        """Fix the answer; with a key, store it sealed in the same transaction."""
        text = body.model_dump_json()
        self._response = _response(text, status, headers)
        if self._key is None:
            return
        kept = self._vault.seal(
            json.dumps({"body": text, "headers": headers}), place=kept_place(self._scope, self._key)
        )
        self._session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.scope == self._scope, IdempotencyKey.key == self._key)
            .values(answer_status=status, answer_sealed=kept)
        )

    def response(self) -> Response:
        if self._response is None:
            raise RuntimeError("no answer was kept")
        return self._response


@contextmanager
def answer_once(session: Session, *, caller: Caller) -> Iterator[KeptAnswer]:
    """Guard a creating request. Raises ``KeyReused``, ``StillInFlight`` (PostgreSQL) or ``Busy`` (SQLite's queue)."""
    key = request.headers.get("Idempotency-Key")
    scope = f"{caller.kind}:{caller.id} {request.method} {request.path}"
    if key is not None:
        _take(session, scope=scope, key=_checked(key), now=ports().now())
    yield KeptAnswer(session, scope=scope, key=key, safe=vault())


def _checked(key: str) -> str:
    if not (1 <= len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidInput.at("/header/Idempotency-Key", "应为 1 至 255 个可打印 ASCII 字符")
    return key


def _fingerprint() -> str:
    return hashlib.sha256(request.get_data()).hexdigest()


def _take(session: Session, *, scope: str, key: str, now: datetime) -> None:
    row = {"scope": scope, "key": key, "fingerprint": _fingerprint(), "expires_at": now + KEPT}
    statement = insert_into(session, IdempotencyKey).values(row).on_conflict_do_nothing()
    try:
        taken = session.execute(statement.returning(IdempotencyKey.key)).scalar()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise StillInFlight from error
        raise
    if taken is None:
        _replay(session, scope=scope, key=key)


def _replay(session: Session, *, scope: str, key: str) -> None:
    row = session.scalars(select(IdempotencyKey).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)).one()
    if row.fingerprint != _fingerprint():
        raise KeyReused
    if row.answer_sealed is None or row.answer_status is None:
        raise StillInFlight
    kept = json.loads(vault().open(row.answer_sealed, place=kept_place(scope, key)))
    raise Replay(_response(kept["body"], row.answer_status, {**kept["headers"], "Idempotent-Replayed": "true"}))


def kept_place(scope: str, key: str) -> str:
    return f"idempotency_key.answer:{scope}:{key}"


def _response(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(
        text, status, headers={k.replace("_", "-"): v for k, v in headers.items()}, mimetype="application/json"
    )
