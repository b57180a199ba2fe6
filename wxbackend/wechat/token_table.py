"""The access token in the database: one for all processes of an installation without Redis."""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import get_ident
from time import sleep

from sqlalchemy import or_, update
from sqlalchemy.exc import SQLAlchemyError

from models import StoredAccessToken
from wxbackend.core.crypto import Undecipherable, place_of
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Busy
from wxbackend.core.ports import utc_now, vault
from wxbackend.core.sql import insert_into
from wxbackend.wechat.tokens import LOCK_LIFE_S, LOCK_WAIT_S, AccessToken, MemoryTokenStore

LOOK_AGAIN_S = 0.1
AWAY = (Busy, SQLAlchemyError)

log = logging.getLogger(__name__)


class DatabaseTokenStore:
    """Needs an application around it, and no open transaction: none is held while WeChat is asked.

    While the database is away, this process remembers for itself.
    """

    def __init__(
        self,
        *,
        appid: str,
        wait_s: float = LOCK_WAIT_S,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._appid = appid
        self._tries = max(1, round(wait_s / LOOK_AGAIN_S))
        self._now = now
        self._pause = pause
        self._place = place_of("access_token", "token_sealed", appid)
        self._spare = MemoryTokenStore(wait_s=wait_s)

    def get(self) -> AccessToken | None:
        try:
            row = self._row()
        except AWAY as error:
            log.warning("token table unreachable: %s", type(error).__name__)
            return self._spare.get()
        return None if row is None else self._opened(row)

    def set(self, token: AccessToken) -> None:
        self._spare.set(token)
        kept = {"token_sealed": vault().seal(token.value, place=self._place), "expires_at": token.expires_at}
        try:
            with transaction() as session:
                first = insert_into(session, StoredAccessToken).values(appid=self._appid, **kept)
                session.execute(first.on_conflict_do_update(index_elements=["appid"], set_=kept))
        except AWAY as error:
            log.warning("token table unreachable: %s", type(error).__name__)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """A mark in the row, which outlives no process by more than its life."""
        holder = f"{socket.gethostname()}:{os.getpid()}:{get_ident()}"
        with self._spare.lock():
            held = self._acquired(holder)
            try:
                yield
            finally:
                if held:
                    self._release(holder)

    def _row(self) -> StoredAccessToken | None:
        with reading() as session:
            return session.get(StoredAccessToken, self._appid)

    def _opened(self, row: StoredAccessToken) -> AccessToken | None:
        if row.token_sealed is None or row.expires_at is None:
            return None
        try:
            return AccessToken(vault().open(row.token_sealed, place=self._place), row.expires_at)
        except Undecipherable:  # its key is gone: fetch anew and overwrite it
            log.warning("the stored token does not open")
            return None

    def _acquired(self, holder: str) -> bool:
        try:
            for _ in range(self._tries):
                if self._is_free() and self._take(holder):
                    return True
                self._pause(LOOK_AGAIN_S)
        except AWAY as error:
            log.warning("token lock unreachable: %s", type(error).__name__)
        return False

    def _is_free(self) -> bool:
        """Looked at first: whoever waits does not stand in the queue of those who write."""
        row = self._row()
        return row is None or row.lock_until is None or row.lock_until < self._now()

    def _take(self, holder: str) -> bool:
        """One statement decides between two that saw it free."""
        now = self._now()
        mark = {"lock_holder": holder, "lock_until": now + timedelta(seconds=LOCK_LIFE_S)}
        until = StoredAccessToken.lock_until
        with transaction() as session:
            first = insert_into(session, StoredAccessToken).values(appid=self._appid, **mark)
            again = first.on_conflict_do_update(
                index_elements=["appid"], set_=mark, where=or_(until.is_(None), until < now)
            )
            return session.scalar(again.returning(StoredAccessToken.appid)) is not None

    def _release(self, holder: str) -> None:
        mine = (StoredAccessToken.appid == self._appid, StoredAccessToken.lock_holder == holder)
        try:
            with transaction() as session:
                session.execute(update(StoredAccessToken).where(*mine).values(lock_holder=None, lock_until=None))
        except AWAY as error:  # it ends by itself
            log.warning("token lock not released: %s", type(error).__name__)
