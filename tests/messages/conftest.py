"""Everything needed to walk a pledge through, and templates for what is told of it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import MessageKind
from tests.fakes import Clock, FakeMini, FakePay
from tests.make import Make
from tests.payments.walk import Walk
from wxbackend.core.ports import Ports
from wxbackend.messages.templates import Template

PAID_TEMPLATE = "template-paid"


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock) -> Walk:
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def mini(ports: Ports) -> FakeMini:
    assert isinstance(ports.mini, FakeMini)
    return ports.mini


@pytest.fixture
def templates(app: Flask) -> dict[MessageKind, Template]:
    """Only payments and points have one; whoever asks finds what the test puts in."""
    fields = {"thing1": "base", "amount2": "amount", "time3": "paid_at"}
    found = {
        MessageKind.PAID: Template(PAID_TEMPLATE, fields, "pages/pledge/index?number={document}"),
        MessageKind.REFUND: Template("template-refund", {"phrase1": "status"}, "pages/refund/index?number={document}"),
    }
    app.extensions["xiangshu.templates"] = found
    return found


@pytest.fixture
def accept(client: FlaskClient):  # type: ignore[no-untyped-def]
    """Accept kinds of messages, as the dialogue of WeChat reports it."""

    def give(me: dict[str, str], *kinds: str, **headers: str):  # type: ignore[no-untyped-def]
        return client.post("/v1/me/message-consents", json={"accepted": list(kinds)}, headers={**me, **headers})

    return give
