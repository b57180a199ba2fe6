"""The worker: empties the outbox, and keeps the timetable while it holds the leader's lease. A process of its own."""

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import TypeVar

import structlog
from sqlalchemy import or_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import JobLease, OutboxStatus
from wxbackend.core import outbox
from wxbackend.core.db import transaction
from wxbackend.core.errors import Busy, Problem
from wxbackend.core.http import is_passing
from wxbackend.core.log import scrub
from wxbackend.core.outbox import ATTEMPTS, Claimed, Handler, Postpone
from wxbackend.core.ports import ports
from wxbackend.core.sql import insert_into

LEADER = "timetable"
LEADERSHIP = timedelta(seconds=30)
IDLE_S = 0.5
AWAY_S = 5.0
#: Shorter than the leader's lease: the same thread handles messages and lets holds run out.
TURN = timedelta(seconds=8)

Key = TypeVar("Key")
log = structlog.get_logger()


def one_by_one(what: str, keys: Iterable[Key], act: Callable[[Key], object]) -> None:
    """Do a job for each key, for a few seconds at most: what is left is still due the next time.

    What goes wrong with one must not keep those behind it waiting, hence the wide net.
    """
    started = ports().now()
    for key in keys:
        if ports().now() - started > TURN:
            return
        try:
            act(key)
        except Problem as problem:
            log.warning("job put off", job=what, key=key, problem=problem.code)
        except Exception:
            log.exception("job failed", job=what, key=key)


@dataclass(frozen=True, slots=True)
class Timed:
    """A job of the timetable: ``run`` opens transactions of its own and may be run at any time, twice, or late."""

    name: str
    every: timedelta
    run: Callable[[], None]


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Worker:
    """``handlers`` by topic. ``now`` is the clock of the ports."""

    handlers: Mapping[str, Handler]
    timetable: tuple[Timed, ...]
    now: Callable[[], datetime]
    name: str

    def work_once(self) -> bool:
        """Do one message; False when none is due."""
        with transaction() as session:
            message = outbox.claim(session, holder=self.name, now=self.now())
        if message is None:
            return False
        error = self._handle(message) if message.attempts <= ATTEMPTS else "the worker died at every attempt"
        with transaction() as session:
            self._settle(session, message, error)
        return True

    def _handle(self, message: Claimed) -> Postpone | str | None:
        """Run the handler; what went wrong, for the row. A worker outlives every message, hence the wide net."""
        try:
            self.handlers[message.topic](message.payload)
        except Postpone as later:
            return later
        except Problem as problem:
            return scrub(f"{problem.code}: {problem}")
        except Exception as error:
            log.exception("message failed", topic=message.topic, message_id=message.id)
            return scrub(f"{type(error).__name__}: {error}")
        return None

    def _settle(self, session: Session, message: Claimed, error: Postpone | str | None) -> None:
        if error is None:
            outbox.finish(session, message=message, holder=self.name, now=self.now())
        elif isinstance(error, Postpone):
            outbox.postpone(session, message=message, holder=self.name, later=error, now=self.now())
        elif outbox.fail(session, message=message, holder=self.name, error=error, now=self.now()) is OutboxStatus.DEAD:
            log.error("dead letter", topic=message.topic, message_id=message.id)

    def drain(self, stop: Event | None = None) -> None:
        """Work until nothing is due, or until told to stop."""
        while not (stop and stop.is_set()) and self.work_once():
            pass

    def work_round(self, stop: Event) -> None:
        """Every timed job once, then every message that is due."""
        for job in self.timetable:
            if not stop.is_set():
                self.run_timed(job)
        self.drain(stop)

    def run(self, stop: Event) -> None:
        """Work until told to stop: the timetable while this worker leads, and messages. Outlives a database restart."""
        rounds = _Rounds(self)
        while not stop.is_set():
            try:
                pause_s = rounds.next()
            except (Busy, DBAPIError) as error:
                if isinstance(error, DBAPIError) and not is_passing(error):
                    raise
                log.warning("database away", kind=type(error).__name__)
                pause_s = AWAY_S
            stop.wait(pause_s)

    def run_timed(self, job: Timed) -> None:
        try:
            job.run()
        except Exception:
            log.exception("timed job failed", job=job.name)

    def leads(self) -> bool:
        """Take or prolong the leadership of the timetable."""
        now = self.now()
        with transaction() as session:
            return _take_lease(session, holder=self.name, now=now)


class _Rounds:
    """What a running worker remembers from one message to the next: when each job is due, and whether it leads."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._leads_until = self._ask_again = worker.now()
        self._due = {job.name: worker.now() for job in worker.timetable}

    def next(self) -> float:
        """Timed jobs that are due, then one message; the seconds to wait before the next round."""
        if self._worker.now() >= self._ask_again:
            asked = self._worker.now()
            self._leads_until = asked + LEADERSHIP if self._worker.leads() else asked
            self._ask_again = asked + LEADERSHIP / 3
        for job in self._worker.timetable:
            self._run_if_due(job)
        return 0 if self._worker.work_once() else IDLE_S

    def _run_if_due(self, job: Timed) -> None:
        """Asked before every job: a long one may outlast the lease."""
        now = self._worker.now()
        if now < self._leads_until and self._due[job.name] <= now:
            self._worker.run_timed(job)
            self._due[job.name] = self._worker.now() + job.every


def _take_lease(session: Session, *, holder: str, now: datetime) -> bool:
    """Take or prolong the leadership; one statement decides between two workers."""
    renewed = session.scalar(
        update(JobLease)
        .where(JobLease.name == LEADER, or_(JobLease.holder == holder, JobLease.until < now))
        .values(holder=holder, until=now + LEADERSHIP)
        .returning(JobLease.name)
    )
    if renewed is not None:
        return True
    first = insert_into(session, JobLease).values(name=LEADER, holder=holder, until=now + LEADERSHIP)
    return session.execute(first.on_conflict_do_nothing().returning(JobLease.name)).scalar() is not None
