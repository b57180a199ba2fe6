"""Changing the key of sealed fields while serving: every value is opened and sealed again under the current key.

Which columns are sealed is read from the models: those whose name ends in ``_sealed``. Their rows are walked in the
order of the key they are bound to, one small transaction a batch. What is current already is passed over, so a run
that was broken off is simply started again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, and_, bindparam, func, select, tuple_, update
from sqlalchemy.orm import Session

from models import Base
from wxbackend.core.crypto import SEALED, Undecipherable, Vault, place_of
from wxbackend.core.idempotency import kept_place

ROW_KEY = "row_key"
Position = tuple[Any, ...]


@dataclass(frozen=True)
class SealedField:
    """A sealed column; ``keys`` name a row, and ``place`` makes of their values what the row's value is bound to."""

    column: Column[Any]
    keys: tuple[Column[Any], ...]
    place: Callable[..., str]

    @property
    def name(self) -> str:
        return f"{self.column.table.name}.{self.column.name}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did; ``last`` is where the next begins, ``None`` after the end."""

    resealed: int
    undecipherable: int
    last: Position | None


#: Tables whose sealed fields are not bound to a row key, but to their primary key in a form of their own.
OWN_PLACES: Mapping[str, Callable[..., str]] = {
    "idempotency_key": kept_place,
    "access_token": lambda appid: place_of("access_token", "token_sealed", appid),
}


def sealed_fields() -> tuple[SealedField, ...]:
    """Every sealed column of every table."""
    return tuple(
        _field(table, column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(SEALED)
    )


def _field(table: Table, column: Column[Any]) -> SealedField:
    if table.name in OWN_PLACES:
        return SealedField(column, tuple(table.primary_key.columns), OWN_PLACES[table.name])
    return SealedField(column, (table.c[ROW_KEY],), lambda row_key: place_of(table.name, column.name, row_key))


def reseal_batch(session: Session, *, field: SealedField, after: Position | None, limit: int, safe: Vault) -> Batch:
    """Seal the next ``limit`` old values anew. One that no key opens is counted and left as it is."""
    query = select(*field.keys, field.column).where(_is_old(field, safe)).order_by(*field.keys).limit(limit)
    if after is not None:
        query = query.where(tuple_(*field.keys) > after)
    rows = [(tuple(keys), sealed) for *keys, sealed in session.execute(query)]
    changes = [change for keys, sealed in rows if (change := _change(field, keys, sealed, safe))]
    if changes:
        session.execute(_write(field), changes)
    return Batch(len(changes), len(rows) - len(changes), rows[-1][0] if len(rows) == limit else None)


def count_old(session: Session, *, field: SealedField, safe: Vault) -> int:
    """How many values are not under the current key."""
    return session.scalar(select(func.count()).select_from(field.column.table).where(_is_old(field, safe))) or 0


def _is_old(field: SealedField, safe: Vault) -> Any:
    prefix = f"{safe.cipher.current}:"  # compared as it is: LIKE would take an underscore for a joker
    return and_(field.column.is_not(None), func.substr(field.column, 1, len(prefix)) != prefix)


def _change(field: SealedField, keys: Position, sealed: str, safe: Vault) -> dict[str, Any] | None:
    place = field.place(*keys)
    try:
        clear = safe.open(sealed, place=place)
    except Undecipherable:
        return None
    named = {f"key_{number}": key for number, key in enumerate(keys)}
    return {**named, "old": sealed, "new": safe.seal(clear, place=place)}


def _write(field: SealedField) -> Any:
    """Only over the value that was read: a person who changes it meanwhile wins."""
    mine = [key == bindparam(f"key_{number}") for number, key in enumerate(field.keys)]
    table = field.column.table
    return update(table).where(*mine, field.column == bindparam("old")).values({field.column: bindparam("new")})
