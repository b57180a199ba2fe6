"""A small book in which every guard can be tried, and the ways to take one guard away."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Insert, Update, insert
from sqlalchemy.exc import IntegrityError

from models import (
    Approval,
    ApprovalStatus,
    AuditEntry,
    Certificate,
    CertificateMove,
    LedgerAccount,
    LedgerTransfer,
    Lot,
    LotUse,
    PledgeMove,
    PointsDebt,
    PointsRule,
    ReceiptRequest,
    ReconItem,
    Refund,
    RefundMove,
)
from models.triggers import GUARDS
from tests.ledger.books import NOON

MINT, ALICE, BOB, HONOUR, FRESH = 1, 2, 3, 4, 90


def account(row_id: int = FRESH, **changes: Any) -> Insert:
    row = {"id": row_id, "unit": 2, "owner": f"o{row_id}", "kind": "resident", "floor": 0, "hot": False}
    return insert(LedgerAccount).values({**row, "balance": 0, "held": 0, "last_id": 0, **changes})


def transfer(row_id: int = FRESH, *, debit_id: int = MINT, credit_id: int = ALICE, **changes: Any) -> Insert:
    row = {"id": row_id, "idem": f"t{row_id}", "req": bytes(32), "doc": "d", "code": "spend", "amount": 1}
    rest = {"debit_id": debit_id, "credit_id": credit_id, "at": NOON, "memo": ""}
    return insert(LedgerTransfer).values({**row, **rest, **changes})


def lot(row_id: int = FRESH, *, transfer_id: int, account_id: int, amount: int, **changes: Any) -> Insert:
    row = {"id": row_id, "transfer_id": transfer_id, "account_id": account_id, "amount": amount, "remaining": amount}
    return insert(Lot).values({**row, "source": "s", "purpose": "p", "expires_on": None, **changes})


def use(transfer_id: int, lot_id: int, amount: int) -> Insert:
    return insert(LotUse).values(transfer_id=transfer_id, lot_id=lot_id, amount=amount)


def rule(row_id: int = FRESH, **changes: Any) -> Insert:
    row = {"id": row_id, "code": "P99", "county_code": None, "version": 1, "fen_per_green": 1000, "fen_per_honour": 100}
    days = {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}
    return insert(PointsRule).values({**row, **days, "sentence": "每满10元得1分", "source": "", **changes})


#: Alice earned 100 in lot 1 and spent 30 of it; 10 of those came back. Bob earned 50 without a lot.
BOOK: tuple[Insert, ...] = (
    account(MINT, kind="issue", floor=None, hot=True),
    account(ALICE),
    account(BOB),
    account(HONOUR, unit=3),
    transfer(1, amount=100),
    lot(1, transfer_id=1, account_id=ALICE, amount=100),
    transfer(2, debit_id=ALICE, credit_id=MINT, amount=30),
    use(2, 1, 30),
    transfer(3, debit_id=MINT, credit_id=ALICE, amount=10, reverses_id=2),
    use(3, 1, -10),
    transfer(4, credit_id=BOB, amount=50),
    transfer(5, credit_id=BOB, amount=7),
    rule(1),
)
#: One row of each guarded table of other features; what they refer to does not exist.
_FACE = {"serial": "S", "token": "T", "content": {"a": 1}, "content_hash": "h", "jws": "j"}
STRANGERS: tuple[Insert, ...] = (
    insert(AuditEntry).values(
        id=1, at=NOON, actor_kind="system", action="a", object_kind="k", object_key="1", details={}
    ),
    insert(PledgeMove).values(id=1, pledge_id=1, to_status="pending", cause="c", at=NOON),
    insert(CertificateMove).values(id=1, certificate_id=1, to_status="applied", cause="c", at=NOON),
    insert(Certificate).values(
        id=1,
        public_id="c",
        kind="RZ",
        status="issued",
        pledge_id=1,
        resident_id=1,
        county_code="445281000000",
        row_key="r",
        issued_on=date(2026, 3, 12),
        created_at=NOON,
        **_FACE,
    ),
    insert(Approval).values(
        id=1,
        action="a",
        object_kind="k",
        object_id=1,
        county_code="445281000000",
        details={},
        status=ApprovalStatus.APPROVED,
        requested_by=1,
        requested_at=NOON,
        decided_by=2,
        decided_at=NOON,
    ),
    insert(Refund).values(
        id=1,
        number="R",
        pledge_id=1,
        attempt_id=1,
        county_code="445281000000",
        reason="mistake",
        amount_fen=1,
        tree_count=1,
        from_status="allocated",
        requested_by_kind="system",
        requested_at=NOON,
        status="closed",
        try_count=0,
    ),
    insert(RefundMove).values(id=1, refund_id=1, to_status="requested", cause="c", at=NOON),
    insert(PointsDebt).values(id=1, resident_id=1, pledge_id=1, refund_id=1, amount=2, remaining=1, created_at=NOON),
    insert(ReceiptRequest).values(
        id=1,
        public_id="p",
        pledge_id=1,
        resident_id=1,
        county_code="445281000000",
        row_key="r",
        amount_fen=1,
        status="requested",
        requested_at=NOON,
    ),
    insert(ReconItem).values(
        id=1,
        mchid="m",
        bill_on=date(2026, 3, 12),
        subject="payment",
        key="k",
        queue="amount_differs",
        status="open",
        bill_fen=1,
        our_fen=2,
        found_at=NOON,
    ),
)
_REFERRING = (
    *("audit_entry", "pledge_move", "certificate_move", "certificate", "approval"),
    *("refund", "refund_move", "points_debt", "receipt_request", "recon_item"),
)


@contextmanager
def scratch(engine: Engine, *statements: Executable) -> Iterator[Connection]:
    """A transaction that is rolled back, in which ``statements`` ran and foreign keys of other features are asleep."""
    with engine.connect() as connection, connection.begin() as work:
        _forget_references(connection)
        for statement in statements:
            connection.execute(statement)
        yield connection
        work.rollback()


def _forget_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        return
    found = connection.exec_driver_sql(
        "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f'"
        f" AND conrelid::regclass::text IN {_REFERRING}"
    )
    for table, name in found.all():
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def refusal(connection: Connection, statement: Executable) -> str | None:
    """The name of the rule that refuses ``statement``, or ``None``; the transaction goes on as if it had not run."""
    try:
        with connection.begin_nested() as attempt:
            connection.execute(statement)
            attempt.rollback()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        name = diagnosis.constraint_name if diagnosis else str(error.orig)
        return str(name).removeprefix("CHECK constraint failed: ")
    return None


def drop_triggers(connection: Connection, *names: str) -> None:
    """Drop the triggers of these names; without names, all of them."""
    for trigger in GUARDS[connection.dialect.name]:
        if not names or trigger.name in names:
            connection.exec_driver_sql(trigger.drop)


def variants(connection: Connection, statement: Executable) -> list[Executable]:
    """The statement, and on SQLite its ways of asking to be forgiven."""
    if connection.dialect.name == "sqlite" and isinstance(statement, Insert | Update):
        words = ("OR IGNORE", "OR FAIL", "OR REPLACE", "OR ABORT")
        return [statement, *(statement.prefix_with(word) for word in words)]
    return [statement]
