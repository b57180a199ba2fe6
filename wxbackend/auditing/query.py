"""One thing that must be true of the database, as a SELECT that finds what breaks it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """``title`` is what staff read when a row is found; a row's first column names the thing that is wrong."""

    name: str
    title: str
    sql: str


PAID = "('funded', 'allocated', 'planted', 'active', 'ended', 'renewed')"
