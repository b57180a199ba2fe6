"""Guards that live in the database: what may only be added, what is derived, what is frozen.

One list of trigger texts for each dialect. ``create_all`` runs the texts of the tables it creates; migrations hold
frozen copies; probes drop them one by one. On SQLite a guard refuses by ``RAISE(ABORT)``, which no ``OR IGNORE``,
``OR FAIL`` or ``OR REPLACE`` of the statement gets past (the last because connections have ``recursive_triggers``).
A refusal carries the name of its rule, on both databases.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, MetaData, Table, event

from models import triggers_postgresql, triggers_sqlite
from models.base import Base
from models.guard import Trigger

#: Rows of these are history: never changed, never removed.
APPEND_ONLY = ("ledger_transfer", "lot_use", "audit_entry", "pledge_move", "certificate_move", "refund_move")
#: Rows of these change within limits, and are never removed.
KEPT = ("ledger_account", "lot", "points_rule", "refund", "points_debt", "receipt_request", "recon_item")

GUARDS: Mapping[str, tuple[Trigger, ...]] = MappingProxyType(
    {
        "sqlite": triggers_sqlite.guards(append_only=APPEND_ONLY, kept=KEPT),
        "postgresql": triggers_postgresql.guards(append_only=APPEND_ONLY, kept=KEPT),
    }
)
#: What a migration runs before the triggers: the functions they call (PostgreSQL only).
FUNCTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sqlite": (), "postgresql": tuple(triggers_postgresql.FUNCTIONS.values())}
)
#: Every text in the order in which it can be run.
TRIGGERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {dialect: (*FUNCTIONS[dialect], *(trigger.create for trigger in guards)) for dialect, guards in GUARDS.items()}
)


@event.listens_for(Base.metadata, "after_create")
def _guard_tables(_metadata: MetaData, connection: Connection, tables: Collection[Table], **_: Any) -> None:
    """Guard the tables just created. Functions go first; they name their tables only when they run."""
    dialect, created = connection.dialect.name, {table.name for table in tables}
    wanted = [trigger.create for trigger in GUARDS[dialect] if trigger.table in created]
    for text in (*FUNCTIONS[dialect], *wanted) if wanted else ():
        connection.exec_driver_sql(text)


@event.listens_for(Base.metadata, "after_drop")
def _drop_functions(_metadata: MetaData, connection: Connection, tables: Collection[Table], **_: Any) -> None:
    """Triggers go with their tables; PostgreSQL's functions stay unless dropped."""
    guarded = {trigger.table for trigger in GUARDS[connection.dialect.name]}
    if connection.dialect.name == "postgresql" and guarded <= {table.name for table in tables}:
        for name in triggers_postgresql.FUNCTIONS:
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
