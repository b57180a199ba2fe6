"""The one place where the two dialects' own statements are told apart."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_into(session: Session, table: Any) -> Any:
    """``INSERT`` with ``on_conflict_do_nothing`` and ``on_conflict_do_update``, for the session's dialect."""
    dialect = session.get_bind().dialect.name
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
