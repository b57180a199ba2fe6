"""The first schema.

Its DDL is frozen as text, one file a dialect: CHECKs, partial indexes and triggers stand there exactly as they run.
"""

from pathlib import Path

from alembic import op
from sqlalchemy import inspect

revision = "0001"
down_revision = None
SEPARATOR = "\n-- next\n"


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    text = (Path(__file__).parent / f"0001_{dialect}.sql").read_text()
    for statement in text.split(SEPARATOR):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%") if dialect == "postgresql" else statement)


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        connection.exec_driver_sql(f"DROP TABLE {', '.join(tables)} CASCADE")
        functions = connection.exec_driver_sql(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
            " AND p.prorettype = 'trigger'::regtype"
        )
        for (signature,) in functions.fetchall():
            connection.exec_driver_sql(f"DROP FUNCTION {signature}")
        return
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    for name in reversed(inspect(connection).get_sorted_table_and_fkc_names()):
        if name[0] not in (None, "alembic_version"):
            connection.exec_driver_sql(f'DROP TABLE "{name[0]}"')
