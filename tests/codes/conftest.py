"""A tree whose code somebody asks for."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import Tree
from tests.fakes import Clock, FakeMini, FakePay
from tests.make import Make
from tests.payments.walk import Walk
from wxbackend.core.ports import Ports


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def mini(ports: Ports) -> FakeMini:
    assert isinstance(ports.mini, FakeMini)
    return ports.mini


@pytest.fixture
def trees(walk: Walk) -> list[Tree]:
    return walk.standing(walk.make.base(public_id="houshan"), 3)
