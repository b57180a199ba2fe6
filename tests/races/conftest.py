"""Four processes that wait for a race; started once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import APPID, Clock, FakePay
from tests.make import Make
from tests.payments.walk import Headers, Walk
from tests.races.runner import PATIENCE_S, Ask, Got, prepare, run
from wxbackend.auditing.service import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.wxmini import WxIdentity
from wxbackend.identity.service import NewSession, sign_in

PROCESSES = 4
Race = Callable[[Sequence[Ask]], list[Got]]


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock, keeps_files=True)


@pytest.fixture(scope="session")
def racers() -> Iterator[ProcessPoolExecutor]:
    """Forked from a server that has everything imported, and shares no lock and no connection with the tests."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.races.runner"])
    start = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=prepare, initargs=(start,)) as pool:
        yield pool


@pytest.fixture
def race(racers: ProcessPoolExecutor, database_url: str) -> Race:
    """Deal the requests out to the processes; the answers, in no order."""

    def go(asks: Sequence[Ask]) -> list[Got]:
        dealt = [racers.submit(run, f"racer{n}", database_url, asks[n::PROCESSES]) for n in range(PROCESSES)]
        return [got for future in dealt for got in future.result(PATIENCE_S * 2)]

    return go


@pytest.fixture
def crowd(app: Flask, clock: Clock) -> Callable[[int], list[Headers]]:
    """Sign so many people in at once; each brings a key of their own."""

    def gather(n: int) -> list[Headers]:
        ask, safe, until = ports(), vault(), clock() + timedelta(days=1)
        tokens = [ask.new_token() for _ in range(n)]
        with transaction() as session:
            for number, token in enumerate(tokens):
                new = NewSession(token, ask.new_id(), "", until)
                sign_in(session, appid=APPID, who=WxIdentity(f"openid-{number}"), new=new, safe=safe, now=clock())
        return [{"Authorization": f"Bearer {token}", "Idempotency-Key": token} for token in tokens]

    return gather


@pytest.fixture
def assert_clean(app: Flask) -> Callable[[], None]:
    """The auditor, who shares no code with what it checks, finds nothing."""

    def check() -> None:
        with reading() as session:
            assert audit(session, storage=ports().storage, code_keys=settings().code_keys).violations == ()

    return check
