"""``flask jobs`` and ``flask openapi``, as an operator types them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from sqlalchemy import select

from models import OutboxMessage, OutboxStatus
from wxbackend.core import outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Conflict
from wxbackend.core.ports import utc_now
from wxbackend.core.worker import Timed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ran(embedded) -> list[str]:
    """What the jobs of this test did; their outbox and timetable replace the features'."""
    done: list[str] = []

    def fail(_payload):
        raise Conflict("名额已满")

    embedded.extensions["xiangshu.handlers"] = {"good": lambda payload: done.append(payload["n"]), "bad": fail}
    embedded.extensions["xiangshu.timetable"] = (Timed("tick", timedelta(hours=1), lambda: done.append("tick")),)
    return done


@pytest.fixture
def flask(embedded, ran) -> Iterator:
    """Types ``flask …``. The signal handlers of the test run come back afterwards."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield lambda *words: embedded.test_cli_runner().invoke(args=words)
    for number, handler in kept.items():
        signal.signal(number, handler)


def put(clock, *numbers, topic="good"):
    with transaction() as session:
        for number in numbers:
            outbox.enqueue(session, topic=topic, key=f"{topic}{number}", payload={"n": number}, now=clock())


def statuses():
    with reading() as session:
        return list(session.scalars(select(OutboxMessage.status).order_by(OutboxMessage.id)))


def test_one_round_does_the_timetable_and_all_that_is_due(flask, ran, clock):
    put(clock, "1", "2")
    result = flask("jobs", "work", "--once")
    assert (result.exit_code, ran) == (0, ["tick", "1", "2"])
    assert statuses() == [OutboxStatus.DONE] * 2


def test_drain_ends_well_when_nothing_is_left(flask, ran, clock):
    put(clock, "1", "2")
    assert flask("jobs", "drain").exit_code == 0
    assert ran == ["tick", "1", "2"]


def test_drain_says_what_is_left_and_fails(flask, clock):
    put(clock, "1")
    put(clock, "2", topic="bad")
    result = flask("jobs", "drain", "--wait", "0")
    assert (result.exit_code, result.output) == (1, "bad: 1 ready\n")


def test_drain_fails_on_a_dead_letter(flask, clock):
    put(clock, "1", topic="bad")
    with transaction() as session:
        session.scalars(select(OutboxMessage)).one().status = OutboxStatus.DEAD
    result = flask("jobs", "drain", "--wait", "0")
    assert (result.exit_code, result.output) == (1, "bad: 1 dead\n")


def test_the_document_is_printed(flask, embedded):
    result = flask("openapi")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(embedded.api_doc))


def test_a_worker_told_to_stop_ends_its_message_and_takes_no_other(embedded, embedded_url):
    put(utc_now, "1", "2", topic="slow")
    command = [sys.executable, "-m", "flask", "--app", "tests.core.served", "jobs", "work"]
    worker = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": embedded_url}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdout.readline() == "started\n", worker.communicate()
    worker.send_signal(signal.SIGTERM)
    out, errors = worker.communicate("go on\n", timeout=30)
    assert (worker.returncode, out) == (0, ""), errors
    assert statuses() == [OutboxStatus.DONE, OutboxStatus.READY]


def test_a_worker_shows_its_own_counts_on_a_port_of_this_machine(embedded, embedded_url):
    put(utc_now, "1", topic="slow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flask", "--app", "tests.core.served", "jobs", "work", "--metrics-port", str(port)]
    worker = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": embedded_url}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdout.readline() == "started\n", worker.communicate()
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        counted = answer.read().decode()
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate("go on\n", timeout=30)
    assert (worker.returncode, "xiangshu_alarms_total" in counted) == (0, True), errors
