"""Declarative base, column types and naming shared by every table. Knows nothing of Flask."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, LargeBinary, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import TypeDecorator, TypeEngine

#: Columns added by a migration stand behind the others, in the models as in a migrated database.
ADDED_LATER = 1
#: SQLite gives a rowid alias only to INTEGER; everywhere else keys are 64 bits wide.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, on every database. Naive input is a bug.

    PostgreSQL stores ``timestamptz``; SQLite stores naive UTC text, whose order is the order of time.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class EnumText(TypeDecorator[StrEnum]):
    """A ``StrEnum`` stored as its text: adding a member needs no migration of a database type."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


class Base(DeclarativeBase):
    # The map sits in the registry: flask-sqlalchemy 3.1 crashes on a base with `type_annotation_map` of its own.
    registry = registry(
        type_annotation_map={
            datetime: UtcDateTime,
            str: Text,
            int: BigInteger,
            bytes: LargeBinary,
            dict[str, Any]: JSON,
        },
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


class HasId:
    id: Mapped[int] = mapped_column(BigId, primary_key=True)


def one_of(column: str, enum: type[StrEnum]) -> str:
    """The text of a CHECK that holds ``column`` to the members of ``enum``."""
    return f"{column} IN ({', '.join(repr(str(member)) for member in enum)})"
