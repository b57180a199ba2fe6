"""One way to page: newest first, by id."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from wxbackend.core.schema import encode_cursor

PAGE_SIZE = 20
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Row]):
    """One page of rows; ``cursor`` is that of the next, if there is one."""

    rows: Sequence[Row]
    cursor: str | None


def newest_first(
    session: Session, query: Select[*tuple[Any, ...]], key: InstrumentedAttribute[int], *, after: int | None
) -> Sheet[Any]:
    """The rows below ``after``, with one more read to know whether a page follows; ``key`` is among the columns."""
    if after is not None:
        query = query.where(key < after)
    rows = session.execute(query.add_columns(key.label("position")).order_by(key.desc()).limit(PAGE_SIZE + 1)).all()
    if len(rows) <= PAGE_SIZE:
        return Sheet(rows, None)
    return Sheet(rows[:PAGE_SIZE], encode_cursor(rows[PAGE_SIZE - 1].position))
