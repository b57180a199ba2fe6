"""The session, and the one place where transactions begin and end."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from models import Base
from wxbackend.core.errors import Busy

# What is deleted or overwritten leaves the file as well (secure_delete): an erasure is one.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "secure_delete=ON",
    "busy_timeout=3000",
)
QUEUE_TIMEOUT_S = 3

# Rows stay readable after the end of a block: no reload, so no connection is held while we call WeChat.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})
_writing_thread = Lock()


def engine_options(url: str) -> dict[str, Any]:
    """Options of the engine for ``url``: a lock nobody gets within 3 s is ``Busy``, on both databases.

    Values never stand in the message of a database error: such messages are logged.
    """
    if not url.startswith("postgresql"):
        return {"hide_parameters": True}
    waits = f"-c lock_timeout={QUEUE_TIMEOUT_S}s -c timezone=UTC"
    connect = {"options": waits, "connect_timeout": 3}
    return {"hide_parameters": True, "pool_pre_ping": True, "connect_args": connect}


@contextmanager
def transaction(*, patience_s: float = QUEUE_TIMEOUT_S) -> Iterator[Session]:
    """Write: commit at the end, roll back on any exception. Raises ``Busy`` after ``patience_s`` in SQLite's queue."""
    _refuse_to_nest()  # before the queue: a nested block would wait for itself
    with _turn_to_write(patience_s), reading(writes=True) as session:
        yield session
        session.commit()


@contextmanager
def reading(*, writes: bool = False) -> Iterator[Session]:
    """Read; the database refuses a write. Rows are detached at the end, so nothing stale enters the next block."""
    session = _refuse_to_nest()
    with session:
        session.connection(execution_options={"postgresql_readonly": not writes})
        yield session


def _refuse_to_nest() -> Session:
    session = db.session()
    if session.in_transaction():
        raise RuntimeError("transaction() and reading() neither nest nor follow a bare db.session")
    return session


@contextmanager
def _turn_to_write(patience_s: float) -> Iterator[None]:
    """SQLite's own waiting starves writers: threads, then processes, queue from before BEGIN until after COMMIT."""
    if db.engine.dialect.name != "sqlite":
        yield
    elif not _writing_thread.acquire(timeout=patience_s):
        raise Busy
    else:
        try:
            with Path(f"{db.engine.url.database}.queue").open("wb") as turn:  # opened anew: a kept one excludes nobody
                fcntl.flock(turn, fcntl.LOCK_EX)
                yield
        finally:
            _writing_thread.release()


def forget_connections() -> None:
    """After a fork, in the child: leave the parent's connections to the parent, open new ones."""
    db.engine.dispose(close=False)


@event.listens_for(Engine, "connect")
def _set_up(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":  # heeds PostgreSQL's option as well
        reads = connection.get_execution_options().get("postgresql_readonly", False)
        if connection.info.get("query_only") is not reads:  # the PRAGMA expires every prepared statement, triggers too
            connection.exec_driver_sql(f"PRAGMA query_only={int(reads)}")
            connection.info["query_only"] = reads
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
