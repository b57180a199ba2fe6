from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask, Response, g, request
from sqlalchemy import func, select

from models import AuditEntry, Campaign, Certificate, PlantingBase, Pledge
from tests.console.journeys import certified_pledge
from tests.staff.people import Office
from wxbackend.core.db import reading


@pytest.fixture
def office(app, make, clock):
    return Office(app, make, clock)


ACCEPTED = range(200, 400)


def rows_in_trail() -> int:
    with reading() as session:
        return session.scalar(select(func.count(AuditEntry.id))) or 0


@pytest.fixture(autouse=True)
def untraced(app: Flask) -> Iterator[list[str]]:
    """Whatever a test sends: a form of the console that was accepted has left a row in the trail, or the test fails.

    Who is sent to the door instead has no ``before``: their request ends at the policy.
    """
    found: list[str] = []

    @app.before_request
    def count() -> None:
        if request.method == "POST" and str(request.endpoint).startswith("console."):
            g.before = rows_in_trail()

    @app.after_request
    def compare(response: Response) -> Response:
        before = g.pop("before", None)
        if before is not None and response.status_code in ACCEPTED and rows_in_trail() == before:
            found.append(str(request.endpoint))
        return response

    yield found
    assert found == []


@dataclass(frozen=True)
class Certified:
    """A paid pledge with its trees and certificate, by the names that pages know."""

    number: str
    serial: str
    certificate_id: str
    base_id: str
    base_name: str
    campaign_id: str


@pytest.fixture
def certified(app, client, make, pay, clock) -> Certified:
    return look(certified_pledge(app, client, make, pay, clock))


def look(number: str) -> Certified:
    with reading() as session:
        serial, certificate_id, base_id, base_name, campaign_id = session.execute(
            select(
                Certificate.serial,
                Certificate.public_id,
                PlantingBase.public_id,
                PlantingBase.name,
                Campaign.public_id,
            )
            .join(Pledge, Pledge.id == Certificate.pledge_id)
            .join(PlantingBase, PlantingBase.id == Pledge.base_id)
            .join(Campaign, Campaign.id == Pledge.campaign_id)
            .where(Pledge.number == number)
        ).one()
    return Certified(number, serial, certificate_id, base_id, base_name, campaign_id)
