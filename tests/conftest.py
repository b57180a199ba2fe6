"""One application and one database a test, on every engine that was given."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.databases import ENGINES, Template
from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from tests.make import Make
from wxbackend.commands import with_commands
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pay(clock: Clock) -> FakePay:
    return FakePay(clock)


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def ports(clock: Clock, pay: FakePay, storage: FakeStorage) -> Ports:
    return Ports(mini=FakeMini(), pay=pay, storage=storage, push=FakePush(), now=clock, random_bytes=Luck())


@pytest.fixture(scope="session", params=ENGINES)
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    clock = Clock()
    ports = Ports(
        mini=FakeMini(), pay=FakePay(clock), storage=FakeStorage(), push=FakePush(), now=clock, random_bytes=Luck()
    )
    made = Template(request.param, tmp_path_factory.mktemp("db"), ports)
    yield made
    made.drop()


@pytest.fixture
def database_url(template: Template) -> Iterator[str]:
    with template.copy() as url:
        yield url
        _close_every_connection()


def _close_every_connection() -> None:
    """A test may have built a second application: a connection nobody closes is a warning in some later test."""
    for engines in list(db._app_engines.values()):
        for engine in engines.values():
            engine.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(app_env="test", database_url=database_url, rate_limits=False, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def app(settings: Settings, ports: Ports) -> Iterator[Flask]:
    """The application inside its context; the database is dropped afterwards."""
    app = with_commands(create_app(settings, ports))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make(app: Flask, client: FlaskClient, clock: Clock) -> Make:
    return Make(client=client, clock=clock)
