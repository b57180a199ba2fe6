"""Every trigger is probed: it refuses by name, no ``OR IGNORE`` gets past it, and without it the deed is done."""

from datetime import date

import pytest
from sqlalchemy import Engine, Executable, delete

from models import Certificate, LedgerAccount, PointsRule
from models.base import Base
from models.guard import ACCOUNT_IDENTITY, CERTIFICATE_FACE, LOT_IDENTITY, REFUND_WISH, RULE_IDENTITY
from models.triggers import GUARDS
from tests.ledger.guarded import (
    ALICE,
    BOB,
    BOOK,
    HONOUR,
    MINT,
    STRANGERS,
    account,
    drop_triggers,
    lot,
    refusal,
    rule,
    scratch,
    transfer,
    use,
    variants,
)
from tests.ledger.probes import PROBES, Probe, set_row


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_guard_refuses_and_nothing_else_does(probe: Probe, engine: Engine) -> None:
    dialect = engine.dialect.name
    if dialect not in probe.on:
        assert not any(t.name.endswith("_no_truncate") for t in GUARDS[dialect])  # no such statement there
        return
    with scratch(engine, *BOOK, *STRANGERS, *probe.before) as connection:
        for deed in variants(connection, probe.deed):
            assert refusal(connection, deed) == probe.rule
        drop_triggers(connection, *probe.triggers)
        assert refusal(connection, probe.deed) is None


def test_every_trigger_has_a_probe(engine: Engine) -> None:
    dialect = engine.dialect.name
    probed = {name for probe in PROBES if dialect in probe.on for name in probe.triggers}
    assert {trigger.name for trigger in GUARDS[dialect]} <= probed


def test_ignoring_the_check_of_an_overdraft_creates_nothing(engine: Engine) -> None:
    """A CHECK alone would let ``INSERT OR IGNORE`` credit one side only."""
    deed = transfer(debit_id=ALICE, credit_id=BOB, amount=81)
    with scratch(engine, *BOOK) as connection:
        for variant in variants(connection, deed):
            assert refusal(connection, variant) == "ck_ledger_account_no_overdraft"
        if connection.dialect.name == "sqlite":
            drop_triggers(connection, "ledger_account_derived")
            assert refusal(connection, deed.prefix_with("OR IGNORE")) is None


def test_ignoring_the_check_of_a_lot_takes_nothing(engine: Engine) -> None:
    deed = use(80, 1, 81)
    before = (transfer(79, amount=1), transfer(80, debit_id=ALICE, credit_id=MINT, amount=81))
    with scratch(engine, *BOOK, *before) as connection:
        for variant in variants(connection, deed):
            assert refusal(connection, variant) == "ck_lot_remaining"
        if connection.dialect.name == "sqlite":
            drop_triggers(connection, "lot_derived")
            assert refusal(connection, deed.prefix_with("OR IGNORE")) is None


@pytest.mark.parametrize(
    ("deed", "rule_name"),
    [
        (transfer(idem="t5", credit_id=BOB, amount=7), "ledger_transfer_append_only"),
        (transfer(5, idem="new", credit_id=BOB, amount=7), "ledger_transfer_append_only"),
        (account(owner=f"o{HONOUR}", unit=3), "ledger_account_kept"),
        (lot(transfer_id=1, account_id=ALICE, amount=100), "lot_kept"),
        (use(2, 1, 5), "lot_use_append_only"),
        (rule(1, version=2, valid_from=date(2030, 1, 1), valid_to=None), "points_rule_kept"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_cannot_be_replaced_by_its_key(deed: Executable, rule_name: str, engine: Engine) -> None:
    with scratch(engine, *BOOK) as connection:
        if connection.dialect.name == "sqlite":
            assert refusal(connection, deed.prefix_with("OR REPLACE")) == rule_name  # type: ignore[attr-defined]
        assert refusal(connection, deed) not in {None, rule_name}  # a plain insert meets the key itself


def test_a_rule_may_be_ended_and_followed(engine: Engine) -> None:
    with scratch(engine, *BOOK) as connection:
        assert refusal(connection, set_row(PointsRule, 1, valid_to=date(2026, 6, 30))) is None
        connection.execute(set_row(PointsRule, 1, valid_to=date(2026, 6, 30)))
        assert refusal(connection, rule(version=2, valid_from=date(2026, 7, 1), valid_to=None)) is None


def test_an_applied_certificate_is_filled_in_once(engine: Engine) -> None:
    with scratch(engine, *BOOK, *STRANGERS) as connection:
        drop_triggers(connection, "certificate_frozen", "certificate_kept")
        connection.execute(delete(Certificate))
    applied = STRANGERS[3].values(
        status="applied", **dict.fromkeys(("serial", "token", "content", "content_hash", "jws", "issued_on"))
    )
    with scratch(engine, applied) as connection:
        face = {"serial": "S", "token": "T", "content": {"a": 1}, "content_hash": "h", "jws": "j"}
        connection.execute(set_row(Certificate, 1, status="issued", issued_on=date(2026, 3, 12), **face))
        assert refusal(connection, set_row(Certificate, 1, jws="k")) == "certificate_frozen"
        assert (
            refusal(connection, set_row(Certificate, 1, status="revoked", reason="x", holder_name_sealed=None)) is None
        )


def test_every_frozen_column_exists() -> None:
    frozen = {
        "certificate": CERTIFICATE_FACE,
        "ledger_account": ACCOUNT_IDENTITY,
        "lot": LOT_IDENTITY,
        "points_rule": RULE_IDENTITY,
        "refund": REFUND_WISH,
    }
    for table, columns in frozen.items():
        assert set(columns) <= set(Base.metadata.tables[table].columns.keys())


def test_a_hot_account_takes_not_even_the_effect_of_its_own_transfer(engine: Engine) -> None:
    with scratch(engine, *BOOK) as connection:
        deed = set_row(LedgerAccount, MINT, balance=-50, last_id=4)
        assert {refusal(connection, variant) for variant in variants(connection, deed)} == {"ledger_account_derived"}
