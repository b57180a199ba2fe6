from collections.abc import Callable, Iterator

import pytest
import structlog

from tests.payments.walk import Walk
from tests.reconciliation.desk import Desk


@pytest.fixture
def desk(app, client, make, pay, clock) -> Desk:
    return Desk(Walk(app, client, make, pay, clock))


@pytest.fixture
def alarms(app) -> Iterator[Callable[[], list[str]]]:
    """The kinds of alarms so far, in their order."""
    with structlog.testing.capture_logs() as logs:
        yield lambda: [entry["kind"] for entry in logs if entry["event"] == "alarm"]
