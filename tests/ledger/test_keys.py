"""Every foreign key of the ledger is probed: it refuses its violation, and nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    ForeignKeyConstraint,
    Insert,
    MetaData,
    PrimaryKeyConstraint,
    create_engine,
)
from sqlalchemy.schema import Constraint

from models import Base
from tests.ledger.guarded import (
    BOB,
    BOOK,
    drop_triggers,
    lot,
    refusal,
    rule,
    scratch,
    transfer,
    use,
)

TABLES = ("ledger_account", "ledger_transfer", "lot", "lot_use", "points_rule")
PROBES: dict[str, Insert] = {
    "fk_ledger_transfer_debit_id": transfer(debit_id=404),
    "fk_ledger_transfer_credit_id": transfer(credit_id=404),
    "fk_ledger_transfer_reverses_id": transfer(reverses_id=404),
    "fk_ledger_transfer_rule_id": transfer(rule_id=404),
    "fk_ledger_transfer_pledge_id": transfer(pledge_id=404),
    "fk_lot_account_id": lot(transfer_id=5, account_id=404, amount=7),
    "fk_lot_transfer_id": lot(transfer_id=404, account_id=BOB, amount=7),
    "pk_lot_use": use(2, 1, 1),
    "fk_lot_use_transfer_id": use(404, 1, 1),
    "fk_lot_use_lot_id": use(4, 404, 1),
    "fk_points_rule_county_code": rule(county_code="404"),
}
LITE_WORDS = {"pk": "UNIQUE constraint failed", "fk": "FOREIGN KEY constraint failed"}


def belongs(constraint: Constraint) -> bool:
    """Whether it refers to a row, or is the key of one by more than its ``id``."""
    if isinstance(constraint, PrimaryKeyConstraint):
        return [column.name for column in constraint] != ["id"]
    return isinstance(constraint, ForeignKeyConstraint)


def constraints(metadata: MetaData, dialect: Dialect) -> dict[str, Constraint]:
    """Every key of the ledger's tables by the name it has in the database."""
    naming = dialect.identifier_preparer
    found = (c for name in TABLES for c in metadata.tables[name].constraints if belongs(c))
    return {str(naming.format_constraint(c)): c for c in found}


def test_every_constraint_has_a_probe(engine: Engine) -> None:
    assert set(constraints(Base.metadata, engine.dialect)) == set(PROBES)


@contextmanager
def lite_without(name: str | None) -> Iterator[Connection]:
    """An SQLite database of the ledger without triggers and without the constraint ``name``; it holds the book."""
    metadata, engine = MetaData(naming_convention=Base.metadata.naming_convention), create_engine("sqlite://")
    for table in Base.metadata.tables.values():
        table.to_metadata(metadata)
    if name is not None:
        constraint = constraints(metadata, engine.dialect)[name]
        assert isinstance(constraint, PrimaryKeyConstraint | ForeignKeyConstraint)
        constraint.table.constraints.discard(constraint)
        if isinstance(constraint, PrimaryKeyConstraint):  # it cannot be taken away, only widened
            for column in constraint.table.columns:
                column.primary_key = True
            constraint.table.append_constraint(PrimaryKeyConstraint(*constraint.table.columns.keys()))
    with engine.begin() as connection:
        metadata.create_all(connection, tables=[metadata.tables[name] for name in (*TABLES, "pledge", "region")])
        for statement in BOOK:
            connection.execute(statement)
        yield connection
    engine.dispose()


@contextmanager
def without(engine: Engine, name: str) -> Iterator[Connection]:
    """The book without triggers and without the constraint ``name``."""
    if engine.dialect.name == "sqlite":
        with lite_without(name) as connection:
            yield connection
        return
    with scratch(engine, *BOOK) as connection:
        drop_triggers(connection)
        table = constraints(Base.metadata, engine.dialect)[name].table
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DROP CONSTRAINT {name}")
        yield connection


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """The book with every constraint and no trigger."""
    if engine.dialect.name == "sqlite":
        with lite_without(None) as connection:
            yield connection
        return
    with scratch(engine, *BOOK) as connection:
        drop_triggers(connection)
        yield connection


@pytest.mark.parametrize("name", PROBES)
def test_a_constraint_refuses_and_nothing_else_does(engine: Engine, name: str) -> None:
    with unguarded(engine) as connection:
        said = refusal(connection, PROBES[name])
    assert said is not None
    assert said.startswith(name if engine.dialect.name != "sqlite" else LITE_WORDS[name[:2]])
    with without(engine, name) as connection:
        assert refusal(connection, PROBES[name]) is None


def test_two_rules_for_everywhere_cannot_share_a_version(engine: Engine) -> None:
    with scratch(engine, *BOOK) as connection:
        drop_triggers(connection)
        assert refusal(connection, rule(code="P99")) is not None
        connection.exec_driver_sql("DROP INDEX uq_points_rule_version")
        assert refusal(connection, rule(code="P99")) is None
