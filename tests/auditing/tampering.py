"""Lift what forbids a falsification, falsify, and put the guards back: all in one transaction that is rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session

from models.triggers import GUARDS
from tests.auditing.healthy import Healthy
from wxbackend.auditing.service import Report, audit
from wxbackend.core.db import engine_options

_CHECKS = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid > 0"


@contextmanager
def rolled_back(healthy: Healthy) -> Iterator[Connection]:
    """A transaction on the healthy database that leaves nothing behind."""
    engine = create_engine(healthy.url, **engine_options(healthy.url))
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """Without triggers, references and CHECKs; triggers and references watch again afterwards."""
    if connection.dialect.name == "sqlite":
        for statement in ("PRAGMA defer_foreign_keys=ON", "PRAGMA ignore_check_constraints=ON"):
            connection.exec_driver_sql(statement)
        for guard in GUARDS["sqlite"]:
            connection.exec_driver_sql(guard.drop)
        yield
        for guard in GUARDS["sqlite"]:
            connection.exec_driver_sql(guard.create)
    else:
        for table, name in connection.exec_driver_sql(_CHECKS).all():
            connection.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        connection.exec_driver_sql("SET LOCAL session_replication_role = origin")


def falsify(connection: Connection, statement: str) -> None:
    """Run one statement that every guard would refuse; it must hit something."""
    connection.exec_driver_sql("DROP INDEX uq_certificate_live")
    with unguarded(connection):
        assert connection.execute(text(statement.replace(":", r"\:"))).rowcount >= 1, statement


def look(connection: Connection, healthy: Healthy) -> Report:
    with Session(bind=connection) as session:
        return audit(session, storage=healthy.storage, code_keys=healthy.code_keys)


def named(report: Report) -> set[str]:
    return {violation.check for violation in report.violations}
