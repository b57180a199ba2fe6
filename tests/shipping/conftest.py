"""Everything needed to pay for a pledge and to see what WeChat is told of it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import Clock, FakeMini, FakePay
from tests.make import Make
from tests.payments.walk import Walk
from wxbackend.core.ports import Ports


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def mini(ports: Ports) -> FakeMini:
    """WeChat manages our trade."""
    assert isinstance(ports.mini, FakeMini)
    ports.mini.managed = True
    return ports.mini
