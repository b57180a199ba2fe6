"""Trigger texts for PostgreSQL, and the functions they call. A refusal is an integrity error (23514) whose constraint
is the name of the rule. No ``%`` stands in these texts, so that every driver passes them on as they are."""

# ruff: noqa: S608 -- every part of these texts is a constant of the project

from collections.abc import Iterable, Iterator

from models.guard import ACCOUNT_IDENTITY, CERTIFICATE_FACE, LOT_IDENTITY, REFUND_WISH, RULE_IDENTITY, Trigger


def _function(name: str, body: str) -> tuple[str, str]:
    return name, f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$"


def _refuse(rule: str) -> str:
    return f"RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{rule}', MESSAGE = '{rule}';"


def _changed(columns: Iterable[str]) -> str:
    """Compared as text: ``json`` has no equality of its own."""
    return "(" + " OR ".join(f"NEW.{column}::text IS DISTINCT FROM OLD.{column}::text" for column in columns) + ")"


_REFUSE = """
BEGIN
  RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0], MESSAGE = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END"""

# All accounts are locked first, in the order of their ids, so that no two statements wait for each other; then the
# rows take effect one after the other, as they would on SQLite.
_TRANSFER_POST = f"""
DECLARE
  t ledger_transfer;
  original ledger_transfer;
  touched bigint[];
BEGIN
  SELECT array_agg(account_id) INTO touched
    FROM (SELECT debit_id AS account_id FROM added UNION SELECT credit_id FROM added) ids;
  PERFORM 1 FROM ledger_account WHERE id = ANY (touched) AND NOT hot ORDER BY id FOR NO KEY UPDATE;
  FOR t IN SELECT * FROM added ORDER BY id LOOP
    IF (SELECT unit FROM ledger_account WHERE id = t.debit_id)
       IS DISTINCT FROM (SELECT unit FROM ledger_account WHERE id = t.credit_id) THEN
      {_refuse("ledger_transfer_one_unit")}
    END IF;
    IF t.reverses_id IS NOT NULL THEN
      SELECT * INTO original FROM ledger_transfer WHERE id = t.reverses_id FOR NO KEY UPDATE;
      IF original.debit_id <> t.credit_id OR original.credit_id <> t.debit_id OR original.reverses_id IS NOT NULL THEN
        {_refuse("ledger_transfer_mirrors")}
      END IF;
      IF (SELECT sum(amount) FROM ledger_transfer WHERE reverses_id = original.id) > original.amount THEN
        {_refuse("ledger_transfer_reversed_once")}
      END IF;
    END IF;
    UPDATE ledger_account SET balance = balance - t.amount, last_id = greatest(last_id, t.id)
      WHERE id = t.debit_id AND NOT hot;
    UPDATE ledger_account SET balance = balance + t.amount, last_id = greatest(last_id, t.id)
      WHERE id = t.credit_id AND NOT hot;
  END LOOP;
  RETURN NULL;
END"""

_LOT_INSERT = f"""
BEGIN
  IF NEW.remaining IS DISTINCT FROM NEW.amount OR NOT EXISTS (SELECT 1 FROM ledger_transfer t
      WHERE t.id = NEW.transfer_id AND t.credit_id = NEW.account_id AND t.amount = NEW.amount
        AND t.reverses_id IS NULL) THEN
    {_refuse("lot_is_a_credit")}
  END IF;
  RETURN NEW;
END"""

# The sum is read after the row's lock is held: a use committed meanwhile is seen.
_LOT_DERIVED = f"""
BEGIN
  IF NEW.remaining <> NEW.amount - (SELECT coalesce(sum(amount), 0) FROM lot_use WHERE lot_id = NEW.id) THEN
    {_refuse("lot_derived")}
  END IF;
  RETURN NEW;
END"""

_LOT_USE_POST = f"""
BEGIN
  PERFORM 1 FROM lot WHERE id = NEW.lot_id FOR NO KEY UPDATE;
  IF NEW.amount > 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id
      WHERE t.id = NEW.transfer_id AND l.account_id = t.debit_id
        AND coalesce(t.reverses_id, l.transfer_id) = l.transfer_id) THEN
    {_refuse("lot_use_of_payer")}
  END IF;
  IF NEW.amount < 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id
      WHERE t.id = NEW.transfer_id AND l.account_id = t.credit_id AND (SELECT sum(u.amount) FROM lot_use u
        JOIN ledger_transfer s ON s.id = u.transfer_id WHERE u.lot_id = NEW.lot_id
        AND (s.id = t.reverses_id OR s.reverses_id = t.reverses_id)) >= 0) THEN
    {_refuse("lot_use_returns")}
  END IF;
  IF (SELECT sum(abs(amount)) FROM lot_use WHERE transfer_id = NEW.transfer_id AND (amount > 0) = (NEW.amount > 0))
      > (SELECT amount FROM ledger_transfer WHERE id = NEW.transfer_id) THEN
    {_refuse("lot_use_within_transfer")}
  END IF;
  UPDATE lot SET remaining = remaining - NEW.amount WHERE id = NEW.lot_id;
  RETURN NULL;
END"""

# Two rules inserted at once would not see each other: one waits for the other here.
_RULE_OVERLAP = f"""
BEGIN
  PERFORM pg_advisory_xact_lock('points_rule'::regclass::bigint);
  IF EXISTS (SELECT 1 FROM points_rule r WHERE r.id <> NEW.id AND r.code = NEW.code
      AND r.county_code IS NOT DISTINCT FROM NEW.county_code
      AND r.valid_from <= coalesce(NEW.valid_to, 'infinity') AND NEW.valid_from <= coalesce(r.valid_to, 'infinity'))
  THEN
    {_refuse("points_rule_no_overlap")}
  END IF;
  RETURN NULL;
END"""

#: By name; created before the triggers, dropped after them.
FUNCTIONS = dict(
    (
        _function("guard_refuse", _REFUSE),
        _function("ledger_transfer_post", _TRANSFER_POST),
        _function("lot_insert", _LOT_INSERT),
        _function("lot_derived", _LOT_DERIVED),
        _function("lot_use_post", _LOT_USE_POST),
        _function("points_rule_overlap", _RULE_OVERLAP),
    )
)


def _trigger(table: str, name: str, when: str, call: str) -> Trigger:
    """``when`` holds ``ON`` for its table: some clauses stand behind it."""
    create = f"CREATE TRIGGER {name} {when.replace(' ON', f' ON {table}', 1)} EXECUTE FUNCTION {call}"
    return Trigger(table, name, create, f"DROP TRIGGER {name} ON {table}")


def _refusing(table: str, name: str, event: str, when: str, rule: str) -> Trigger:
    return _trigger(table, name, f"BEFORE {event} ON FOR EACH ROW WHEN ({when})", f"guard_refuse('{rule}')")


def _append_only(table: str) -> Iterator[Trigger]:
    refuse = f"guard_refuse('{table}_append_only')"
    yield _trigger(table, f"{table}_append_only", "BEFORE UPDATE OR DELETE ON FOR EACH ROW", refuse)
    yield _trigger(table, f"{table}_no_truncate", "BEFORE TRUNCATE ON FOR EACH STATEMENT", refuse)


def _kept(table: str) -> Iterator[Trigger]:
    refuse = f"guard_refuse('{table}_kept')"
    yield _trigger(table, f"{table}_no_delete", "BEFORE DELETE ON FOR EACH ROW", refuse)
    yield _trigger(table, f"{table}_no_truncate", "BEFORE TRUNCATE ON FOR EACH STATEMENT", refuse)


_ACCOUNT = (
    _refusing(
        "ledger_account",
        "ledger_account_insert",
        "INSERT",
        "NEW.balance <> 0 OR NEW.held <> 0 OR NEW.last_id <> 0",
        "ledger_account_starts_at_zero",
    ),
    _refusing("ledger_account", "ledger_account_fixed", "UPDATE", _changed(ACCOUNT_IDENTITY), "ledger_account_fixed"),
    # Only the trigger of a transfer may move a balance: a statement of anybody else runs at depth 0.
    _refusing(
        "ledger_account",
        "ledger_account_derived",
        "UPDATE",
        "pg_trigger_depth() < 1 AND (NEW.balance <> OLD.balance OR NEW.last_id <> OLD.last_id)"
        " OR NEW.held <> OLD.held OR OLD.hot AND NEW.last_id <> OLD.last_id",
        "ledger_account_derived",
    ),
)

_TRANSFER = (
    _trigger(
        "ledger_transfer",
        "ledger_transfer_post",
        "AFTER INSERT ON REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        "ledger_transfer_post()",
    ),
)

_LOT = (
    _trigger("lot", "lot_insert", "BEFORE INSERT ON FOR EACH ROW", "lot_insert()"),
    _refusing("lot", "lot_fixed", "UPDATE", _changed(LOT_IDENTITY), "lot_fixed"),
    _trigger("lot", "lot_derived", "BEFORE UPDATE ON FOR EACH ROW", "lot_derived()"),
)

_LOT_USE = (_trigger("lot_use", "lot_use_post", "AFTER INSERT ON FOR EACH ROW", "lot_use_post()"),)

_POINTS_RULE = (
    _trigger(
        "points_rule", "points_rule_no_overlap", "AFTER INSERT OR UPDATE ON FOR EACH ROW", "points_rule_overlap()"
    ),
    _refusing("points_rule", "points_rule_fixed", "UPDATE", _changed(RULE_IDENTITY), "points_rule_fixed"),
)

_CERTIFICATE = (
    _refusing(
        "certificate",
        "certificate_frozen",
        "UPDATE",
        f"OLD.status <> 'applied' AND (NEW.status = 'applied' OR {_changed(('id', *CERTIFICATE_FACE))})",
        "certificate_frozen",
    ),
    _refusing("certificate", "certificate_kept", "DELETE", "OLD.status <> 'applied'", "certificate_frozen"),
    _trigger(
        "certificate",
        "certificate_no_truncate",
        "BEFORE TRUNCATE ON FOR EACH STATEMENT",
        "guard_refuse('certificate_frozen')",
    ),
)

_APPROVAL = (
    _refusing("approval", "approval_decided", "UPDATE", "OLD.status <> 'open'", "approval_decided"),
    _refusing("approval", "approval_kept", "DELETE", "OLD.status <> 'open'", "approval_decided"),
    _trigger(
        "approval", "approval_no_truncate", "BEFORE TRUNCATE ON FOR EACH STATEMENT", "guard_refuse('approval_decided')"
    ),
)

# A refund that ended stays ended: money that went back, or did not, is not decided again.
_REFUND = (
    _refusing("refund", "refund_fixed", "UPDATE", _changed(REFUND_WISH), "refund_fixed"),
    _refusing(
        "refund",
        "refund_ended",
        "UPDATE",
        "OLD.status IN ('success', 'closed', 'rejected', 'withdrawn') AND NEW.status <> OLD.status",
        "refund_ended",
    ),
)


def guards(*, append_only: Iterable[str], kept: Iterable[str]) -> tuple[Trigger, ...]:
    """Every trigger, in an order in which they can be created."""
    history = (trigger for table in append_only for trigger in _append_only(table))
    rows = (trigger for table in kept for trigger in _kept(table))
    certificates = (*_CERTIFICATE, *_APPROVAL)
    return (*history, *rows, *_ACCOUNT, *_TRANSFER, *_LOT, *_LOT_USE, *_POINTS_RULE, *certificates, *_REFUND)
