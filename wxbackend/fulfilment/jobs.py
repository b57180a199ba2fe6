"""The worker's part of fulfilment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.fulfilment import service as fulfilment
from wxbackend.honours.tools import issuing_tools

#: A pledge that was paid so long ago and has nothing to show for it lost its message.
OVERDUE = timedelta(minutes=10)
BATCH = 50


def fulfil_pledge(payload: Mapping[str, Any]) -> None:
    with transaction() as session:
        fulfilment.fulfil(session, number=payload["pledge"], tools=issuing_tools(), now=ports().now())


def finish_funded() -> None:
    """Fulfil what was paid and is still waiting, whatever became of its message. A fault of one stops no other."""
    with reading() as session:
        waiting = fulfilment.left_waiting(session, before=ports().now() - OVERDUE, limit=BATCH)
    one_by_one("fulfilment", waiting, lambda number: fulfil_pledge({"pledge": number}))


TIMETABLE = (Timed("finish-funded", timedelta(minutes=10), finish_funded),)
