"""For what concerns one engine alone, or no database at all: an application over the embedded one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.databases import Template
from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from wxbackend.commands import with_commands
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app


@pytest.fixture(scope="session")
def embedded_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    clock = Clock()
    ports = Ports(
        mini=FakeMini(), pay=FakePay(clock), storage=FakeStorage(), push=FakePush(), now=clock, random_bytes=Luck()
    )
    return Template("sqlite", tmp_path_factory.mktemp("embedded"), ports)


@pytest.fixture
def embedded_url(embedded_template: Template) -> Iterator[str]:
    with embedded_template.copy() as url:
        yield url


@pytest.fixture
def embedded(embedded_url: str, ports: Ports) -> Iterator[Flask]:
    """The application over SQLite, inside its context."""
    settings = Settings(app_env="test", database_url=embedded_url, rate_limits=False, _env_file=None)
    app = with_commands(create_app(settings, ports))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def browser(embedded: Flask) -> FlaskClient:
    return embedded.test_client()


@pytest.fixture
def schema_less(tmp_path: Path) -> str:
    """The URL of a database that was never migrated."""
    return f"sqlite:///{tmp_path / 'empty.db'}"
