"""A database of its own for every test: a copy of one that was migrated once."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from flask_migrate import upgrade
from sqlalchemy.engine import URL, make_url

from wxbackend.core.db import db
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

POSTGRES = os.environ.get("TEST_POSTGRES_URL")
ENGINES = ("sqlite", "postgres") if POSTGRES else ("sqlite",)


def _postgres(name: str) -> URL:
    return make_url(POSTGRES or "").set(drivername="postgresql+psycopg", database=name)


def _administer(statement: str) -> None:
    url = make_url(POSTGRES or "").set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def _migrate(url: str, ports: object) -> None:
    app = create_app(Settings(app_env="test", database_url=url, _env_file=None), ports)  # type: ignore[arg-type, call-arg]
    with app.app_context():
        upgrade()
        db.engine.dispose()


class Template:
    """The migrated database of one engine. ``copy()`` gives the URL of a fresh one and takes it away afterwards."""

    def __init__(self, engine: str, folder: Path, ports: object) -> None:
        self.engine, self._folder = engine, folder
        self._name = f"xs_template_{uuid4().hex[:12]}"
        self._file = folder / f"{self._name}.db"
        if engine == "postgres":
            _administer(f"CREATE DATABASE {self._name}")
        _migrate(self.url, ports)

    @property
    def url(self) -> str:
        if self.engine == "sqlite":
            return f"sqlite:///{self._file}"
        return _postgres(self._name).render_as_string(hide_password=False)

    @contextmanager
    def copy(self) -> Iterator[str]:
        name = f"xs_test_{uuid4().hex[:12]}"
        if self.engine == "sqlite":
            file = self._folder / f"{name}.db"
            shutil.copy(self._file, file)
            yield f"sqlite:///{file}"
            for leftover in self._folder.glob(f"{name}.db*"):
                leftover.unlink()
        else:
            _administer(f"CREATE DATABASE {name} TEMPLATE {self._name}")
            try:
                yield _postgres(name).render_as_string(hide_password=False)
            finally:
                _administer(f"DROP DATABASE {name} WITH (FORCE)")

    def drop(self) -> None:
        if self.engine == "postgres":
            _administer(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
