"""One falsification for every check. ``also`` are the checks that must see the same lie from another side."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lie:
    """``statement`` may name pledges of the healthy county in braces."""

    check: str
    statement: str
    also: tuple[str, ...] = ()


def _pledge(name: str) -> str:
    return f"(SELECT id FROM pledge WHERE number = '{{{name}}}')"


def _key(name: str, what: str) -> str:
    paid = f"SELECT transaction_id FROM payment_attempt WHERE status = 'success' AND pledge_id = {_pledge(name)}"
    return f"'wxpay:' || ({paid}) || ':{what}'"


def _copy_transfer(key: str, changes: str, where: str) -> str:
    """Invent a transfer: a copy of another one under a new key."""
    fields = {"doc": "doc", "code": "code", "debit_id": "debit_id", "credit_id": "credit_id", "amount": "amount"}
    fields |= {"reverses_id": "reverses_id", "rule_id": "rule_id", "pledge_id": "pledge_id"}
    fields |= dict(part.split("=", 1) for part in changes.split(";") if part)
    return (
        f"INSERT INTO ledger_transfer (idem, req, at, memo, {', '.join(fields)})"
        f" SELECT '{key}', req, at, memo, {', '.join(fields.values())} FROM ledger_transfer WHERE idem = {where}"
    )


def _copy_certificate(name: str) -> str:
    """Apply for a second certificate of a pledge."""
    return (
        "INSERT INTO certificate (public_id, kind, status, pledge_id, resident_id, county_code, row_key, created_at)"
        " SELECT 'second', kind, 'applied', pledge_id, resident_id, county_code, 'second', created_at"
        f" FROM certificate WHERE pledge_id = {_pledge(name)}"
    )


_SPENDER = f"(SELECT 'resident:' || resident_id FROM pledge WHERE id = {_pledge('planted')})"
_GREEN = f"(SELECT id FROM ledger_account WHERE unit = 2 AND owner = {_SPENDER})"
_UNUSED = "NOT EXISTS (SELECT 1 FROM lot_use u WHERE u.lot_id = lot.id)"
_MOVED = ("balance-is-the-sum", "balance-knows-its-newest-transfer")
_CERTIFICATE = f"pledge_id = {_pledge('planted')}"
_ADOPTED = f"(SELECT MIN(tree_id) FROM pledge_tree WHERE pledge_id = {_pledge('adopted')})"
_OPEN_TREE = "(SELECT MAX(id) FROM tree WHERE adoption = 'open')"

LEDGER = (
    Lie("balance-is-the-sum", "UPDATE ledger_account SET balance = balance + 1 WHERE unit = 3 AND NOT hot"),
    Lie("no-overdraft", "UPDATE ledger_account SET held = balance + 1 WHERE unit = 3 AND NOT hot"),
    Lie(
        "one-unit-a-transfer",
        "UPDATE ledger_account SET unit = 2 WHERE owner LIKE 'issue:honour:%'",
        ("points-went-to-the-payer",),
    ),
    Lie(
        "lots-add-up",
        f"UPDATE lot SET remaining = remaining + CASE id WHEN (SELECT MIN(id) FROM lot WHERE account_id = {_GREEN})"
        f" THEN 1 WHEN (SELECT MAX(id) FROM lot WHERE account_id = {_GREEN}) THEN -1 ELSE 0 END",
    ),
    Lie("green-points-are-in-lots", f"DELETE FROM lot WHERE account_id = {_GREEN} AND {_UNUSED}"),
    Lie(
        "reversals-within-the-original",
        _copy_transfer("spend:1:again", "amount=4", "'spend:1:back'"),
        (*_MOVED, "reversal-gives-back-its-lots"),
    ),
    Lie("account-is-what-its-name-says", f"UPDATE ledger_account SET floor = NULL WHERE owner = {_SPENDER}"),
    Lie("summed-account-keeps-no-balance", "UPDATE ledger_account SET balance = 5 WHERE kind = 'merchant'"),
    Lie(
        "balance-knows-its-newest-transfer",
        f"UPDATE ledger_account SET last_id = last_id - 1 WHERE owner = {_SPENDER}",
    ),
    Lie("transfer-joins-the-right-accounts", "UPDATE ledger_transfer SET code = 'payment' WHERE code = 'suspense'"),
    Lie(
        "reversal-mirrors-the-original",
        "UPDATE ledger_transfer SET reverses_id ="
        f" (SELECT id FROM ledger_transfer WHERE idem = {_key('planted', 'money')}) WHERE idem = 'spend:1:back'",
    ),
    Lie(
        "lot-is-its-transfer",
        f"UPDATE lot SET transfer_id = (SELECT id FROM ledger_transfer WHERE idem = {_key('adopted', 'honour')})"
        f" WHERE transfer_id = (SELECT id FROM ledger_transfer WHERE idem = {_key('adopted', 'green')})",
    ),
    Lie(
        "fund-money-is-in-lots",
        "DELETE FROM lot WHERE transfer_id = (SELECT id FROM ledger_transfer WHERE idem = "
        + _key("sold", "money")
        + ")",
    ),
    Lie(
        "lot-is-used-by-its-owner",
        f"UPDATE lot_use SET transfer_id = (SELECT id FROM ledger_transfer WHERE idem = {_key('sold', 'green')})"
        " WHERE amount > 0 AND transfer_id = (SELECT id FROM ledger_transfer WHERE idem = 'spend:1')",
        ("spending-names-its-lots",),
    ),
    Lie(
        "spending-names-its-lots",
        "DELETE FROM lot_use WHERE amount > 0",
        ("lots-add-up", "refund-comes-from-its-payment"),
    ),
    Lie("reversal-gives-back-its-lots", "DELETE FROM lot_use WHERE amount < 0", ("lots-add-up",)),
)

PAYMENTS = (
    Lie(
        "paid-attempt-is-booked-once",
        f"UPDATE ledger_transfer SET idem = 'wxpay:other:money' WHERE idem = {_key('planted', 'money')}",
        ("booked-money-has-an-attempt",),
    ),
    Lie(
        "booked-money-has-an-attempt",
        _copy_transfer("a gift", "", _key("planted", "money")),
        ("fund-money-is-in-lots",),
    ),
    Lie(
        "money-lies-where-it-belongs",
        f"UPDATE ledger_transfer SET pledge_id = {_pledge('adopted')} WHERE idem = {_key('planted', 'money')}",
    ),
    Lie(
        "paid-pledge-has-one-payment",
        "UPDATE pledge SET status = 'funded', paid_at = created_at WHERE number = '{pending}'",
        ("paid-when-wechat-says", "places-add-up", "pledge-history-ends-where-it-stands", "paid-work-is-not-lost"),
    ),
    Lie("points-follow-their-rule", "UPDATE pledge SET reward = 'receipt' WHERE number = '{planted}'"),
    Lie(
        "points-for-money-have-a-payment",
        _copy_transfer("a prize", f"pledge_id={_pledge('expired')}", _key("sold", "honour")),
        _MOVED,
    ),
    Lie(
        "points-went-to-the-payer",
        "UPDATE ledger_account SET owner = 'issue:honour:445222000000' WHERE owner LIKE 'issue:honour:%'",
    ),
    Lie("attempt-asks-the-price", "UPDATE payment_attempt SET amount_fen = 1 WHERE status = 'failed'"),
    Lie("price-times-trees", "UPDATE pledge SET unit_price_fen = 1 WHERE number = '{expired}'"),
    Lie("paid-when-wechat-says", "UPDATE pledge SET paid_at = '2026-03-12 03:00:00.000000' WHERE number = '{funded}'"),
    Lie("refund-due-is-what-came-in", "UPDATE refund_due SET transaction_id = 'another' WHERE reason = 'no_stock'"),
    Lie(
        "suspense-holds-what-is-owed",
        "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'suspense'",
        ("balance-is-the-sum",),
    ),
    Lie(
        "applied-notice-is-booked",
        "INSERT INTO payment_notice (id, mchid, event_type, out_trade_no, body, state, received_at)"
        " VALUES ('lost', '1', 'TRANSACTION.SUCCESS', 'lost', '', 'applied', '2026-03-12 05:00:00.000000')",
    ),
    Lie("quarantined-notice-has-a-mismatch", "DELETE FROM payment_mismatch"),
    Lie(
        "rules-do-not-overlap",
        "INSERT INTO points_rule (code, version, fen_per_honour, valid_from, sentence, source)"
        " SELECT code, 2, 1, '2026-03-12', sentence, source FROM points_rule",
    ),
)

_HELD = "(SELECT id FROM refund WHERE status = 'submitted' AND due_id IS NULL)"
_HOLD = "(SELECT 'refund:' || number || ':hold' FROM refund WHERE status = 'submitted' AND due_id IS NULL)"
_DEBTOR_PAID = "(SELECT idem FROM ledger_transfer WHERE code = 'points-debt')"

REFUNDS = (
    Lie("refunds-within-the-payment", "UPDATE payment_attempt SET refund_fen = 1 WHERE refund_fen = 0"),
    Lie(
        "refund-is-of-a-payment",
        f"UPDATE refund SET attempt_id = (SELECT id FROM payment_attempt WHERE status = 'success' AND pledge_id ="
        f" {_pledge('planted')}) WHERE id = {_HELD}",
        ("refunds-within-the-payment", "refund-comes-from-its-payment"),
    ),
    Lie(
        "refunding-is-set-aside",
        "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'refunding'",
        ("balance-is-the-sum",),
    ),
    Lie(
        "refund-is-booked-once",
        f"UPDATE ledger_transfer SET idem = 'refund:other:hold' WHERE idem = {_HOLD}",
    ),
    Lie(
        "booked-refund-has-a-refund",
        f"UPDATE ledger_transfer SET doc = 'refund:other' WHERE idem = {_HOLD}",
    ),
    Lie(
        "refund-comes-from-its-payment",
        f"UPDATE lot_use SET lot_id = (SELECT l.id FROM lot l JOIN ledger_transfer t ON t.id = l.transfer_id"
        f" WHERE t.idem = {_key('planted', 'money')}) WHERE transfer_id = (SELECT id FROM ledger_transfer"
        f" WHERE idem = {_HOLD})",
        ("lots-add-up",),
    ),
    Lie(
        "pledge-knows-its-refunds",
        "UPDATE pledge SET refunded_fen = refunded_fen + 1 WHERE number = '{closed}'",
    ),
    Lie(
        "frozen-for-one-refund",
        "UPDATE pledge SET status = 'allocated' WHERE number = '{asked}'",
        ("pledge-history-ends-where-it-stands",),
    ),
    Lie("points-went-back", "UPDATE points_debt SET amount = amount - 1, remaining = remaining - 1"),
    Lie("points-debt-adds-up", "UPDATE points_debt SET remaining = remaining - 1"),
    Lie(
        "points-debt-was-paid-by-the-debtor",
        f"UPDATE ledger_transfer SET debit_id = {_GREEN} WHERE code = 'points-debt'",
        (*_MOVED, "lot-is-used-by-its-owner"),
    ),
    Lie(
        "refunded-has-no-certificate",
        f"UPDATE certificate SET status = 'applied' WHERE pledge_id = {_pledge('back')}",
    ),
    Lie(
        "receipt-is-for-money-kept",
        "INSERT INTO receipt_request (public_id, pledge_id, resident_id, county_code, row_key, amount_fen, status,"
        " requested_at) SELECT 'r', id, resident_id, county_code, 'r', amount_fen, 'requested', created_at FROM pledge"
        " WHERE number = '{partly}'",
    ),
    Lie(
        "second-person-decided-the-refund",
        "UPDATE refund SET decided_by = requested_by_id WHERE status = 'requested'",
        ("decided-refund-has-a-trail",),
    ),
    Lie("refund-success-has-a-payer", "UPDATE refund SET wx_refund_id = NULL WHERE status = 'success'"),
    Lie("decided-refund-has-a-trail", "DELETE FROM audit_entry WHERE action = 'refund.settle-offline'"),
    Lie(
        "second-person-settled-the-refund",
        "UPDATE refund SET settled_by = decided_by WHERE settled_by IS NOT NULL",
        ("decided-refund-has-a-trail",),
    ),
    Lie(
        "refund-ended-by-hand-is-on-no-bill",
        "UPDATE bill_line SET out_refund_no = (SELECT number FROM refund WHERE settled_by IS NOT NULL)"
        " WHERE transaction_id = '4200999'",
    ),
    Lie(
        "refund-history-ends-where-it-stands",
        "DELETE FROM refund_move WHERE to_status = 'closed'",
    ),
    Lie("refund-is-followed", f"UPDATE refund SET next_try_at = NULL WHERE id = {_HELD}"),
)

RECONCILIATION = (
    Lie("bill-is-its-lines", "UPDATE bill SET in_fen = in_fen + 1 WHERE kind = 'trade'"),
    Lie(
        "bill-has-lines-of-its-kind",
        "UPDATE bill_line SET bill_id = (SELECT id FROM bill WHERE kind = 'fund'), ordinal = 9999"
        " WHERE transaction_id = '4200999'",
        ("bill-is-its-lines",),
    ),
    Lie(
        "difference-in-order-agrees",
        "UPDATE bill_line SET amount_fen = amount_fen + CASE ordinal WHEN 1 THEN 1 ELSE -1 END"
        " WHERE kind = 'payment' AND ordinal < 3",
    ),
    Lie("explained-difference-has-a-trail", "DELETE FROM audit_entry WHERE action = 'reconciliation.resolve'"),
    Lie("decided-mismatch-has-a-trail", "DELETE FROM audit_entry WHERE action = 'mismatch.refund'"),
    Lie(
        "mismatch-sent-back-is-owed",
        "UPDATE refund_due SET transaction_id = 'another' WHERE reason = 'mismatch'",
        ("refund-due-is-what-came-in",),
    ),
)

STOCK = (
    Lie("places-add-up", "UPDATE planting_base SET held = held + 1 WHERE status = 'online'"),
    Lie("full-means-sold-out", "UPDATE planting_base SET capacity = capacity + 1 WHERE status = 'full'"),
    Lie(
        "pledge-has-its-trees",
        f"DELETE FROM pledge_tree WHERE tree_id = (SELECT MIN(tree_id) FROM pledge_tree WHERE {_CERTIFICATE})",
        ("tree-and-pledge-agree", "certificate-says-what-was-paid"),
    ),
    Lie("tree-and-pledge-agree", f"UPDATE tree SET adoption = 'open' WHERE id = {_ADOPTED}"),
    Lie("planted-has-a-date", "UPDATE tree SET planted_on = NULL WHERE adoption = 'open'"),
    Lie(
        "tree-stands-at-its-base",
        f"UPDATE tree SET base_id = (SELECT id FROM planting_base WHERE status = 'full') WHERE id = {_ADOPTED}",
    ),
    Lie("tree-numbers-are-dense", "UPDATE tree_counter SET last = last + 1 WHERE year = 2025"),
    Lie("tree-number-has-a-counter", "DELETE FROM tree_counter WHERE year = 2025"),
)

CERTIFICATES = (
    Lie("certificate-needs-a-payment", f"UPDATE certificate SET resident_id = resident_id + 1 WHERE {_CERTIFICATE}"),
    Lie(
        "fulfilled-has-a-certificate",
        "UPDATE pledge SET status = 'allocated' WHERE number = '{funded}'",
        ("pledge-has-its-trees", "pledge-history-ends-where-it-stands"),
    ),
    Lie("one-live-certificate", _copy_certificate("planted"), ("one-first-certificate",)),
    Lie("serials-are-dense", "UPDATE serial_counter SET last = last + 1 WHERE kind = 'JK'"),
    Lie("serial-has-a-counter", "DELETE FROM serial_counter WHERE kind = 'JK'"),
    Lie("serial-says-what-it-is", f"UPDATE certificate SET county_code = '445222000000' WHERE {_CERTIFICATE}"),
    Lie("ended-certificate-has-a-history", "DELETE FROM certificate_move WHERE to_status = 'revoked'"),
    Lie(
        "superseded-has-a-successor",
        "UPDATE certificate SET supersedes_id = NULL WHERE supersedes_id IS NOT NULL",
        ("one-first-certificate",),
    ),
    Lie(
        "successor-took-its-place",
        "UPDATE certificate SET status = 'revoked', reason = '撤销' WHERE status = 'superseded'",
        ("ended-certificate-has-a-history",),
    ),
    Lie("one-first-certificate", _copy_certificate("revoked")),
    Lie(
        "certificate-moved-once",
        "INSERT INTO certificate_move (certificate_id, to_status, cause, at)"
        " SELECT certificate_id, to_status, cause, at FROM certificate_move WHERE to_status = 'revoked'",
    ),
    Lie("paid-work-is-not-lost", "DELETE FROM outbox_message WHERE status = 'ready'"),
    Lie("issued-is-drawn", "DELETE FROM certificate_file WHERE form = 'pdf'"),
)

STATES = (
    Lie("pledge-history-ends-where-it-stands", f"DELETE FROM pledge_move WHERE pledge_id = {_pledge('cancelled')}"),
    Lie("second-person-decided", "UPDATE approval SET decided_by = requested_by"),
    Lie("online-campaign-has-grounds", "UPDATE campaign SET filing_number = NULL"),
    Lie("erased-holds-nothing", "UPDATE resident SET name_sealed = 'x' WHERE status = 'erased'"),
    Lie("erased-is-forgotten-everywhere", "UPDATE pledge SET dedication = '愿' WHERE number = '{forgotten}'"),
    Lie("kept-answers-are-complete", "UPDATE idempotency_key SET answer_sealed = NULL"),
)

WALKS = (
    Lie("check-character", f"UPDATE tree SET number = substr(number, 1, 19) || '*' WHERE id = {_OPEN_TREE}"),
    Lie("token-is-ours", f"UPDATE tree SET token = '00000000000000' WHERE id = {_OPEN_TREE}"),
    Lie("certificate-is-signed", f"UPDATE certificate SET jws = 'a.b.c' WHERE {_CERTIFICATE}"),
    Lie(
        "certificate-says-what-was-paid",
        "UPDATE pledge SET paid_at = '2026-03-13 05:00:00.000000' WHERE number = '{planted}'",
        ("paid-when-wechat-says",),
    ),
    Lie("moves-are-legal", f"UPDATE pledge_move SET from_status = 'planted' WHERE pledge_id = {_pledge('sold')}"),
    Lie("refund-moves-are-legal", "UPDATE refund_move SET from_status = 'closed' WHERE to_status = 'submitted'"),
    Lie("points-expire-on-time", f"UPDATE lot SET expires_on = '2099-12-31' WHERE account_id = {_GREEN}"),
    Lie(
        "expired-points-are-not-spent",
        "UPDATE lot SET expires_on = '2026-01-01' WHERE id IN (SELECT lot_id FROM lot_use)",
        ("points-expire-on-time",),
    ),
    Lie("references-lead-somewhere", "UPDATE planting_base SET species_id = 999999"),
)

LIES = (*LEDGER, *PAYMENTS, *REFUNDS, *RECONCILIATION, *STOCK, *CERTIFICATES, *STATES, *WALKS)
