"""Every CHECK and every unique key is probed: one row it refuses, and the same row accepted once it is gone.

A new constraint fails ``test_every_check_has_a_probe`` until a row that breaks it, and nothing else, stands below.
Unique keys need no entry: their probe is derived from the valid row of the table. ``tests/ledger`` probes the triggers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Connection,
    Engine,
    Index,
    Table,
    UniqueConstraint,
    create_engine,
    insert,
    literal_column,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from models import Base
from models.base import EnumText
from models.triggers import GUARDS
from tests.databases import Template

TABLES = Base.metadata.tables
NOON = datetime(2026, 3, 12, 4, tzinfo=UTC)
DAY = date(2026, 3, 12)
COUNTY = "445281000000"

#: One valid row a table, every unique column filled and every partial unique index's condition met.
ROWS: Mapping[str, dict[str, Any]] = {
    "access_token": {"appid": "a", "token_sealed": "t", "expires_at": NOON},
    "avatar": {"id": 1, "resident_id": 1, "token": "t", "storage_key": "k", "status": "pending", "created_at": NOON},
    "bill": {
        "id": 1, "mchid": "m", "bill_on": DAY, "kind": "trade", "status": "fetched", "sha1": "h", "line_count": 1,
        "in_fen": 1, "out_fen": 0, "fee_fen": 0, "tried_at": NOON, "fetched_at": NOON,
    },
    "bill_line": {
        "id": 1, "bill_id": 1, "ordinal": 1, "kind": "payment", "at": NOON, "transaction_id": "t", "about": "SUCCESS",
        "amount_fen": 1, "fee_fen": 0,
    },
    "content_review": {
        "id": 1, "public_id": "p", "subject": "dedication", "key": "k", "resident_id": 1, "row_key": "r", "status":
        "approved", "cause": "pass", "trace_id": "t", "check_count": 1, "created_at": NOON, "decided_at": NOON,
    },
    "inbox_message": {
        "id": 1, "public_id": "p", "resident_id": 1, "kind": "paid", "key": "k", "title": "t", "body": "b", "page":
        "p", "created_at": NOON, "delivery": "none",
    },
    "message_consent": {"resident_id": 1, "kind": "paid", "remaining": 1, "updated_at": NOON},
    "mini_code": {
        "id": 1, "digest": "d", "scene": "s", "page": "p", "width_px": 430, "storage_key": "k", "sha256": "h",
        "created_at": NOON,
    },
    "platform_fault": {"name": "n", "since": NOON, "seen_at": NOON, "detail": "d"},
    "points_debt": {
        "id": 1, "resident_id": 1, "pledge_id": 1, "refund_id": 1, "amount": 2, "remaining": 1, "created_at": NOON,
    },
    "push_message": {"key": "k", "event": "e", "facts": {}, "state": "done", "at": NOON, "received_at": NOON},
    "receipt_request": {
        "id": 1, "public_id": "p", "pledge_id": 1, "resident_id": 1, "county_code": COUNTY, "row_key": "r", "uscc":
        "9" * 18, "amount_fen": 1, "status": "issued", "receipt_number": "n", "requested_at": NOON,
    },
    "recon_item": {
        "id": 1, "mchid": "m", "bill_on": DAY, "subject": "payment", "key": "k", "queue": "amount_differs", "status":
        "open", "bill_fen": 1, "our_fen": 2, "found_at": NOON,
    },
    "refund": {
        "id": 1, "number": "n", "pledge_id": 1, "attempt_id": 1, "county_code": COUNTY, "reason": "mistake",
        "amount_fen": 1, "tree_count": 1, "from_status": "allocated", "requested_by_kind": "staff",
        "requested_by_id": 1, "requested_at": NOON, "status": "approved", "decided_by": 2, "wx_refund_id": "w",
        "try_count": 0,
    },
    "refund_move": {"id": 1, "refund_id": 1, "to_status": "requested", "cause": "c", "at": NOON},
    "shipping_report": {
        "id": 1, "attempt_id": 1, "transaction_id": "t", "status": "waiting", "upload_count": 0, "created_at": NOON,
    },
    "approval": {
        "id": 1, "action": "a", "object_kind": "k", "object_id": 1, "county_code": COUNTY, "details": {}, "status":
        "open", "requested_by": 1, "requested_at": NOON,
    },
    "audit_entry": {
        "id": 1, "at": NOON, "actor_kind": "staff", "action": "a", "object_kind": "k", "object_key": "1", "details":
        {},
    },
    "campaign": {
        "id": 1, "public_id": "c", "name": "n", "summary": "s", "county_code": COUNTY, "payee_id": 1, "legal_basis":
        "greening_committee", "filing_number": "f", "starts_on": DAY, "ends_on": DAY, "status": "online",
        "created_at": NOON,
    },
    "certificate": {
        "id": 1, "public_id": "c", "kind": "RZ", "status": "issued", "pledge_id": 1, "resident_id": 1,
        "county_code": COUNTY, "row_key": "r", "serial": "s", "token": "t", "content": {"a": 1}, "content_hash":
        "h", "jws": "j", "issued_on": DAY, "supersedes_id": 7, "created_at": NOON,
    },
    "certificate_file": {
        "id": 1, "certificate_id": 1, "form": "pdf", "storage_key": "k", "sha256": "s", "drawn_at": NOON,
    },
    "consent": {"id": 1, "resident_id": 1, "legal_text_id": 1, "given_at": NOON},
    "issuer": {"id": 1, "county_code": COUNTY, "name": "n"},
    "ledger_account": {
        "id": 1, "unit": 1, "owner": "o", "kind": "fund", "floor": 0, "hot": False, "balance": 0, "held": 0,
        "last_id": 0,
    },
    "ledger_transfer": {
        "id": 1, "idem": "i", "req": bytes(32), "doc": "d", "code": "spend", "debit_id": 1, "credit_id": 2,
        "amount": 1, "at": NOON, "memo": "",
    },
    "legal_text": {"id": 1, "text": "t", "version": "1", "title": "t", "body": "b", "in_force_from": NOON},
    "lot": {"id": 1, "account_id": 1, "transfer_id": 1, "source": "s", "purpose": "p", "amount": 2, "remaining": 1},
    "lot_use": {"transfer_id": 1, "lot_id": 1, "amount": 1},
    "outbox_message": {
        "id": 1, "topic": "t", "key": "k", "payload": {}, "status": "ready", "attempts": 0, "run_after": NOON,
        "created_at": NOON,
    },
    "payee": {"id": 1, "public_id": "p", "name": "n", "mchid": "m", "county_code": COUNTY},
    "payment_attempt": {
        "id": 1, "pledge_id": 1, "ordinal": 1, "out_trade_no": "o", "mchid": "m", "appid": "a", "payer_index": "p",
        "amount_fen": 1, "status": "success", "expires_at": NOON, "created_at": NOON, "transaction_id": "t",
        "paid_at": NOON,
    },
    "payment_mismatch": {
        "id": 1, "out_trade_no": "o", "transaction_id": "t", "field": "f", "expected": "e", "found": "f", "status":
        "open", "at": NOON,
    },
    "payment_notice": {
        "id": "n", "mchid": "m", "event_type": "e", "out_trade_no": "o", "body": "b", "state": "applied",
        "received_at": NOON,
    },
    "planting_base": {
        "id": 1, "public_id": "b", "name": "n", "campaign_id": 1, "species_id": 1, "county_code": COUNTY,
        "village_code": COUNTY, "address": "a", "price_fen": 1, "adopt_price_fen": 1, "term_months": 12, "capacity":
        2, "held": 1, "sold": 1, "status": "online", "created_at": NOON,
    },
    "pledge": {
        "id": 1, "number": "n", "kind": "plant", "status": "funded", "resident_id": 1, "base_id": 1, "campaign_id":
        1, "county_code": COUNTY, "tree_count": 2, "unit_price_fen": 3, "amount_fen": 6, "display": "name",
        "reward": "points", "dedication": "d", "dedication_status": "pending", "row_key": "r", "created_at": NOON,
        "hold_expires_at": NOON, "paid_at": NOON,
    },
    "pledge_tree": {"pledge_id": 1, "tree_id": 1},
    "points_rule": {
        "id": 1, "code": "P", "version": 1, "fen_per_green": 1, "fen_per_honour": 1, "valid_from": DAY, "valid_to":
        DAY, "sentence": "s", "source": "",
    },
    "refund_due": {
        "id": 1, "attempt_id": 1, "pledge_id": 1, "transaction_id": "t", "amount_fen": 1, "reason": "no_stock",
        "created_at": NOON,
    },
    "region": {"code": COUNTY, "level": "county", "name": "n", "parent_code": "445200000000"},
    "resident": {"id": 1, "row_key": "r", "appid": "a", "openid_index": "i", "status": "active", "created_at": NOON},
    "resident_session": {
        "id": 1, "public_id": "p", "resident_id": 1, "token_digest": "t", "device": "d", "created_at": NOON,
        "expires_at": NOON,
    },
    "serial_counter": {"kind": "RZ", "region": COUNTY, "year": 2026, "last": 1},
    "species": {"id": 1, "public_id": "s", "name": "n"},
    "staff": {
        "id": 1, "row_key": "r", "username": "u", "display_name": "d", "status": "active", "password_hash": "h",
        "totp_sealed": "s", "totp_last_step": 0, "invitation_digest": "i", "failed_count": 0, "created_at": NOON,
    },
    "staff_grant": {"id": 1, "staff_id": 1, "role": "issuer", "region_code": COUNTY},
    "staff_session": {
        "id": 1, "staff_id": 1, "token_digest": "t", "created_at": NOON, "seen_at": NOON, "expires_at": NOON,
    },
    "tree": {
        "id": 1, "number": "n" * 20, "token": "t" * 14, "base_id": 1, "species_id": 1, "life": "alive", "adoption":
        "open", "planted_on": DAY, "created_at": NOON,
    },
    "tree_counter": {"village_code": COUNTY, "year": 2026, "last": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Breach:
    """Changes to the valid row which ``name`` refuses. ``also`` are constraints that cannot but be broken with it."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()


def _word(text: str) -> Any:
    """A value that the column's type would refuse before the database could."""
    return literal_column(text)


OTHER = _word("'no-such-word'")
HALF = _word("1.5")
BREACHES = [
    Breach("ck_avatar_status", {"status": OTHER}),
    Breach("ck_bill_fetched_has_a_hash", {"sha1": None}),
    Breach("ck_bill_fetched_has_a_hash", {"status": "waiting"}),
    Breach("ck_bill_kind", {"kind": "x"}),
    Breach("ck_bill_line_kind", {"kind": OTHER}),
    Breach("ck_bill_status", {"status": OTHER, "sha1": None}),
    Breach("ck_content_review_decided", {"decided_at": None}),
    Breach("ck_content_review_decided", {"status": "pending"}),
    Breach("ck_content_review_status", {"status": OTHER}),
    Breach("ck_content_review_subject", {"subject": OTHER}),
    Breach("ck_inbox_message_delivery", {"delivery": OTHER}),
    Breach("ck_inbox_message_kind", {"kind": OTHER}),
    Breach("ck_message_consent_kind", {"kind": OTHER}),
    Breach("ck_message_consent_remaining", {"remaining": -1}),
    Breach("ck_mini_code_width", {"width_px": 279}),
    Breach("ck_mini_code_width", {"width_px": 1281}),
    Breach("ck_payment_attempt_refund_within_paid", {"refund_fen": 2}),
    Breach("ck_payment_attempt_refund_within_paid", {"refund_fen": -1}),
    Breach("ck_payment_mismatch_resolved_is_complete", {"status": "resolved"}),
    Breach("ck_payment_mismatch_resolved_is_complete", {"status": "resolved", "resolved_at": NOON}),
    Breach("ck_payment_mismatch_resolved_is_complete", {"resolved_at": NOON, "resolution": "dismissed"}),
    Breach("ck_pledge_refunded", {"refunded_fen": 7}),
    Breach("ck_pledge_refunded", {"refunded_fen": -1}),
    Breach("ck_pledge_refunded_trees", {"refunded_tree_count": 3}),
    Breach("ck_pledge_refunded_trees", {"refunded_tree_count": -1}),
    Breach(
        "ck_pledge_refunded_trees",
        {"kind": "donate", "tree_count": None, "unit_price_fen": None, "refunded_tree_count": 1},
    ),
    Breach("ck_points_debt_amount", {"amount": 0, "remaining": 0}),
    Breach("ck_points_debt_remaining", {"remaining": 3}),
    Breach("ck_points_debt_remaining", {"remaining": -1}),
    Breach("ck_push_message_state", {"state": OTHER}),
    Breach("ck_receipt_request_amount", {"amount_fen": 0}),
    Breach("ck_receipt_request_issued_has_a_number", {"receipt_number": None}),
    Breach("ck_receipt_request_issued_has_a_number", {"status": "requested"}),
    Breach("ck_receipt_request_status", {"status": OTHER, "receipt_number": None}),
    Breach("ck_receipt_request_uscc_length", {"uscc": "9" * 17}),
    Breach("ck_recon_item_amounts", {"our_fen": None}),
    Breach("ck_recon_item_amounts", {"bill_fen": None}),
    Breach("ck_recon_item_amounts", {"queue": "missing_here"}),
    Breach("ck_recon_item_amounts", {"queue": "missing_there"}),
    Breach("ck_recon_item_closed", {"closed_at": NOON}),
    Breach("ck_recon_item_closed", {"status": "matched"}),
    Breach("ck_recon_item_queue", {"queue": OTHER}),
    Breach("ck_recon_item_resolved_by_somebody", {"resolved_by": 1}),
    Breach("ck_recon_item_resolved_by_somebody", {"status": "resolved", "closed_at": NOON}),
    Breach("ck_recon_item_status", {"status": OTHER, "closed_at": NOON}),
    Breach("ck_recon_item_subject", {"subject": "x"}),
    Breach("ck_refund_amount", {"amount_fen": 0}),
    Breach("ck_refund_decided", {"decided_by": None}),
    Breach("ck_refund_pledge_or_suspense", {"from_status": None}),
    Breach("ck_refund_pledge_or_suspense", {"due_id": 1}),
    Breach("ck_refund_reason", {"reason": OTHER}),
    Breach("ck_refund_requested_by", {"requested_by_id": None}),
    Breach("ck_refund_requested_by", {"requested_by_kind": "system"}),
    Breach("ck_refund_requested_by_kind", {"requested_by_kind": "nobody"}),
    Breach("ck_refund_second_person", {"decided_by": 1}),
    Breach("ck_refund_status", {"status": OTHER}),
    Breach("ck_refund_success_has_a_time", {"status": "success"}),
    Breach("ck_refund_success_has_a_time", {"succeeded_at": NOON}),
    Breach("ck_refund_tree_count", {"tree_count": 0}),
    Breach("ck_refund_tree_count", {"tree_count": 101}),
    *(
        Breach("ck_resident_erased_is_empty", {"status": "erased", "openid_index": None, column: "x"})
        for column in ("nickname_sealed", "phone_index")
    ),
    Breach("ck_shipping_report_one_correction", {"upload_count": 3}),
    Breach("ck_shipping_report_status", {"status": OTHER}),
    Breach("ck_approval_decided", {"decided_by": 2}),
    Breach("ck_approval_second_person", {"status": "approved", "decided_by": 1}),
    Breach("ck_approval_status", {"status": OTHER, "decided_by": 2}),
    Breach("ck_audit_entry_actor_kind", {"actor_kind": "nobody"}),
    Breach("ck_campaign_dates", {"ends_on": date(2026, 3, 11)}),
    Breach("ck_campaign_grounds_before_online", {"payee_id": None}),
    Breach("ck_campaign_grounds_before_online", {"legal_basis": None, "status": "review"}),
    Breach("ck_campaign_grounds_before_online", {"filing_number": None, "status": "suspended"}),
    Breach("ck_campaign_legal_basis", {"legal_basis": OTHER}),
    Breach("ck_campaign_status", {"status": OTHER}),
    Breach("ck_certificate_issued_is_complete", {"jws": None}),
    Breach("ck_certificate_issued_is_complete", {"token": None}),
    Breach("ck_certificate_issued_is_complete", {"content": None}),
    Breach("ck_certificate_issued_is_complete", {"content_hash": None}),
    Breach("ck_certificate_issued_is_complete", {"issued_on": None}),
    Breach("ck_certificate_kind", {"kind": OTHER}),
    Breach("ck_certificate_revoked_has_reason", {"status": "revoked"}),
    Breach("ck_certificate_revoked_has_reason", {"reason": "r"}),
    Breach("ck_certificate_serial_when_issued", {"status": "applied"}),
    Breach("ck_certificate_status", {"status": OTHER}),
    Breach("ck_ledger_account_held", {"held": -1}),
    Breach("ck_ledger_account_hot", {"hot": _word("2"), "floor": None}),
    Breach("ck_ledger_account_hot_is_summed", {"hot": True}),
    Breach("ck_ledger_account_hot_is_summed", {"hot": True, "floor": None, "balance": 1}),
    Breach("ck_ledger_account_hot_is_summed", {"hot": True, "floor": None, "held": 1}),
    Breach("ck_ledger_account_no_overdraft", {"balance": 1, "held": 2}),
    Breach("ck_ledger_account_owner_length", {"owner": ""}),
    Breach("ck_ledger_account_owner_length", {"owner": "o" * 121}),
    Breach("ck_ledger_account_unit", {"unit": 4}),
    Breach("ck_ledger_account_whole_numbers", {"balance": HALF}),
    Breach("ck_ledger_transfer_amount", {"amount": 0}),
    Breach("ck_ledger_transfer_amount", {"amount": 2**53 + 1}),
    Breach("ck_ledger_transfer_doc_length", {"doc": ""}),
    Breach("ck_ledger_transfer_idem_length", {"idem": ""}),
    Breach("ck_ledger_transfer_memo_length", {"memo": "m" * 301}),
    Breach("ck_ledger_transfer_req_length", {"req": bytes(31)}),
    Breach("ck_ledger_transfer_two_accounts", {"credit_id": 1}),
    Breach("ck_ledger_transfer_whole_numbers", {"amount": HALF}),
    Breach("ck_lot_amount", {"amount": 2**53 + 1}),
    Breach("ck_lot_purpose_length", {"purpose": ""}),
    Breach("ck_lot_remaining", {"remaining": 3}),
    Breach("ck_lot_remaining", {"remaining": -1}),
    Breach("ck_lot_source_length", {"source": "s" * 41}),
    Breach("ck_lot_use_amount", {"amount": 0}),
    Breach("ck_lot_use_whole_numbers", {"amount": HALF}),
    Breach("ck_lot_whole_numbers", {"remaining": HALF}),
    Breach("ck_outbox_message_lease", {"status": "leased"}),
    Breach("ck_outbox_message_lease", {"lease_until": NOON}),
    Breach("ck_outbox_message_status", {"status": OTHER}),
    Breach("ck_payment_attempt_amount", {"amount_fen": 0}),
    Breach("ck_payment_attempt_status", {"status": OTHER, "transaction_id": None, "paid_at": None}),
    Breach("ck_payment_attempt_success_is_complete", {"transaction_id": None, "paid_at": None}),
    Breach("ck_payment_attempt_success_is_complete", {"paid_at": None}),
    Breach("ck_payment_attempt_success_is_complete", {"status": "closed"}),
    Breach("ck_payment_attempt_two_digits", {"ordinal": 100}),
    Breach("ck_payment_attempt_two_digits", {"ordinal": 0}),
    Breach("ck_payment_mismatch_status", {"status": OTHER}),
    Breach("ck_payment_notice_state", {"state": OTHER}),
    Breach("ck_planting_base_adopt_price", {"adopt_price_fen": 0}),
    Breach(
        "ck_planting_base_capacity_not_negative", {"capacity": -1, "held": 0, "sold": 0},
        also=("ck_planting_base_within_capacity",),
    ),
    Breach("ck_planting_base_held_not_negative", {"held": -1}),
    Breach("ck_planting_base_price", {"price_fen": 0}),
    Breach("ck_planting_base_sold_not_negative", {"sold": -1}),
    Breach("ck_planting_base_status", {"status": OTHER}),
    Breach("ck_planting_base_term", {"term_months": 61}),
    Breach("ck_planting_base_within_capacity", {"sold": 2}),
    Breach("ck_pledge_amount", {"amount_fen": 0, "unit_price_fen": 0}),
    Breach("ck_pledge_amount", {"amount_fen": 10_000_000_002, "unit_price_fen": 5_000_000_001}),
    Breach("ck_pledge_dedication_is_reviewed", {"dedication_status": None}),
    Breach("ck_pledge_dedication_status", {"dedication_status": OTHER}),
    Breach("ck_pledge_display", {"display": OTHER}),
    Breach("ck_pledge_kind", {"kind": OTHER}),
    Breach("ck_pledge_paid_at_when_paid", {"paid_at": None}),
    Breach("ck_pledge_paid_at_when_paid", {"status": "expired"}),
    Breach("ck_pledge_price_times_trees", {"amount_fen": 5}),
    Breach("ck_pledge_price_unless_donation", {"unit_price_fen": None}),
    Breach("ck_pledge_reward", {"reward": OTHER}),
    Breach("ck_pledge_status", {"status": OTHER}),
    Breach("ck_pledge_tree_count", {"tree_count": 101, "unit_price_fen": 1, "amount_fen": 101}),
    Breach("ck_pledge_trees_unless_donation", {"kind": "donate", "unit_price_fen": None}),
    Breach("ck_pledge_trees_unless_donation", {"tree_count": None}),
    Breach("ck_points_rule_code_length", {"code": "P" * 9}),
    Breach("ck_points_rule_dates_in_order", {"valid_to": date(2026, 3, 11)}),
    Breach("ck_points_rule_fen_per_green", {"fen_per_green": 0}),
    Breach("ck_points_rule_fen_per_honour", {"fen_per_honour": 0}),
    Breach("ck_points_rule_sentence_length", {"sentence": ""}),
    Breach("ck_points_rule_source_length", {"source": "s" * 201}),
    Breach("ck_points_rule_version", {"version": 0}),
    Breach("ck_points_rule_whole_numbers", {"fen_per_green": HALF}),
    Breach("ck_refund_due_amount", {"amount_fen": 0}),
    Breach("ck_refund_due_reason", {"reason": OTHER}),
    Breach("ck_region_code_length", {"code": "44528100000"}),
    Breach("ck_region_level", {"level": OTHER}),
    Breach("ck_region_parent", {"parent_code": None}),
    Breach("ck_region_parent", {"level": "city"}),
    *(
        Breach("ck_resident_erased_is_empty", {"status": "erased", "openid_index": None, column: "x"})
        for column in ("openid_index", "openid_sealed", "unionid_sealed", "name_sealed", "phone_sealed")
    ),
    Breach("ck_resident_status", {"status": OTHER, "openid_index": None}),
    Breach("ck_serial_counter_seven_digits", {"last": 10_000_000}),
    Breach("ck_serial_counter_seven_digits", {"last": 0}),
    Breach("ck_staff_active", {"password_hash": None}),
    Breach("ck_staff_active", {"totp_sealed": None}),
    Breach("ck_staff_grant_role", {"role": OTHER}),
    Breach("ck_staff_status", {"status": OTHER}),
    Breach("ck_tree_adoption", {"adoption": OTHER}),
    Breach("ck_tree_counter_five_digits", {"last": 100_000}),
    Breach("ck_tree_life", {"life": OTHER}),
    Breach("ck_tree_number_length", {"number": "n" * 19}),
    Breach("ck_tree_planned_has_no_date", {"life": "planned"}),
    Breach("ck_tree_token_length", {"token": "t" * 13}),
]  # fmt: skip

Unique = UniqueConstraint | Index
CHECKS = {str(c.name): t for t in TABLES.values() for c in t.constraints if isinstance(c, CheckConstraint)}
ON_SQLITE_ONLY = {
    str(c.name) for t in TABLES.values() for c in t.constraints if isinstance(c, CheckConstraint) and c._ddl_if
}
UNIQUES: dict[str, tuple[Table, Unique]] = {
    str(key.name): (table, key)
    for table in TABLES.values()
    for key in (*table.constraints, *table.indexes)
    if isinstance(key, UniqueConstraint) or (isinstance(key, Index) and key.unique)
}


@pytest.fixture(scope="module")
def engine(template: Template) -> Iterator[Engine]:
    """One database for all probes: each is rolled back."""
    with template.copy() as url:
        engine = create_engine(url, poolclass=NullPool)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction to be rolled back; triggers and foreign keys are silent, so CHECKs and unique keys speak alone."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
            for trigger in GUARDS["sqlite"]:
                connection.exec_driver_sql(trigger.drop)
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
        connection.rollback()


def refusal(connection: Connection, table: Table, row: Mapping[str, Any]) -> str | None:
    """What refuses the row, in the database's words; ``None`` if it was taken. It is gone again afterwards."""
    try:
        with connection.begin_nested() as attempt:
            connection.execute(insert(table).inline().values(dict(row)))
            attempt.rollback()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        return str(diagnosis.constraint_name if diagnosis else error.orig)
    return None


def drop(connection: Connection, table: Table, name: str) -> None:
    """Take one constraint or unique key away. SQLite keeps constraints in the text of the table: it is made anew."""
    if name in {index.name for index in table.indexes}:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" DROP CONSTRAINT {name}')
    else:
        query = f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{table.name}'"
        whole = connection.exec_driver_sql(query).scalar_one()
        reduced, count = re.subn(rf"(?m)^\s*CONSTRAINT {name} .*\n", "", whole)
        assert count == 1, whole
        connection.exec_driver_sql(f'DROP TABLE "{table.name}"')
        connection.exec_driver_sql(re.sub(r",\s*\)\s*$", "\n)", reduced))


def applies(name: str, connection: Connection) -> bool:
    return connection.dialect.name == "sqlite" or name not in ON_SQLITE_ONLY


@pytest.mark.parametrize("table", sorted(ROWS))
def test_the_valid_row_is_valid(connection, table):
    assert refusal(connection, TABLES[table], ROWS[table]) is None


@pytest.mark.parametrize("breach", BREACHES, ids=lambda b: f"{b.name} {','.join(b.changes)}")
def test_a_check_refuses_and_nothing_else_does(connection, breach):
    table = CHECKS[breach.name]
    row = {**ROWS[table.name], **breach.changes}
    if not applies(breach.name, connection):
        assert breach.name not in constraint_names(connection)  # PostgreSQL's column types say it
        return
    said = refusal(connection, table, row)
    assert said is not None
    assert said.removeprefix("CHECK constraint failed: ") == breach.name
    for name in (breach.name, *breach.also):
        drop(connection, table, name)
    assert refusal(connection, table, row) is None


def constraint_names(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT conname FROM pg_constraint").scalars())


def key_columns(key: Unique) -> list[str]:
    """The columns of a unique key; of an expression, the columns it speaks of."""
    return [column.name for column in key.columns]


def fresh(value: Any) -> Any:
    """Another value of the same length and kind."""
    return value + 1 if isinstance(value, int) else f"{value[:-1]}~"


def twin(table: Table, key: Unique) -> dict[str, Any]:
    """A second row that shares ``key`` with the valid one, and no other key."""
    row, kept = dict(ROWS[table.name]), set(key_columns(key))
    others = [key_columns(other) for owner, other in UNIQUES.values() if owner is table and other is not key]
    for columns in (list(table.primary_key.columns.keys()), *others):
        changed = next(c for c in columns if c not in kept and not isinstance(table.c[c].type, EnumText))
        row[changed] = fresh(ROWS[table.name][changed])
    return row


@pytest.mark.parametrize("name", sorted(UNIQUES))
def test_a_unique_key_refuses_and_nothing_else_does(connection, name):
    table, key = UNIQUES[name]
    first, second = ROWS[table.name], twin(table, key)
    connection.execute(insert(table).values(first))
    said = refusal(connection, table, second)
    assert said is not None
    columns = ", ".join(f"{table.name}.{column}" for column in key_columns(key))
    assert said.removeprefix("UNIQUE constraint failed: ") in {name, columns, f"index '{name}'"}
    drop(connection, table, name)
    if connection.dialect.name == "sqlite" and isinstance(key, UniqueConstraint):
        connection.execute(insert(table).values(first))  # went with the table
    assert refusal(connection, table, second) is None


def test_every_check_has_a_probe():
    assert {breach.name for breach in BREACHES} == set(CHECKS)


def test_every_table_with_a_guard_has_a_valid_row():
    assert set(ROWS) >= {table.name for table in CHECKS.values()} | {table.name for table, _ in UNIQUES.values()}
