from dataclasses import dataclass

import pytest
from sqlalchemy import select

from models import Campaign, Certificate, PlantingBase, Pledge
from tests.console.journeys import certified_pledge
from tests.staff.people import Office
from wxbackend.core.db import reading


@pytest.fixture
def office(app, make, clock):
    return Office(app, make, clock)


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
