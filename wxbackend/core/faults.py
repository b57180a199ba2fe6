"""Faults that only an operator can mend: while one stands, no process of the installation is ready."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

import structlog
from flask import current_app, has_app_context
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import PlatformFault
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Busy
from wxbackend.core.sql import insert_into

MINI_CREDENTIALS, PAY_CREDENTIALS, CLOCK_SKEW = "mini-credentials", "pay-credentials", "clock-skew"
#: One process writes the same fault down at most so often.
NOTE_EVERY = timedelta(seconds=60)

log = structlog.get_logger()


def note(session: Session, *, name: str, detail: str, now: datetime) -> None:
    """Write a fault down, or that it was seen again. ``detail`` carries neither a secret nor a person."""
    first = insert_into(session, PlatformFault).values(name=name, since=now, seen_at=now, detail=detail)
    again = {"seen_at": now, "detail": detail}
    session.execute(first.on_conflict_do_update(index_elements=["name"], set_=again))


def clear(session: Session, *, name: str) -> None:
    session.execute(delete(PlatformFault).where(PlatformFault.name == name))


def standing(session: Session) -> frozenset[str]:
    """The names of the faults that stand. Those of a merchant end with a colon and its number."""
    return frozenset(session.scalars(select(PlatformFault.name)))


def of_merchant(mchid: str) -> str:
    return f"{PAY_CREDENTIALS}:{mchid}"


def is_of_credentials(name: str) -> bool:
    """Of the mini-program's, or of a merchant's."""
    return name.partition(":")[0] in {MINI_CREDENTIALS, PAY_CREDENTIALS}


class FaultWatch(Protocol):
    """To whom an adapter tells what only an operator can mend, and that it works (again). Never raises."""

    def failed(self, name: str, detail: str) -> None: ...

    def worked(self, name: str) -> None: ...


class FaultBook:
    """One process's way to the table. It remembers which faults stand, so that a success costs no statement.

    Its methods open transactions of their own: WeChat is never called inside one.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._noted_at: dict[str, datetime] = {}
        self._standing: set[str] = set()
        self._lock = Lock()

    def failed(self, name: str, detail: str) -> None:
        now = self._now()
        with self._lock:
            before = self._noted_at.get(name)
            if name in self._standing and before is not None and now - before < NOTE_EVERY:
                return
            self._standing.add(name)
            self._noted_at[name] = now
        log.error("platform fault", name=name, detail=detail)
        self._write(name, lambda session: note(session, name=name, detail=detail, now=now))

    def worked(self, name: str) -> None:
        with self._lock:
            if name not in self._standing:
                return
            self._standing.discard(name)
        self._write(name, lambda session: clear(session, name=name))

    def recall(self) -> None:
        """Learn which faults stand: the next success ends them, whichever process wrote them down."""
        with reading() as session:
            found = standing(session)
        with self._lock:
            self._standing |= found

    def _write(self, name: str, change: Callable[[Session], None]) -> None:
        """What WeChat said matters more than our note of it: a database that is away is only logged."""
        try:
            with transaction() as session:
                change(session)
        except (Busy, SQLAlchemyError) as error:
            log.warning("fault not written", name=name, kind=type(error).__name__)
            self._forget(name)

    def _forget(self, name: str) -> None:
        """So that the next occasion writes it."""
        with self._lock:
            self._noted_at.pop(name, None)
            self._standing.add(name)


class AppWatch:
    """Tells the book of the application around the call; without one, as in a tool, nobody listens."""

    def failed(self, name: str, detail: str) -> None:
        if has_app_context():
            fault_book().failed(name, detail)

    def worked(self, name: str) -> None:
        if has_app_context():
            fault_book().worked(name)


def fault_book() -> FaultBook:
    found: FaultBook = current_app.extensions["xiangshu.faults"]
    return found
