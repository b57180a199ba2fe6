"""What the clock removes."""

from datetime import timedelta

from sqlalchemy import func, insert, select

from models import IdempotencyKey, OutboxMessage, OutboxStatus, ResidentSession
from tests.identity.people import resident_id_of
from wxbackend.core.commands import this_worker
from wxbackend.core.db import reading, transaction
from wxbackend.identity.jobs import ROWS_AT_ONCE, purge


def count(model) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def message(key: str, status: OutboxStatus, clock, **changes: object) -> None:
    row = {"topic": "test", "key": key, "payload": {}, "status": status, "run_after": clock(), "created_at": clock()}
    with transaction() as session:
        session.execute(insert(OutboxMessage).values(row | changes))


def test_expired_and_ended_sessions_go_live_ones_stay(client, make, clock, settings):
    make.resident("a")
    clock.forward(days=settings.session_days - 1)
    client.delete("/v1/sessions/current", headers=make.resident("b"))
    live = make.resident("c")
    purge()
    assert count(ResidentSession) == 2
    clock.forward(days=1)
    purge()
    assert count(ResidentSession) == 1
    assert client.get("/v1/me", headers=live).status_code == 200


def test_kept_answers_go_after_seven_days(make, furnish, safe, clock):
    make.resident()
    furnish.kept_answer(resident_id_of(safe))
    clock.forward(days=7, seconds=-1)
    purge()
    assert count(IdempotencyKey) == 1
    clock.forward(seconds=1)
    purge()
    assert count(IdempotencyKey) == 0


def test_done_messages_go_after_thirty_days_undone_ones_never(app, clock):
    message("done", OutboxStatus.DONE, clock, done_at=clock())
    message("dead", OutboxStatus.DEAD, clock)
    message("ready", OutboxStatus.READY, clock)
    clock.forward(days=30, seconds=-1)
    purge()
    assert count(OutboxMessage) == 3
    clock.forward(seconds=1)
    purge()
    with reading() as session:
        assert set(session.scalars(select(OutboxMessage.key))) == {"dead", "ready"}


def test_purge_empties_more_than_one_transaction_holds(make, clock, safe):
    make.resident()
    resident_id = resident_id_of(safe)
    rows = [
        {
            "public_id": f"s{n}",
            "resident_id": resident_id,
            "token_digest": f"t{n}",
            "device": "",
            "created_at": clock(),
            "expires_at": clock() + timedelta(seconds=1),
        }
        for n in range(ROWS_AT_ONCE * 2 + 1)
    ]
    with transaction() as session:
        session.execute(insert(ResidentSession), rows)
    clock.forward(seconds=1)
    purge()
    assert count(ResidentSession) == 1


def test_worker_runs_the_purge_by_the_clock(make, clock, settings):
    make.resident()
    clock.forward(days=settings.session_days)
    worker = this_worker()
    (job,) = (job for job in worker.timetable if job.name == "purge")
    worker.run_timed(job)
    assert count(ResidentSession) == 0
