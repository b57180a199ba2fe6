"""Every CHECK, unique key and foreign key of the ledger is probed: it refuses its violation, and nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Dialect,
    Engine,
    Insert,
    MetaData,
    PrimaryKeyConstraint,
    create_engine,
    literal_column,
)
from sqlalchemy.schema import ColumnCollectionConstraint, Constraint

from models import Base
from tests.ledger.guarded import (
    ALICE,
    BOB,
    BOOK,
    MINT,
    account,
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
    "uq_ledger_account_owner_unit": account(owner=f"o{BOB}"),
    "ck_ledger_account_unit": account(unit=4),
    "ck_ledger_account_owner_length": account(owner=""),
    "ck_ledger_account_no_overdraft": account(balance=-1),
    "ck_ledger_account_held": account(held=-1, balance=5),
    "ck_ledger_account_hot_is_summed": account(hot=True, floor=0),
    "ck_ledger_account_hot": account(hot=literal_column("2"), floor=None),
    "ck_ledger_account_whole_numbers": account(balance=0.5),
    "ck_ledger_transfer_amount": transfer(amount=0),
    "ck_ledger_transfer_two_accounts": transfer(credit_id=MINT),
    "ck_ledger_transfer_idem_length": transfer(idem=""),
    "ck_ledger_transfer_req_length": transfer(req=bytes(31)),
    "ck_ledger_transfer_doc_length": transfer(doc=""),
    "ck_ledger_transfer_memo_length": transfer(memo="x" * 301),
    "ck_ledger_transfer_whole_numbers": transfer(amount=1.5),
    "uq_ledger_transfer_idem": transfer(idem="t5"),
    "fk_ledger_transfer_debit_id": transfer(debit_id=404),
    "fk_ledger_transfer_credit_id": transfer(credit_id=404),
    "fk_ledger_transfer_reverses_id": transfer(reverses_id=404),
    "fk_ledger_transfer_rule_id": transfer(rule_id=404),
    "fk_ledger_transfer_pledge_id": transfer(pledge_id=404),
    "ck_lot_amount": lot(transfer_id=5, account_id=BOB, amount=0),
    "ck_lot_remaining": lot(transfer_id=5, account_id=BOB, amount=7, remaining=8),
    "ck_lot_source_length": lot(transfer_id=5, account_id=BOB, amount=7, source=""),
    "ck_lot_purpose_length": lot(transfer_id=5, account_id=BOB, amount=7, purpose=""),
    "ck_lot_whole_numbers": lot(transfer_id=5, account_id=BOB, amount=7, remaining=0.5),
    "uq_lot_transfer_id": lot(transfer_id=1, account_id=ALICE, amount=100),
    "fk_lot_account_id": lot(transfer_id=5, account_id=404, amount=7),
    "fk_lot_transfer_id": lot(transfer_id=404, account_id=BOB, amount=7),
    "pk_lot_use": use(2, 1, 1),
    "ck_lot_use_amount": use(4, 1, 0),
    "ck_lot_use_whole_numbers": use(4, 1, 0.5),  # type: ignore[arg-type]
    "fk_lot_use_transfer_id": use(404, 1, 1),
    "fk_lot_use_lot_id": use(4, 404, 1),
    "ck_points_rule_version": rule(version=0),
    "ck_points_rule_fen_per_green": rule(version=2, fen_per_green=0),
    "ck_points_rule_fen_per_honour": rule(version=2, fen_per_honour=0),
    "ck_points_rule_dates_in_order": rule(version=2, valid_to=date(2025, 1, 1)),
    "ck_points_rule_code_length": rule(version=2, code=""),
    "ck_points_rule_sentence_length": rule(version=2, sentence=""),
    "ck_points_rule_source_length": rule(version=2, source="x" * 201),
    "ck_points_rule_whole_numbers": rule(version=2, fen_per_honour=1.5),
    "fk_points_rule_county_code": rule(county_code="404"),
}
LITE_ONLY = {name for name in PROBES if name.endswith("whole_numbers")} | {"ck_ledger_account_hot"}
LITE_WORDS = {"uq": "UNIQUE constraint failed", "pk": "UNIQUE constraint failed", "fk": "FOREIGN KEY constraint failed"}


def belongs(constraint: Constraint, dialect: Dialect) -> bool:
    """Whether it exists on this dialect and is more than the key of an ``id``."""
    rule = constraint._ddl_if
    if isinstance(constraint, PrimaryKeyConstraint):
        return [column.name for column in constraint] != ["id"]
    return rule is None or rule.dialect == dialect.name


def constraints(metadata: MetaData, dialect: Dialect) -> dict[str, Constraint]:
    """Every constraint of the ledger's tables by the name it has in the database."""
    naming = dialect.identifier_preparer
    found = (c for name in TABLES for c in metadata.tables[name].constraints if belongs(c, dialect))
    return {str(naming.format_constraint(c)): c for c in found}


def test_every_constraint_has_a_probe(engine: Engine) -> None:
    known = set(PROBES) if engine.dialect.name == "sqlite" else set(PROBES) - LITE_ONLY
    assert set(constraints(Base.metadata, engine.dialect)) == known


@contextmanager
def lite_without(name: str | None) -> Iterator[Connection]:
    """An SQLite database of the ledger without triggers and without the constraint ``name``; it holds the book."""
    metadata, engine = MetaData(naming_convention=Base.metadata.naming_convention), create_engine("sqlite://")
    for table in Base.metadata.tables.values():
        table.to_metadata(metadata)
    if name is not None:
        constraint = constraints(metadata, engine.dialect)[name]
        assert isinstance(constraint, ColumnCollectionConstraint | CheckConstraint)
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
    if engine.dialect.name != "sqlite" and name in LITE_ONLY:
        assert name not in constraints(Base.metadata, engine.dialect)  # a column there holds nothing but its type
        return
    with unguarded(engine) as connection:
        said = refusal(connection, PROBES[name])
    assert said is not None
    assert said.startswith(name if engine.dialect.name != "sqlite" else LITE_WORDS.get(name[:2], name))
    with without(engine, name) as connection:
        assert refusal(connection, PROBES[name]) is None


def test_two_rules_for_everywhere_cannot_share_a_version(engine: Engine) -> None:
    with scratch(engine, *BOOK) as connection:
        drop_triggers(connection)
        assert refusal(connection, rule(code="P99")) is not None
        connection.exec_driver_sql("DROP INDEX uq_points_rule_version")
        assert refusal(connection, rule(code="P99")) is None
