"""What a guarding trigger is, whatever the dialect."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trigger:
    table: str
    name: str
    create: str
    drop: str


#: What a certificate says; frozen once it is issued.
CERTIFICATE_FACE = (
    "serial", "kind", "pledge_id", "resident_id", "county_code", "token", "content", "content_hash", "jws",
    "issued_on", "supersedes_id", "created_at",
)  # fmt: skip
#: What makes an account; only its balance moves, and only by transfers.
ACCOUNT_IDENTITY = ("id", "unit", "owner", "kind", "floor", "hot")
#: What makes a lot; only its remainder moves, and only by uses.
LOT_IDENTITY = ("id", "account_id", "transfer_id", "source", "purpose", "expires_on", "amount")
#: What was asked for; only its progress moves.
REFUND_WISH = (
    "id", "number", "pledge_id", "attempt_id", "due_id", "county_code", "reason", "amount_fen", "tree_count",
    "from_status", "requested_by_kind", "requested_by_id", "requested_at",
)  # fmt: skip
#: What makes a rule; only its last day may be set.
RULE_IDENTITY = (
    "id", "code", "county_code", "version", "fen_per_green", "fen_per_honour", "valid_from", "sentence", "source",
)  # fmt: skip
