"""Refunds, receipts, reconciliation, content safety, messages, and what WeChat's platform asks for.

Texts are frozen as in 0001. On SQLite no table is rebuilt: columns are added behind the others, and then the text of
the table is set, which is how SQLite changes a CHECK without touching rows, indexes or triggers
(https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
"""

import re
from collections.abc import Iterable
from pathlib import Path

from alembic import op
from sqlalchemy import Connection

revision = "0002"
down_revision = "0001"
SEPARATOR = "\n-- next\n"
FOLDER = Path(__file__).parent

#: (table, column, type and clauses) in the order of the models.
COLUMNS = (
    ("resident", "nickname_sealed", "TEXT"),
    ("resident", "phone_index", "TEXT"),
    ("planting_base", "procured_at", "{moment}"),
    ("pledge", "refunded_fen", "BIGINT DEFAULT '0' NOT NULL"),
    ("pledge", "refunded_tree_count", "BIGINT DEFAULT '0' NOT NULL"),
    ("payment_attempt", "refund_fen", "BIGINT DEFAULT '0' NOT NULL"),
    ("payment_mismatch", "resolution", "TEXT"),
    ("payment_mismatch", "resolution_note", "TEXT"),
    ("payment_mismatch", "resolved_by", "BIGINT"),
    ("payment_mismatch", "resolved_at", "{moment}"),
)
TABLES = ("resident", "planting_base", "pledge", "payment_attempt", "payment_mismatch", "refund_due")
ADDED_TABLES = (
    *("refund_move", "points_debt", "receipt_request", "bill_line", "bill", "recon_item", "content_review", "avatar"),
    *("inbox_message", "message_consent", "access_token", "platform_fault", "push_message", "shipping_report"),
    *("mini_code", "refund"),
)
INDEXES = {
    "ix_resident_phone_index": "resident (phone_index)",
    "ix_payment_attempt_paid": "payment_attempt (mchid, paid_at) WHERE paid_at IS NOT NULL",
}
PAID_STATES = "'pending', 'funded', 'allocated', 'planted', 'active', 'ended', 'renewed', 'cancelled', 'expired'"
EMPTY = (
    "openid_index IS NULL AND openid_sealed IS NULL AND unionid_sealed IS NULL AND name_sealed IS NULL"
    " AND phone_sealed IS NULL"
)
#: (table, constraint, text before, text after) for PostgreSQL; an empty text is a constraint that is not there.
CONSTRAINTS = (
    (
        "resident",
        "ck_resident_erased_is_empty",
        f"CHECK (status = 'active' OR ({EMPTY}))",
        f"CHECK (status = 'active' OR ({EMPTY} AND nickname_sealed IS NULL AND phone_index IS NULL))",
    ),
    (
        "pledge",
        "ck_pledge_status",
        f"CHECK (status IN ({PAID_STATES}))",
        f"CHECK (status IN ({PAID_STATES}, 'refunding', 'refunded'))",
    ),
    ("pledge", "ck_pledge_refunded", "", "CHECK (refunded_fen BETWEEN 0 AND amount_fen)"),
    (
        "pledge",
        "ck_pledge_refunded_trees",
        "",
        "CHECK (refunded_tree_count BETWEEN 0 AND coalesce(tree_count, 0))",
    ),
    (
        "payment_attempt",
        "ck_payment_attempt_refund_within_paid",
        "",
        "CHECK (refund_fen BETWEEN 0 AND amount_fen)",
    ),
    (
        "payment_mismatch",
        "ck_payment_mismatch_resolved_is_complete",
        "",
        "CHECK ((status = 'resolved') = (resolved_at IS NOT NULL) AND (resolved_at IS NULL) = (resolution IS NULL))",
    ),
    (
        "payment_mismatch",
        "fk_payment_mismatch_resolved_by",
        "",
        "FOREIGN KEY(resolved_by) REFERENCES staff (id)",
    ),
    (
        "refund_due",
        "ck_refund_due_reason",
        "CHECK (reason IN ('no_stock', 'second_payment'))",
        "CHECK (reason IN ('no_stock', 'second_payment', 'mismatch'))",
    ),
)


def upgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    moment = "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE"
    for table, column, kind in COLUMNS:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(moment=moment)}")
    if is_sqlite:
        _say(connection, _statements("0002_sqlite_tables.sql"))
    else:
        _constrain(connection, [(table, name, old, new) for table, name, old, new in CONSTRAINTS])
    for name, columns in INDEXES.items():
        connection.exec_driver_sql(f"CREATE INDEX {name} ON {columns}")
    for statement in _statements(f"0002_{connection.dialect.name}.sql"):
        connection.exec_driver_sql(statement if is_sqlite else statement.replace("%", "%%"))


def downgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    for table in ADDED_TABLES:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    for name in INDEXES:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    if is_sqlite:  # a CHECK or key that speaks of a column keeps it from being dropped
        _say(connection, map(_without_checks, _statements("0002_sqlite_tables.sql")))
    else:
        _constrain(connection, [(table, name, new, old) for table, name, old, new in CONSTRAINTS])
    for table, column, _ in reversed(COLUMNS):
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    if is_sqlite:
        _say(connection, (text for text in _statements("0001_sqlite.sql") if text.startswith(_CREATES)))


_CREATES = tuple(f"CREATE TABLE {table} (" for table in TABLES)


def _statements(file: str) -> list[str]:
    return (FOLDER / file).read_text().strip().split(SEPARATOR)


def _constrain(connection: Connection, changes: Iterable[tuple[str, str, str, str]]) -> None:
    """PostgreSQL: each constraint from its first text to its second."""
    for table, name, before, after in changes:
        if before:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        if after:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {after}")


def _say(connection: Connection, tables: Iterable[str]) -> None:
    """SQLite: let each of these be the text of its table; the columns in the file are the same ones."""
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    for text in tables:
        name = text.split()[2]
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (text.strip(), name)
        )
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")  # others read the schema anew
    connection.exec_driver_sql("PRAGMA writable_schema=RESET")  # and so does this connection


def _without_checks(text: str) -> str:
    kept = re.sub(r"(?m)^\s*CONSTRAINT (ck|fk)_.*\n", "", text)
    return re.sub(r",\s*\)\s*$", "\n)", kept)
