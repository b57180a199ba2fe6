"""Everything needed to say something and have it judged."""

from dataclasses import dataclass
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from models import ContentReview
from tests.fakes import Clock, FakeMini, FakePay
from tests.make import Make
from tests.payments.walk import Walk
from wxbackend.content.jobs import look_again
from wxbackend.core.ports import Ports
from wxbackend.core.wxmini import Suggestion

RISKY, DOUBTFUL = "违规", "存疑"


@pytest.fixture
def mini(ports: Ports) -> FakeMini:
    """WeChat: two words are not harmless."""
    fake = ports.mini
    assert isinstance(fake, FakeMini)
    fake.verdicts = {RISKY: Suggestion.RISKY, DOUBTFUL: Suggestion.REVIEW}
    return fake


@pytest.fixture
def walk(app: Flask, client: FlaskClient, make: Make, pay: FakePay, clock: Clock, mini: FakeMini) -> Walk:
    return Walk(app, client, make, pay, clock)


@dataclass(frozen=True)
class Desk:
    """What was found, by subject, and the job that looks again."""

    walk: Walk

    def reviews(self) -> dict[str, ContentReview]:
        return {str(row.subject): row for row in self.walk.all(ContentReview)}

    def states(self) -> dict[str, tuple[str, str]]:
        return {subject: (str(row.status), row.cause) for subject, row in self.reviews().items()}

    def look_again(self) -> None:
        look_again()
        self.walk.drain()


@pytest.fixture
def desk(walk: Walk) -> Desk:
    return Desk(walk)


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), **options: object) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, "seagreen").save(file, kind, **options)
    return file.getvalue()
