"""Moving a row along its state table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

from wxbackend.core.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


class HasStatus(Protocol[S]):
    status: S


def move(row: HasStatus[S], to: S, moves: Mapping[S, frozenset[S]]) -> None:
    """Set ``row.status``, or raise ``IllegalMove`` if the table does not allow it."""
    if to not in moves[row.status]:
        raise IllegalMove(f"{row.status} → {to}", current=str(row.status))
    row.status = to


def sources(to: S, moves: Mapping[S, frozenset[S]]) -> tuple[S, ...]:
    """The statuses from which ``to`` may be reached: the guard of a one-statement move, sorted for stable SQL."""
    return tuple(sorted(status for status, targets in moves.items() if to in targets))
