import pytest

from tests.staff.people import Office


@pytest.fixture
def office(app, make, clock):
    return Office(app, make, clock)
