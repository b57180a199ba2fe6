"""The outbox and its workers: everything is done at least once, nothing by two at a time, nothing for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Lock

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from models import JobLease, OutboxMessage, OutboxStatus
from wxbackend.core import outbox
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.errors import Busy, Conflict
from wxbackend.core.outbox import ATTEMPTS, BACKOFF_S, ERROR_LENGTH, LEASE, LONGEST_REST, LONGEST_WAIT_S, Postpone
from wxbackend.core.worker import LEADERSHIP, Timed, Worker


def put(clock, key="1", topic="t", **payload):
    with transaction() as session:
        outbox.enqueue(session, topic=topic, key=key, payload=payload, now=clock())


def rows():
    with reading() as session:
        return session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()


def claim(holder, clock):
    with transaction() as session:
        return outbox.claim(session, holder=holder, now=clock())


def worker(clock, handler=lambda payload: None, name="w1", timetable=()):
    return Worker(handlers={"t": handler}, timetable=timetable, now=clock, name=name)


def test_the_same_work_is_put_in_once(app, clock):
    put(clock, a=1)
    put(clock, a=2)
    put(clock, key="2")
    assert [(row.key, row.payload) for row in rows()] == [("1", {"a": 1}), ("2", {})]


def test_work_goes_back_with_its_transaction(app, clock):
    def fail():
        with transaction() as session:
            outbox.enqueue(session, topic="t", key="1", payload={}, now=clock())
            raise Conflict

    with pytest.raises(Conflict):
        fail()
    assert rows() == []


def test_a_message_is_handled_once_and_then_done(app, clock):
    put(clock, tree="榕树")
    seen = []
    work = worker(clock, lambda payload: seen.append(dict(payload)))
    assert [work.work_once(), work.work_once()] == [True, False]
    (row,) = rows()
    assert (seen, row.status, row.attempts, row.lease_until) == ([{"tree": "榕树"}], OutboxStatus.DONE, 1, None)
    assert row.done_at == clock()


@pytest.mark.parametrize(
    ("wait", "rest"),
    [(timedelta(minutes=5), timedelta(minutes=5)), (LONGEST_REST, LONGEST_REST), (timedelta(days=400), LONGEST_REST)],
)
def test_postponed_work_rests_in_its_own_row_a_day_at_most(app, clock, wait, rest):
    def not_yet(payload):
        raise Postpone(wait=wait, reason="too-many")

    put(clock)
    assert worker(clock, not_yet).work_once()
    (row,) = rows()
    assert (row.status, row.attempts, row.last_error) == (OutboxStatus.READY, 0, "too-many")
    assert (row.run_after - clock(), row.lease_until, row.lease_holder) == (rest, None, None)


def test_who_lost_the_lease_postpones_nothing(app, clock):
    put(clock)
    first = claim("w1", clock)
    clock.forward(seconds=LEASE.total_seconds() + 1)
    claim("w2", clock)
    with transaction() as session:
        later = Postpone(wait=timedelta(hours=1), reason="too-many")
        outbox.postpone(session, message=first, holder="w1", later=later, now=clock())
    (row,) = rows()
    assert (row.status, row.attempts, row.lease_holder) == (OutboxStatus.LEASED, 2, "w2")


def test_the_oldest_due_message_goes_first_and_the_future_waits(app, clock):
    clock.forward(hours=1)
    put(clock, key="late")
    clock.forward(hours=-1)
    put(clock, key="early")
    assert claim("w1", clock).id == rows()[1].id
    assert claim("w1", clock) is None
    clock.forward(hours=2)
    assert claim("w2", clock) is not None


def test_a_leased_message_is_nobody_elses_until_its_lease_runs_out(app, clock):
    put(clock)
    first = claim("w1", clock)
    clock.forward(seconds=LEASE.total_seconds())
    assert claim("w2", clock) is None
    clock.forward(seconds=1)
    second = claim("w2", clock)
    assert (first.id, second.id, second.attempts) == (second.id, first.id, 2)
    with transaction() as session:  # the first wakes up: its word counts no more
        outbox.finish(session, message=first, holder="w1", now=clock())
    assert (rows()[0].status, rows()[0].lease_holder) == (OutboxStatus.LEASED, "w2")
    with transaction() as session:
        assert outbox.fail(session, message=first, holder="w1", error="late", now=clock())
    assert (rows()[0].status, rows()[0].last_error) == (OutboxStatus.LEASED, None)


def test_a_failure_is_tried_again_twice_as_late_each_time_and_then_lies_dead(app, clock):
    put(clock)

    def fail(_payload):
        raise Conflict("基地已满")

    work = worker(clock, fail)
    for attempt in range(1, ATTEMPTS + 1):
        assert work.work_once()
        (row,) = rows()
        assert (row.attempts, row.last_error, row.lease_until) == (attempt, "conflict: 基地已满", None)
        assert row.run_after - clock() == timedelta(seconds=min(BACKOFF_S**attempt, LONGEST_WAIT_S))
        assert row.status is (OutboxStatus.DEAD if attempt == ATTEMPTS else OutboxStatus.READY)
        assert not work.work_once()
        clock.moment = row.run_after
    assert not work.work_once()


def test_a_dead_letter_is_revived_for_another_round(app, clock):
    put(clock)
    with transaction() as session:
        message = outbox.claim(session, holder="w1", now=clock())
        assert not outbox.revive(session, message_id=message.id, now=clock())  # it is not dead
        session.execute(update(OutboxMessage).values(attempts=ATTEMPTS))
    clock.forward(minutes=5)
    assert worker(clock).work_once()
    assert rows()[0].status is OutboxStatus.DEAD
    with transaction() as session:
        assert outbox.revive(session, message_id=message.id, now=clock())
    assert worker(clock).work_once()
    assert (rows()[0].status, rows()[0].attempts) == (OutboxStatus.DONE, 1)


def test_a_message_that_kills_its_worker_every_time_ends_as_a_dead_letter(app, clock):
    put(clock)
    for _ in range(ATTEMPTS):
        assert claim("killed", clock) is not None
        clock.forward(minutes=2)
    handled = []
    assert worker(clock, handled.append).work_once()
    assert (rows()[0].status, handled) == (OutboxStatus.DEAD, [])
    assert "died" in rows()[0].last_error


@pytest.mark.parametrize("topic", ["t", "nobody-knows-it"])
def test_an_unexpected_error_is_kept_with_the_message_and_the_worker_lives(app, clock, topic):
    put(clock, topic=topic)

    def fail(_payload):
        raise ValueError("phone 13800138000 " + "x" * 1000)

    assert worker(clock, fail).work_once()
    (row,) = rows()
    assert row.status is OutboxStatus.READY
    assert "13800138000" not in row.last_error
    assert len(row.last_error) <= ERROR_LENGTH


def test_two_workers_never_do_one_message_at_once(app, clock):
    for key in range(24):
        put(clock, key=str(key), number=key)
    busy, seen, twice, lock = set(), [], [], Lock()

    def handle(payload):
        number = payload["number"]
        with lock:
            twice.extend({number} & busy)
            busy.add(number)
        with lock:
            seen.append(number)
            busy.discard(number)

    def run(name):
        with app.app_context():
            worker(clock, handle, name).drain()

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(run, f"w{i}") for i in range(4)]:
            future.result()
    assert (sorted(seen), twice) == (list(range(24)), [])
    assert {row.attempts for row in rows()} == {1}


def test_a_message_that_another_is_claiming_is_stepped_over(app, clock):
    """PostgreSQL skips locked rows; on SQLite the second claim stands in the queue."""
    put(clock, key="1")
    put(clock, key="2")
    if db.engine.dialect.name == "sqlite":
        assert claim("w1", clock).id != claim("w2", clock).id
        return
    with db.engine.connect() as other:
        first = other.execute(text("SELECT id FROM outbox_message ORDER BY id LIMIT 1 FOR UPDATE")).scalar()
        assert claim("w2", clock).id != first
        assert claim("w3", clock) is None
        other.rollback()


def test_backlog_counts_what_waits_and_for_how_long(app, clock):
    with reading() as session:
        assert outbox.backlog(session, now=clock()) == (0, 0.0)
    put(clock)
    put(clock, key="2")
    claim("w1", clock)
    clock.forward(seconds=90)
    with reading() as session:
        assert outbox.backlog(session, now=clock()) == (2, 90.0)
        assert outbox.unfinished(session) == [("t", "leased", 1), ("t", "ready", 1)]


# ------------------------------------------------------------------------------------------------- the timetable
def test_one_worker_leads_and_another_takes_over_when_it_is_silent(app, clock):
    first, second = worker(clock, name="w1"), worker(clock, name="w2")
    assert [first.leads(), second.leads(), first.leads()] == [True, False, True]
    clock.forward(seconds=LEADERSHIP.total_seconds() + 1)
    assert [second.leads(), first.leads()] == [True, False]
    with reading() as session:
        assert session.scalars(select(JobLease.holder)).all() == ["w2"]


def test_eight_workers_at_once_find_one_leader(app, clock):
    def ask(name):
        with app.app_context():
            return worker(clock, name=name).leads()

    with ThreadPoolExecutor(8) as threads:
        said = [future.result() for future in [threads.submit(ask, f"w{i}") for i in range(8)]]
    assert sum(said) == 1


class Steps(Event):
    """Told to stop after so many rounds; in between, ``each`` moves the world."""

    def __init__(self, rounds, each):
        super().__init__()
        self.left, self.each, self.waits = rounds, each, []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        self.left -= 1
        self.each()
        if self.left == 0:
            self.set()
        return self.is_set()


def test_the_leader_runs_each_job_when_it_is_due(embedded, clock):
    ran = []
    jobs = (
        Timed("often", timedelta(seconds=2), lambda: ran.append("often")),
        Timed("seldom", timedelta(seconds=60), lambda: ran.append("seldom")),
    )
    worker(clock, timetable=jobs).run(Steps(4, lambda: clock.forward(seconds=1)))
    assert ran == ["often", "seldom", "often"]


def test_a_worker_that_does_not_lead_keeps_no_timetable(embedded, clock):
    assert worker(clock, name="leader").leads()
    ran = []
    put(clock)
    jobs = (Timed("job", timedelta(seconds=1), lambda: ran.append("job")),)
    worker(clock, name="other", timetable=jobs).run(Steps(3, lambda: clock.forward(seconds=1)))
    assert (ran, rows()[0].status) == ([], OutboxStatus.DONE)


def test_a_job_that_fails_keeps_neither_the_next_nor_the_messages_from_running(embedded, clock):
    ran = []

    def fail():
        raise ValueError

    put(clock)
    jobs = (Timed("bad", timedelta(hours=1), fail), Timed("good", timedelta(hours=1), lambda: ran.append("good")))
    worker(clock, timetable=jobs).run(Steps(1, lambda: None))
    assert (ran, rows()[0].status) == (["good"], OutboxStatus.DONE)


def test_messages_follow_each_other_without_a_pause(embedded, clock):
    for key in range(3):
        put(clock, key=str(key))
    stop = Steps(4, lambda: None)
    worker(clock).run(stop)
    assert stop.waits == [0, 0, 0, 0.5]


@pytest.mark.parametrize("error", [Busy(), OperationalError("", {}, Exception("database is locked"))])
def test_a_worker_outlives_a_database_that_is_away(embedded, clock, error):
    put(clock)

    stop = Steps(3, lambda: None)
    worker(Unsteady(clock, error)).run(stop)
    assert rows()[0].status is OutboxStatus.DONE
    assert stop.waits[0] == 5.0


class Unsteady:
    """A clock whose third reading, the first one of a round, fails as a database would."""

    def __init__(self, clock, error):
        self.clock, self.error, self.count = clock, error, 0

    def __call__(self):
        self.count += 1
        if self.count == 3:
            raise self.error
        return self.clock()


def test_a_defect_is_not_taken_for_a_database_that_is_away(embedded, clock):
    with transaction() as session:
        session.execute(text("DROP TABLE job_lease"))
    with pytest.raises(OperationalError, match="no such table"):
        worker(clock).run(Steps(1, lambda: None))
