"""The worker: empties the outbox, and keeps the timetable while it holds the leader's lease. A process of its own."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import structlog
from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from models import JobLease, OutboxStatus
from wxbackend.core import outbox
from wxbackend.core.db import transaction
from wxbackend.core.errors import Problem
from wxbackend.core.outbox import Claimed, Handler
from wxbackend.core.sql import insert_into

LEADER = "timetable"
LEADERSHIP = timedelta(seconds=30)
IDLE_S = 0.5

log = structlog.get_logger()


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
        error = self._handle(message)
        with transaction() as session:
            self._settle(session, message, error)
        return True

    def _handle(self, message: Claimed) -> str | None:
        """Run the handler; what went wrong, for the row. A worker outlives every message, hence the wide net."""
        try:
            self.handlers[message.topic](message.payload)
        except Problem as problem:
            return f"{problem.code}: {problem}"
        except Exception as error:
            log.exception("message failed", topic=message.topic, message_id=message.id)
            return f"{type(error).__name__}: {error}"
        return None

    def _settle(self, session: Session, message: Claimed, error: str | None) -> None:
        if error is None:
            outbox.finish(session, message=message, holder=self.name, now=self.now())
        elif outbox.fail(session, message=message, holder=self.name, error=error, now=self.now()) is OutboxStatus.DEAD:
            log.error("dead letter", topic=message.topic, message_id=message.id)

    def drain(self) -> None:
        """Work until nothing is due."""
        while self.work_once():
            pass

    def run(self, stop: Event) -> None:
        """Work until told to stop: messages first, the timetable whenever this worker leads."""
        due = {job.name: self.now() for job in self.timetable}
        leads_until = ask_again = self.now()
        while not stop.is_set():
            if self.now() >= ask_again:
                ask_again = self.now() + LEADERSHIP / 3
                leads_until = self.now() + LEADERSHIP if self._leads() else self.now()
            if self.now() < leads_until:
                self._keep_timetable(due)
            if not self.work_once():
                stop.wait(IDLE_S)

    def _keep_timetable(self, due: dict[str, datetime]) -> None:
        for job in self.timetable:
            if due[job.name] <= self.now():
                self.run_timed(job)
                due[job.name] = self.now() + job.every

    def run_timed(self, job: Timed) -> None:
        try:
            job.run()
        except Exception:
            log.exception("timed job failed", job=job.name)

    def _leads(self) -> bool:
        now = self.now()
        with transaction() as session:
            return _take_lease(session, holder=self.name, now=now)


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
