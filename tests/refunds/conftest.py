"""A paid and fulfilled pledge is one line away, and so is the auditor."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import Clock, FakePay
from tests.make import Make
from tests.payments.walk import Walk
from tests.refunds.counter import Counter
from wxbackend.auditing.service import audit
from wxbackend.core.db import reading
from wxbackend.core.ports import ports, settings


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock, keeps_files=True)


@pytest.fixture
def counter(walk: Walk) -> Counter:
    walk.make.regions()
    return Counter(walk)


@pytest.fixture
def me(walk: Walk) -> dict[str, str]:
    return walk.make.resident()


@pytest.fixture
def planted_three(walk: Walk, me: dict[str, str]) -> str:
    """Three trees at ¥50, paid, numbered and certified: 15 green points, 150 honour."""
    number = walk.open(walk.make.base(), me, tree_count=3)
    walk.fulfilled(number, me)
    return number


@pytest.fixture
def donated(walk: Walk, me: dict[str, str]) -> str:
    """¥66 given, with its certificate: 6 green points, 66 honour."""
    number = walk.donate(walk.make.base(), me)
    walk.fulfilled(number, me)
    return number


@pytest.fixture
def adopted_two(walk: Walk, me: dict[str, str]) -> str:
    """Two standing trees at ¥200 each, adopted."""
    base = walk.make.base()
    walk.standing(base, 3)
    number = walk.open(base, me, kind="adopt", tree_count=2)
    walk.fulfilled(number, me)
    return number


@pytest.fixture
def assert_clean(app: Flask) -> Callable[[], None]:
    """The auditor, who shares no code with what it checks, finds nothing."""

    def check() -> None:
        with reading() as session:
            assert audit(session, storage=ports().storage, code_keys=settings().code_keys).violations == ()

    return check
