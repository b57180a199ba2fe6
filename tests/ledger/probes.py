"""The probes: for every refusal of a trigger, a deed that it refuses and that nothing else does."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Executable, delete, text, update

from models import (
    Approval,
    AuditEntry,
    Base,
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
from models.triggers import APPEND_ONLY, GUARDS, KEPT
from tests.ledger.guarded import ALICE, BOB, HONOUR, MINT, account, lot, rule, transfer, use

BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Probe:
    """``deed`` is refused by ``rule``, and done once ``triggers`` are dropped. ``before`` prepares it."""

    name: str
    rule: str
    deed: Executable
    triggers: tuple[str, ...]
    before: tuple[Executable, ...] = ()
    on: tuple[str, ...] = BOTH


def _history(table: str, model: type[Base], column: str, value: object, row: int) -> list[Probe]:
    names = (f"{table}_no_update", f"{table}_no_delete", f"{table}_append_only")
    key = next(iter(model.__table__.primary_key))
    return [
        Probe(
            f"{table}: change a row",
            f"{table}_append_only",
            update(model).where(key == row).values({column: value}),
            names,
        ),
        Probe(f"{table}: remove a row", f"{table}_append_only", delete(model).where(key == row), names),
    ]


def _truncate(table: str, rule_name: str) -> Probe:
    every = tuple(t.name for t in GUARDS["postgresql"] if t.name.endswith("_no_truncate"))
    return Probe(f"{table}: empty it", rule_name, text(f"TRUNCATE {table} CASCADE"), every, on=("postgresql",))


def set_row(model: type, row: int, **values: object) -> Executable:
    return update(model).where(model.id == row).values(**values)  # type: ignore[attr-defined]


DERIVED, POST, USE = ("ledger_account_derived",), ("ledger_transfer_post",), ("lot_use_post",)
OVERLAP = ("points_rule_no_overlap", "points_rule_insert_overlap", "points_rule_update_overlap")
OPEN_LOT = (transfer(80, credit_id=BOB, amount=5), lot(80, transfer_id=80, account_id=BOB, amount=5))
PROBES = [
    *_history("ledger_transfer", LedgerTransfer, "memo", "x", 5),
    *_history("lot_use", LotUse, "amount", 31, 2),
    *_history("audit_entry", AuditEntry, "action", "x", 1),
    *_history("pledge_move", PledgeMove, "cause", "x", 1),
    *_history("certificate_move", CertificateMove, "cause", "x", 1),
    *_history("refund_move", RefundMove, "cause", "x", 1),
    *(
        Probe(f"{table}: remove", f"{table}_kept", delete(model).where(model.id == 1), (f"{table}_no_delete",))
        for table, model in (
            ("refund", Refund),
            ("points_debt", PointsDebt),
            ("receipt_request", ReceiptRequest),
            ("recon_item", ReconItem),
        )
    ),
    *(
        Probe(f"refund: another {field}", "refund_fixed", set_row(Refund, 1, **{field: value}), ("refund_fixed",))
        for field, value in (
            ("number", "R2"),
            ("pledge_id", 2),
            ("attempt_id", 2),
            ("county_code", "445222000000"),
            ("reason", "duplicate"),
            ("amount_fen", 2),
            ("tree_count", 2),
            ("from_status", "active"),
        )
    ),
    *(
        Probe(f"refund: {status} after its end", "refund_ended", set_row(Refund, 1, status=status), ("refund_ended",))
        for status in ("requested", "approved", "submitted", "abnormal")
    ),
    *(_truncate(table, f"{table}_append_only") for table in APPEND_ONLY),
    *(_truncate(table, f"{table}_kept") for table in KEPT),
    _truncate("certificate", "certificate_frozen"),
    _truncate("approval", "approval_decided"),
    Probe(
        "ledger_account: remove",
        "ledger_account_kept",
        delete(LedgerAccount).where(LedgerAccount.id == HONOUR),
        ("ledger_account_no_delete",),
    ),
    Probe("lot: remove", "lot_kept", delete(Lot).where(Lot.id == 80), ("lot_no_delete",), OPEN_LOT),
    Probe(
        "points_rule: remove",
        "points_rule_kept",
        delete(PointsRule).where(PointsRule.id == 1),
        ("points_rule_no_delete",),
    ),
    *(
        Probe(
            f"ledger_account: start with {field}",
            "ledger_account_starts_at_zero",
            account(**{field: 1}),
            ("ledger_account_insert",),
        )
        for field in ("balance", "last_id")
    ),
    Probe(
        "ledger_account: start with held",
        "ledger_account_starts_at_zero",
        account(held=1, floor=None),
        ("ledger_account_insert",),
    ),
    *(
        Probe(
            f"ledger_account: another {field}",
            "ledger_account_fixed",
            set_row(LedgerAccount, HONOUR, **{field: value}),
            ("ledger_account_fixed",),
        )
        for field, value in (("unit", 2), ("owner", "x"), ("kind", "fund"), ("floor", None), ("floor", -5), ("id", 91))
    ),
    Probe(
        "ledger_account: become hot",
        "ledger_account_fixed",
        set_row(LedgerAccount, HONOUR, hot=True, floor=None),
        ("ledger_account_fixed",),
    ),
    Probe(
        "ledger_account: write a balance", "ledger_account_derived", set_row(LedgerAccount, ALICE, balance=999), DERIVED
    ),
    Probe("ledger_account: hold by hand", "ledger_account_derived", set_row(LedgerAccount, ALICE, held=1), DERIVED),
    Probe("ledger_account: a hot last_id", "ledger_account_derived", set_row(LedgerAccount, MINT, last_id=4), DERIVED),
    Probe(
        "ledger_account: last_id of another's transfer",
        "ledger_account_derived",
        set_row(LedgerAccount, ALICE, last_id=4),
        DERIVED,
    ),
    Probe(
        "ledger_account: the same effect twice",
        "ledger_account_derived",
        set_row(LedgerAccount, BOB, balance=64, last_id=5),
        DERIVED,
    ),
    Probe("ledger_transfer: two units", "ledger_transfer_one_unit", transfer(credit_id=HONOUR), POST),
    Probe(
        "ledger_transfer: reversal of another amount's sides",
        "ledger_transfer_mirrors",
        transfer(credit_id=BOB, reverses_id=5),
        POST,
    ),
    Probe(
        "ledger_transfer: reversal to a third",
        "ledger_transfer_mirrors",
        transfer(debit_id=BOB, credit_id=ALICE, reverses_id=5),
        POST,
    ),
    Probe(
        "ledger_transfer: reversal of a reversal",
        "ledger_transfer_mirrors",
        transfer(debit_id=ALICE, credit_id=MINT, reverses_id=3),
        POST,
    ),
    Probe(
        "ledger_transfer: reverse more than was booked",
        "ledger_transfer_reversed_once",
        transfer(amount=21, reverses_id=2),
        POST,
    ),
    Probe(
        "lot: more than its transfer", "lot_is_a_credit", lot(transfer_id=5, account_id=BOB, amount=8), ("lot_insert",)
    ),
    Probe(
        "lot: of an account that got nothing",
        "lot_is_a_credit",
        lot(transfer_id=5, account_id=ALICE, amount=7),
        ("lot_insert",),
    ),
    Probe(
        "lot: begun already",
        "lot_is_a_credit",
        lot(transfer_id=5, account_id=BOB, amount=7, remaining=6),
        ("lot_insert",),
    ),
    Probe("lot: of a reversal", "lot_is_a_credit", lot(transfer_id=3, account_id=ALICE, amount=10), ("lot_insert",)),
    *(
        Probe(f"lot: another {field}", "lot_fixed", set_row(Lot, 80, **{field: value}), ("lot_fixed",), OPEN_LOT)
        for field, value in (
            ("account_id", ALICE),
            ("transfer_id", 5),
            ("source", "x"),
            ("purpose", "x"),
            ("expires_on", date(2030, 1, 1)),
            ("id", 81),
        )
    ),
    Probe("lot: a larger amount", "lot_fixed", set_row(Lot, 80, amount=6, remaining=6), ("lot_fixed",), OPEN_LOT),
    Probe("lot: write what remains", "lot_derived", set_row(Lot, 1, remaining=100), ("lot_derived",)),
    Probe(
        "lot_use: of another's lot",
        "lot_use_of_payer",
        use(80, 1, 1),
        USE,
        (transfer(80, debit_id=BOB, credit_id=MINT, amount=1),),
    ),
    Probe(
        "lot_use: a reversed earning from another lot",
        "lot_use_of_payer",
        use(81, 1, 1),
        USE,
        (*OPEN_LOT, transfer(81, debit_id=BOB, credit_id=MINT, amount=1, reverses_id=5)),
    ),
    Probe("lot_use: given back without a reversal", "lot_use_returns", use(80, 1, -1), USE, (transfer(80, amount=1),)),
    Probe(
        "lot_use: given back more than was used",
        "lot_use_returns",
        use(82, 1, -21),
        USE,
        (
            transfer(80, amount=50),
            transfer(81, debit_id=ALICE, credit_id=MINT, amount=30),
            transfer(82, amount=21, reverses_id=81),
        ),
    ),
    Probe(
        "lot_use: more than its transfer",
        "lot_use_within_transfer",
        use(80, 1, 2),
        USE,
        (transfer(80, debit_id=ALICE, credit_id=MINT, amount=1),),
    ),
    Probe(
        "points_rule: overlapping its last day",
        "points_rule_no_overlap",
        rule(version=2, valid_from=date(2026, 12, 31), valid_to=None),
        OVERLAP,
    ),
    Probe(
        "points_rule: overlapping from before",
        "points_rule_no_overlap",
        rule(version=2, valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1)),
        OVERLAP,
    ),
    Probe(
        "points_rule: prolonged into the next",
        "points_rule_no_overlap",
        set_row(PointsRule, 1, valid_to=None),
        OVERLAP,
        (rule(80, version=2, valid_from=date(2027, 1, 1), valid_to=None),),
    ),
    *(
        Probe(
            f"points_rule: another {field}",
            "points_rule_fixed",
            set_row(PointsRule, 1, **{field: value}),
            ("points_rule_fixed",),
        )
        for field, value in (
            ("code", "P98"),
            ("version", 9),
            ("fen_per_green", 1),
            ("fen_per_green", None),
            ("fen_per_honour", 1),
            ("valid_from", date(2026, 2, 1)),
            ("sentence", "x"),
            ("source", "x"),
            ("id", 91),
        )
    ),
    *(
        Probe(
            f"certificate: another {field}",
            "certificate_frozen",
            set_row(Certificate, 1, **{field: value}),
            ("certificate_frozen",),
        )
        for field, value in (
            ("serial", "X"),
            ("kind", "JK"),
            ("pledge_id", 2),
            ("resident_id", 2),
            ("county_code", "x"),
            ("token", "X"),
            ("content", {"a": 2}),
            ("content_hash", "X"),
            ("jws", "X"),
            ("issued_on", date(2026, 3, 13)),
            ("id", 2),
        )
    ),
    Probe(
        "certificate: back to applied",
        "certificate_frozen",
        set_row(
            Certificate,
            1,
            status="applied",
            serial=None,
            token=None,
            content=None,
            content_hash=None,
            jws=None,
            issued_on=None,
        ),
        ("certificate_frozen",),
    ),
    Probe(
        "certificate: remove an issued one",
        "certificate_frozen",
        delete(Certificate).where(Certificate.id == 1),
        ("certificate_kept",),
    ),
    Probe("approval: decide again", "approval_decided", set_row(Approval, 1, status="rejected"), ("approval_decided",)),
    Probe(
        "approval: remove a decided one",
        "approval_decided",
        delete(Approval).where(Approval.id == 1),
        ("approval_kept",),
    ),
]
