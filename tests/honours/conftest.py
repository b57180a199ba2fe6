"""Everything needed to walk a pledge through."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import Clock, FakePay
from tests.make import Make
from tests.payments.walk import Walk


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock)
