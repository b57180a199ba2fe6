"""Transactions: who may open one, what ends it, who waits for whom."""

import multiprocessing
import sqlite3
import time
from threading import Event, Thread

import pytest
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from models import SerialCounter, Species
from wxbackend.core.db import PRAGMAS, db, engine_options, forget_connections, reading, transaction
from wxbackend.core.errors import Busy
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

WRITERS, SECONDS = 8, 2.0


def add(session, name="荔枝"):
    session.add(Species(public_id=name, name=name))


def names():
    with reading() as session:
        return list(session.scalars(select(Species.name).order_by(Species.name)))


@pytest.mark.parametrize("outer", [transaction, reading])
@pytest.mark.parametrize("inner", [transaction, reading])
def test_blocks_refuse_to_nest(app, outer, inner):
    with outer(), pytest.raises(RuntimeError, match="nest"), inner():
        pass


def test_a_bare_session_in_use_is_refused(app):
    db.session.execute(text("SELECT 1"))
    with pytest.raises(RuntimeError, match="nest"), transaction():
        pass
    db.session.remove()


def test_a_block_leaves_the_way_free_for_the_next(app):
    with transaction() as session:
        add(session)
    with reading(), pytest.raises(RuntimeError), transaction():
        pass
    with transaction() as session:
        add(session, "龙眼")
    assert names() == ["荔枝", "龙眼"]


def test_the_database_refuses_a_write_in_a_reading(app):
    with reading() as session:
        add(session)
        with pytest.raises(DBAPIError) as refused:
            session.flush()
    assert "read" in str(refused.value.orig).lower()
    assert names() == []


def test_a_writing_block_after_a_reading_one_may_write(app):
    """``query_only`` stays with a pooled connection unless the next block says otherwise."""
    for name in ("荔枝", "龙眼", "橄榄"):
        assert name not in names()
        with transaction() as session:
            add(session, name)
    assert len(names()) == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_rolls_back(app, error):
    def fail():
        with transaction() as session:
            add(session)
            session.flush()
            raise error

    with pytest.raises(error):
        fail()
    assert names() == []


def test_rows_stay_readable_after_their_block_and_hold_no_connection(app):
    with transaction() as session:
        add(session)
        row = session.scalars(select(Species)).one()
    assert row.name == "荔枝"
    assert db.engine.pool.checkedout() == 0


def test_a_full_queue_is_busy_and_not_a_wait_for_ever(embedded):
    inside, done = Event(), Event()

    def occupy():
        with embedded.app_context(), transaction():
            inside.set()
            done.wait(10)

    other = Thread(target=occupy)
    other.start()
    inside.wait(10)
    try:
        with pytest.raises(Busy), transaction(patience_s=0.05):
            pass
        assert names() == []  # readers do not queue
    finally:
        done.set()
        other.join()
    with transaction() as session:
        add(session)


def test_a_turn_is_given_back_when_the_block_fails(embedded):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), transaction(patience_s=0.05):
            raise ZeroDivisionError
    with transaction(patience_s=0.05) as session:
        add(session)


def test_sqlite_connections_are_set_up(embedded):
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "secure_delete": 1,
        "busy_timeout": 3000,
    }
    assert {pragma.split("=")[0] for pragma in PRAGMAS} == set(wanted)
    with transaction() as session:
        assert {name: session.scalar(text(f"PRAGMA {name}")) for name in wanted} == wanted


def test_postgresql_connections_are_set_up():
    assert engine_options("postgresql+psycopg://host/name") == {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "connect_args": {"options": "-c lock_timeout=3s -c timezone=UTC", "connect_timeout": 3},
    }


def test_errors_carry_no_values(app):
    row = {"a": "secret-name"}
    with reading() as session, pytest.raises(DBAPIError) as refused:
        session.execute(text("INSERT INTO species (public_id, name) VALUES (:a, :a)"), row)
    assert "secret-name" not in str(refused.value)


def test_creating_an_application_opens_no_connection(schema_less, ports):
    app = create_app(Settings(app_env="test", database_url=schema_less, _env_file=None), ports)
    with app.app_context():
        assert db.engine.pool.checkedin() + db.engine.pool.checkedout() == 0


def _child(app, answers):
    with app.app_context():
        forget_connections()
        inherited = db.engine.pool.checkedin()
        with transaction() as session:
            add(session, "child")
        answers.put((inherited, names()))
        db.engine.dispose()


def test_a_forked_child_leaves_its_parents_connections_alone(app):
    with transaction() as session:
        add(session, "before")
    assert db.engine.pool.checkedin() > 0  # one that a child would inherit
    forking = multiprocessing.get_context("fork")
    answers = forking.Queue()
    child = forking.Process(target=_child, args=(app, answers))
    child.start()
    assert answers.get(timeout=20) == (0, ["before", "child"])
    child.join(20)
    assert child.exitcode == 0
    with transaction() as session:
        add(session, "later")
    assert names() == ["before", "child", "later"]


def _write(app, start, answers):
    """Read, then write: what fails at once without a write lock taken at BEGIN."""
    with app.app_context():
        forget_connections()
        start.wait(30)
        count, longest, end = 0, 0.0, time.monotonic() + SECONDS
        while (begun := time.monotonic()) < end:
            with transaction() as session:
                last = session.scalar(select(SerialCounter.last)) or 0
                session.execute(update(SerialCounter).values(last=last + 1))
            count, longest = count + 1, max(longest, time.monotonic() - begun)
        answers.put((count, longest))
        db.engine.dispose()


def test_eight_processes_write_exactly_and_none_starves(embedded):
    with transaction() as session:
        session.add(SerialCounter(kind="RZ", region="445281", year=2026, last=1))
    forking = multiprocessing.get_context("fork")
    start, answers = forking.Barrier(WRITERS), forking.Queue()
    writers = [forking.Process(target=_write, args=(embedded, start, answers)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    said = [answers.get(timeout=60) for _ in writers]
    for writer in writers:
        writer.join(20)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    counts = [count for count, _ in said]
    with reading() as session:
        assert session.scalar(select(SerialCounter.last)) == 1 + sum(counts)
    assert max(counts) <= 2 * min(counts), said
    assert max(longest for _, longest in said) < 1, said


def test_without_the_lock_at_begin_such_a_writer_collides(embedded, embedded_url):
    """Why the queue exists: on SQLite a transaction that reads and then writes fails at once, whatever the timeout."""
    engine = create_engine(embedded_url, poolclass=NullPool).execution_options(postgresql_readonly=True)
    with engine.connect() as late:
        late.execute(text("SELECT count(*) FROM species"))
        with transaction() as session:
            add(session)
        late.exec_driver_sql("PRAGMA query_only=0")
        with pytest.raises(OperationalError, match="locked"):
            late.execute(text("INSERT INTO species (public_id, name) VALUES ('a', 'a')"))


def test_an_outsider_who_knows_no_queue_cannot_step_between_reading_and_writing(embedded, embedded_url):
    """A shell on the file, say: whoever holds the write lock from BEGIN on is not overtaken."""
    with sqlite3.connect(embedded_url.removeprefix("sqlite:///"), timeout=0) as outsider, transaction() as session:
        assert session.scalars(select(Species.name)).all() == []
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            outsider.execute("INSERT INTO species (public_id, name) VALUES ('a', 'a')")
        add(session)
    outsider.close()
    assert names() == ["荔枝"]
