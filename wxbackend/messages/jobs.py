"""What happens by the clock about messages."""

from datetime import timedelta

import structlog
from flask import current_app

from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed
from wxbackend.messages import pushes

BATCH = 200
log = structlog.get_logger()


def take_waiting_pushes() -> None:
    """Give pushes another try that came before what they speak of. A fault of one stops no other."""
    now = ports().now()
    with reading() as session:
        keys = pushes.waiting(session, now=now, limit=BATCH)
    for key in keys:
        _take_again(key)


def _take_again(key: str) -> None:
    try:
        with transaction() as session:
            pushes.take_again(session, key=key, takers=current_app.extensions["xiangshu.pushes"], now=ports().now())
    except Exception:
        log.exception("push not taken", push_key=key)


TIMETABLE = (Timed("waiting-pushes", timedelta(minutes=1), take_waiting_pushes),)
