"""A job for many: a fault of one stops no other, and none holds the worker for long."""

import pytest

from wxbackend.core.errors import Conflict
from wxbackend.core.worker import TURN, one_by_one


@pytest.mark.parametrize("fault", [Conflict(), ValueError("a defect")])
def test_what_goes_wrong_with_one_stops_no_other(embedded, fault):
    done = []

    def act(key: int) -> None:
        if key == 2:
            raise fault
        done.append(key)

    one_by_one("test", (1, 2, 3), act)
    assert done == [1, 3]


def test_the_turn_ends_when_its_time_is_over(embedded, clock):
    done = []

    def act(key: int) -> None:
        done.append(key)
        clock.forward(seconds=TURN.total_seconds() * 0.6)

    one_by_one("test", (1, 2, 3, 4), act)
    assert done == [1, 2]
