"""One county on one simulated WeChat a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.faults.county import County, Post, SkippingClock, live_ports, running
from tests.make import Make
from wxbackend.commands import with_commands
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.devtools.wxsim import RunningSimulator, SimClock
from wxbackend.devtools.wxsim.state import open_world
from wxbackend.factory import create_app


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys are made once; each simulator starts from them with an empty book."""
    folder = Path(tmp_path_factory.mktemp("wxsim"))
    open_world(folder, clock=SimClock())
    return folder


@pytest.fixture
def clock() -> SkippingClock:
    return SkippingClock()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def wechat(keys: Path, post: Post) -> Iterator[RunningSimulator]:
    with running(keys, post) as server:
        yield server


@pytest.fixture
def ports(ports: Ports, keys: Path, wechat: RunningSimulator, clock: SkippingClock) -> Iterator[Ports]:
    with live_ports(keys, wechat, base=ports, clock=clock) as found:
        yield found


@pytest.fixture
def pay(clock: SkippingClock) -> None:
    """No fake here: what is asked goes to the simulator."""


@pytest.fixture
def settings(settings: Settings, wechat: RunningSimulator) -> Settings:
    return settings.model_copy(update={"wx_appid": wechat.simulator.world.app.appid})


@pytest.fixture
def app(settings: Settings, ports: Ports) -> Iterator[Flask]:
    app = with_commands(create_app(settings, ports))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def county(app: Flask, wechat: RunningSimulator, clock: SkippingClock, post: Post) -> County:
    client = app.test_client()
    post.client = client
    return County(app, client, wechat.simulator, clock, Make(client=client, clock=clock), post)  # type: ignore[arg-type]
