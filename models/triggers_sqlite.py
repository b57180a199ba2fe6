"""Trigger texts for SQLite. ``IS NOT`` compares NULLs too; a row exists where a ``WHERE`` is true, and raises."""

# ruff: noqa: S608 -- every part of these texts is a constant of the project

from collections.abc import Iterable, Iterator

from models.guard import ACCOUNT_IDENTITY, CERTIFICATE_FACE, LOT_IDENTITY, REFUND_WISH, RULE_IDENTITY, Trigger


def _trigger(table: str, name: str, when: str, *body: str) -> Trigger:
    lines = "\n".join(f"  {statement};" for statement in body)
    create = f"CREATE TRIGGER {name} {when} ON {table} BEGIN\n{lines}\nEND"
    return Trigger(table, name, create, f"DROP TRIGGER {name}")


def _refuse(rule: str, where: str = "") -> str:
    return f"SELECT RAISE(ABORT, '{rule}')" + (f" WHERE {where}" if where else "")


def _changed(columns: Iterable[str]) -> str:
    return "(" + " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns) + ")"


def _append_only(table: str) -> Iterator[Trigger]:
    yield _trigger(table, f"{table}_no_update", "BEFORE UPDATE", _refuse(f"{table}_append_only"))
    yield _trigger(table, f"{table}_no_delete", "BEFORE DELETE", _refuse(f"{table}_append_only"))


def _kept(table: str) -> Trigger:
    return _trigger(table, f"{table}_no_delete", "BEFORE DELETE", _refuse(f"{table}_kept"))


_ACCOUNT = (
    _trigger(
        "ledger_account",
        "ledger_account_insert",
        "BEFORE INSERT",
        _refuse("ledger_account_starts_at_zero", "NEW.balance <> 0 OR NEW.held <> 0 OR NEW.last_id <> 0"),
    ),
    _trigger(
        "ledger_account",
        "ledger_account_fixed",
        "BEFORE UPDATE",
        _refuse("ledger_account_fixed", _changed(ACCOUNT_IDENTITY)),
    ),
    # A balance moves by exactly what a transfer newer than the last one says.
    _trigger(
        "ledger_account",
        "ledger_account_derived",
        "BEFORE UPDATE",
        _refuse(
            "ledger_account_derived",
            f"{_changed(('balance', 'held', 'last_id'))} AND NOT (NOT OLD.hot AND NEW.held IS OLD.held"
            " AND typeof(NEW.balance) = 'integer' AND NEW.last_id > OLD.last_id AND EXISTS ("
            "SELECT 1 FROM ledger_transfer t WHERE t.id = NEW.last_id AND NEW.id IN (t.debit_id, t.credit_id)"
            " AND NEW.balance - OLD.balance ="
            " CASE WHEN t.credit_id = NEW.id THEN t.amount ELSE -t.amount END))",
        ),
        _refuse("ck_ledger_account_no_overdraft", "NEW.floor IS NOT NULL AND NEW.balance - NEW.held < NEW.floor"),
    ),
)

_TRANSFER = (
    _trigger(
        "ledger_transfer",
        "ledger_transfer_post",
        "AFTER INSERT",
        _refuse(
            "ledger_transfer_one_unit",
            "(SELECT unit FROM ledger_account WHERE id = NEW.debit_id)"
            " IS NOT (SELECT unit FROM ledger_account WHERE id = NEW.credit_id)",
        ),
        _refuse(
            "ledger_transfer_mirrors",
            "NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_transfer o WHERE o.id = NEW.reverses_id"
            " AND o.debit_id = NEW.credit_id AND o.credit_id = NEW.debit_id AND o.reverses_id IS NULL)",
        ),
        _refuse(
            "ledger_transfer_reversed_once",
            "NEW.reverses_id IS NOT NULL AND (SELECT sum(amount) FROM ledger_transfer WHERE reverses_id ="
            " NEW.reverses_id) > (SELECT amount FROM ledger_transfer WHERE id = NEW.reverses_id)",
        ),
        "UPDATE ledger_account SET balance = balance - NEW.amount, last_id = NEW.id"
        " WHERE id = NEW.debit_id AND NOT hot",
        "UPDATE ledger_account SET balance = balance + NEW.amount, last_id = NEW.id"
        " WHERE id = NEW.credit_id AND NOT hot",
    ),
)

_LOT = (
    _trigger(
        "lot",
        "lot_insert",
        "BEFORE INSERT",
        _refuse(
            "lot_is_a_credit",
            "NEW.remaining IS NOT NEW.amount OR NOT EXISTS (SELECT 1 FROM ledger_transfer t"
            " WHERE t.id = NEW.transfer_id AND t.credit_id = NEW.account_id AND t.amount = NEW.amount"
            " AND t.reverses_id IS NULL)",
        ),
    ),
    _trigger("lot", "lot_fixed", "BEFORE UPDATE", _refuse("lot_fixed", _changed(LOT_IDENTITY))),
    _trigger(
        "lot",
        "lot_derived",
        "BEFORE UPDATE",
        _refuse(
            "lot_derived",
            "NEW.remaining IS NOT NEW.amount - (SELECT coalesce(sum(amount), 0) FROM lot_use WHERE lot_id = NEW.id)",
        ),
        _refuse("ck_lot_remaining", "NOT NEW.remaining BETWEEN 0 AND NEW.amount"),
    ),
)

_LOT_USE = (
    _trigger(
        "lot_use",
        "lot_use_post",
        "AFTER INSERT",
        # Taken: from a lot of the account that pays; a reversal of an earning takes from the very lot it made.
        _refuse(
            "lot_use_of_payer",
            "NEW.amount > 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id"
            " WHERE t.id = NEW.transfer_id AND l.account_id = t.debit_id"
            " AND coalesce(t.reverses_id, l.transfer_id) = l.transfer_id)",
        ),
        # Given back: by a reversal, to a lot that the reversed transfer used, and no more than it used.
        _refuse(
            "lot_use_returns",
            "NEW.amount < 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id"
            " WHERE t.id = NEW.transfer_id AND l.account_id = t.credit_id AND (SELECT sum(u.amount) FROM lot_use u"
            " JOIN ledger_transfer s ON s.id = u.transfer_id WHERE u.lot_id = NEW.lot_id"
            " AND (s.id = t.reverses_id OR s.reverses_id = t.reverses_id)) >= 0)",
        ),
        _refuse(
            "lot_use_within_transfer",
            "(SELECT sum(abs(amount)) FROM lot_use WHERE transfer_id = NEW.transfer_id AND (amount > 0) ="
            " (NEW.amount > 0)) > (SELECT amount FROM ledger_transfer WHERE id = NEW.transfer_id)",
        ),
        "UPDATE lot SET remaining = remaining - NEW.amount WHERE id = NEW.lot_id",
    ),
)

_OVERLAP = _refuse(
    "points_rule_no_overlap",
    "EXISTS (SELECT 1 FROM points_rule r WHERE r.id IS NOT NEW.id AND r.code = NEW.code"
    " AND r.county_code IS NEW.county_code AND r.valid_from <= coalesce(NEW.valid_to, '9999-12-31')"
    " AND NEW.valid_from <= coalesce(r.valid_to, '9999-12-31'))",
)
_POINTS_RULE = (
    _trigger("points_rule", "points_rule_insert_overlap", "AFTER INSERT", _OVERLAP),
    _trigger("points_rule", "points_rule_update_overlap", "AFTER UPDATE", _OVERLAP),
    _trigger(
        "points_rule", "points_rule_fixed", "BEFORE UPDATE", _refuse("points_rule_fixed", _changed(RULE_IDENTITY))
    ),
)

_CERTIFICATE = (
    _trigger(
        "certificate",
        "certificate_frozen",
        "BEFORE UPDATE",
        _refuse(
            "certificate_frozen",
            f"OLD.status <> 'applied' AND (NEW.status = 'applied' OR {_changed(('id', *CERTIFICATE_FACE))})",
        ),
    ),
    _trigger(
        "certificate", "certificate_kept", "BEFORE DELETE", _refuse("certificate_frozen", "OLD.status <> 'applied'")
    ),
)

_APPROVAL = (
    _trigger("approval", "approval_decided", "BEFORE UPDATE", _refuse("approval_decided", "OLD.status <> 'open'")),
    _trigger("approval", "approval_kept", "BEFORE DELETE", _refuse("approval_decided", "OLD.status <> 'open'")),
)

# A refund that ended stays ended: money that went back, or did not, is not decided again.
_REFUND = (
    _trigger("refund", "refund_fixed", "BEFORE UPDATE", _refuse("refund_fixed", _changed(REFUND_WISH))),
    _trigger(
        "refund",
        "refund_ended",
        "BEFORE UPDATE",
        _refuse(
            "refund_ended",
            "OLD.status IN ('success', 'closed', 'rejected', 'withdrawn') AND NEW.status IS NOT OLD.status",
        ),
    ),
)


def guards(*, append_only: Iterable[str], kept: Iterable[str]) -> tuple[Trigger, ...]:
    """Every trigger, in an order in which they can be created."""
    history = (trigger for table in append_only for trigger in _append_only(table))
    rows = map(_kept, kept)
    certificates = (*_CERTIFICATE, *_APPROVAL)
    return (*history, *rows, *_ACCOUNT, *_TRANSFER, *_LOT, *_LOT_USE, *_POINTS_RULE, *certificates, *_REFUND)
