"""What each process of a race does: an application of its own on the common database, asked by several threads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from threading import Event
from typing import Any

from flask import Flask

from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.factory import create_app

PATIENCE_S = 30
TRIES = 40
_start: list[Barrier] = []


@dataclass(frozen=True)
class Ask:
    """One request; ``paid`` is what a notification is about."""

    path: str
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    paid: PaidTransaction | None = None


@dataclass(frozen=True)
class Got:
    status: int
    json: Any
    refused_busy: int


def prepare(start: Barrier) -> None:
    """Run once in each process."""
    _start.append(start)


def run(name: str, url: str, asks: Sequence[Ask]) -> list[Got]:
    """Ask everything at once, when all processes are ready."""
    clock = Clock()
    pay = FakePay(clock)
    ports = Ports(mini=FakeMini(), pay=pay, storage=FakeStorage(), push=FakePush(), now=clock, random_bytes=Luck(name))
    settings = Settings(app_env="test", database_url=url, rate_limits=False, _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings, ports)
    bodies = [pay.notice_of(ask.paid) if ask.paid else None for ask in asks]
    _start[0].wait(PATIENCE_S)
    with ThreadPoolExecutor(len(asks)) as pool:
        got = list(pool.map(lambda asked: _ask(app, *asked), zip(asks, bodies, strict=True)))
    with app.app_context():
        db.engine.dispose()
    return got


def _ask(app: Flask, ask: Ask, body: bytes | None) -> Got:
    """Busy is no answer: as a client should, try again with the same key."""
    for tries in range(TRIES):
        answer = app.test_client().post(ask.path, json=ask.json, data=body, headers=ask.headers)
        if answer.status_code != 503:
            return Got(answer.status_code, answer.get_json(silent=True), tries)
        Event().wait(0.05)
    raise RuntimeError("busy for ever")
