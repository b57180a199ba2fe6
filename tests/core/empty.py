"""A database that holds nothing yet, of either engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

from tests.databases import POSTGRES


@dataclass(frozen=True)
class Empty:
    engine: str
    url: str

    @classmethod
    @contextmanager
    def made(cls, engine: str, folder: Path) -> Iterator["Empty"]:
        name = f"xs_empty_{uuid4().hex[:12]}"
        if engine == "sqlite":
            yield cls(engine, f"sqlite:///{folder / name}.db")
            return
        server = make_url(POSTGRES or "")
        _administer(f"CREATE DATABASE {name}")
        try:
            url = server.set(drivername="postgresql+psycopg", database=name)
            yield cls(engine, url.render_as_string(hide_password=False))
        finally:
            _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    url = make_url(POSTGRES or "").set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]
