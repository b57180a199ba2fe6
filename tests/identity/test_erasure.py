"""What is left of a person who had themselves erased: books and serials, and no name."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import event, func, inspect, select
from sqlalchemy.exc import IntegrityError

from models import (
    AttemptStatus,
    AuditEntry,
    Certificate,
    CertificateFile,
    IdempotencyKey,
    LedgerTransfer,
    OutboxMessage,
    Pledge,
    PledgeStatus,
    ReceiptRequest,
    Refund,
    Resident,
    ResidentSession,
    ResidentStatus,
)
from tests.identity.people import DEDICATION, DEVICE, NAME, PHONE, SECRETS, dump, resident_id_of
from wxbackend.core.commands import this_worker
from wxbackend.core.db import db, reading, transaction
from wxbackend.identity import erasure
from wxbackend.identity.jobs import purge


@pytest.fixture
def person(client, make, furnish, safe, texts):
    """Headers of somebody of whom everything is stored."""
    token = client.post("/v1/sessions", json={"code": "code-a"}, headers={"User-Agent": DEVICE}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    client.patch("/v1/me", json={"name": NAME}, headers=headers)
    client.post("/v1/me/phone", json={"code": f"phone-{PHONE}"}, headers=headers)
    client.post("/v1/me/consents", json={"text": "privacy", "version": "1.0"}, headers=headers)
    furnish.everything(resident_id_of(safe))
    return headers


def erase(client, headers):
    return client.delete("/v1/me", headers=headers)


def count(model, *where) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def test_no_trace_is_left_in_database_and_storage(client, person, safe, storage):
    before = dump(safe, storage)
    assert [secret for secret in SECRETS if secret not in before] == []
    assert erase(client, person).status_code == 204
    this_worker().drain()
    after = dump(safe, storage)
    assert [secret for secret in SECRETS if secret in after] == []
    assert storage.files == {}


def database_file() -> bytes:
    """The raw bytes of SQLite's file with its log written back; PostgreSQL's files are out of reach."""
    if db.engine.dialect.name != "sqlite":
        return b""
    with closing(sqlite3.connect(db.engine.url.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(db.engine.url.database).read_bytes()


def test_no_trace_is_left_in_the_free_pages_of_the_file(client, person):
    in_the_clear = [DEDICATION.encode(), DEVICE.encode()]
    before = database_file()
    assert all((secret in before) == (db.engine.dialect.name == "sqlite") for secret in in_the_clear)
    erase(client, person)
    after = database_file()
    assert not any(secret in after for secret in in_the_clear)


def test_every_sealed_field_of_the_person_had_a_canary(client, person, safe):
    """A sealed column that nobody fills would pass the search for traces unseen."""
    with reading() as session:
        empty = [
            f"{model.__tablename__}.{column.name}"
            for model in (Resident, Pledge, Certificate, Refund, ReceiptRequest, IdempotencyKey)
            for column in inspect(model).columns
            if "pii" in column.info and not session.scalar(select(func.count(column)))
        ]
    assert empty == []


def test_pictures_are_not_served_from_the_moment_of_erasure_and_deleted_after_it(client, person, storage):
    assert len(storage.files) == 3
    erase(client, person)
    assert count(CertificateFile) == 0
    assert len(storage.files) == 3  # the transaction comes first: a rollback must not lose a file
    this_worker().drain()
    assert storage.files == {}


def test_deleting_a_file_again_is_no_fault(client, person, storage):
    erase(client, person)
    worker = this_worker()
    worker.drain()
    for message in outbox_payloads():
        worker.handlers[erasure.DELETE_FILE](message)
    assert storage.files == {}


def outbox_payloads():
    with reading() as session:
        return session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic == erasure.DELETE_FILE)).all()


def test_books_pledges_and_serials_stay(client, person):
    with reading() as session:
        faces = session.execute(select(Certificate.serial, Certificate.content_hash, Certificate.jws)).all()
    before = [count(model) for model in (LedgerTransfer, Pledge, Certificate)]
    erase(client, person)
    assert [count(model) for model in (LedgerTransfer, Pledge, Certificate)] == before
    with reading() as session:
        assert session.execute(select(Certificate.serial, Certificate.content_hash, Certificate.jws)).all() == faces
        assert session.scalars(select(Certificate.holder_name_sealed)).all() == [None, None]
        assert session.scalars(select(Certificate.name_salt_sealed)).all() == [None, None]
        assert session.scalars(select(Certificate.missing_glyphs)).all() == [None, None]
        resident = session.scalars(select(Resident)).one()
    assert (resident.status, resident.openid_index) == (ResidentStatus.ERASED, None)


def test_occasion_goes_even_where_nothing_else_was_said(client, person, furnish, safe):
    nothing = {"holder_name_sealed": None, "dedication": None, "dedication_status": None}
    furnish.pledge(resident_id_of(safe), **nothing)
    erase(client, person)
    assert count(Pledge, Pledge.occasion.is_not(None)) == 0


def test_token_is_dead_at_once(client, person):
    erase(client, person)
    assert client.get("/v1/me", headers=person).status_code == 401
    assert erase(client, person).status_code == 401


def test_same_person_may_sign_up_anew_and_finds_nothing_of_before(client, person, make):
    erase(client, person)
    headers = make.resident("a")
    assert client.get("/v1/me", headers=headers).json["name"] is None
    sections = client.get("/v1/me/export", headers=headers).json["sections"]
    assert (sections["pledges"], sections["certificates"], sections["points"]) == ([], [], [])
    assert count(Resident) == 2


def test_other_people_keep_everything(client, person, make, furnish, safe):
    other = make.resident("b")
    client.patch("/v1/me", json={"name": "王小树"}, headers=other)
    other_id = resident_id_of(safe, "b")
    furnish.kept_answer(other_id)
    furnish.pledge(other_id)
    erase(client, person)
    assert client.get("/v1/me", headers=other).json["name"] == "王小树"
    assert count(IdempotencyKey) == 1
    assert count(Pledge, Pledge.holder_name_sealed.is_not(None)) == 1


def test_kept_answers_of_a_longer_number_stay(client, make, furnish, safe):
    """Resident 1 is not resident 11."""
    headers = make.resident("a")
    mine = resident_id_of(safe)
    furnish.kept_answer(int(f"{mine}1"))
    furnish.kept_answer(mine)
    erase(client, headers)
    with reading() as session:
        assert session.scalars(select(IdempotencyKey.scope)).all() == [f"resident:{mine}1 POST /v1/pledges"]


def test_erasure_is_noted_without_naming_anybody(client, person, safe):
    resident_id = resident_id_of(safe)
    erase(client, person)
    with reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "resident.erase")).one()
    assert (noted.actor_id, noted.object_key, noted.details) == (resident_id, str(resident_id), {})


def test_pledge_that_waits_for_its_payment_refuses_the_erasure(client, make, furnish, safe):
    headers = make.resident()
    furnish.pledge(resident_id_of(safe), PledgeStatus.PENDING)
    answer = erase(client, headers)
    assert (answer.status_code, answer.json["code"]) == (409, "payment-open")
    assert "支付" in answer.json["title"]
    assert client.get("/v1/me", headers=headers).status_code == 200
    assert count(ResidentSession) == 1


@pytest.mark.parametrize("status", [AttemptStatus.CREATED, AttemptStatus.PREPAY])
def test_order_that_wechat_has_not_closed_refuses_the_erasure(client, make, furnish, safe, status):
    headers = make.resident()
    furnish.attempt(furnish.pledge(resident_id_of(safe), PledgeStatus.EXPIRED, paid_at=None), status)
    assert erase(client, headers).status_code == 409
    assert client.get("/v1/me", headers=headers).status_code == 200


@pytest.mark.parametrize("status", [AttemptStatus.SUCCESS, AttemptStatus.CLOSED, AttemptStatus.FAILED])
def test_order_that_is_settled_does_not(client, make, furnish, safe, status):
    headers = make.resident()
    furnish.attempt(furnish.pledge(resident_id_of(safe)), status)
    assert erase(client, headers).status_code == 204


def test_pledge_being_written_during_the_erasure_is_not_overlooked(app, client, make, furnish, safe):
    """The erasure waits for it, on PostgreSQL at the resident's row, on SQLite in the queue, and then sees it."""
    headers = make.resident()
    pledge = furnish.unsaved_pledge(resident_id_of(safe), PledgeStatus.PENDING)
    written, erasing = Event(), Event()

    def write_slowly() -> None:
        with app.app_context(), transaction() as session:
            session.add(pledge)
            session.flush()
            written.set()
            erasing.wait(timeout=1)

    def notice(_connection, _cursor, statement, *_rest) -> None:
        if statement.startswith("UPDATE resident SET"):
            erasing.set()

    event.listen(db.engine, "before_cursor_execute", notice)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_slowly)
        assert written.wait(timeout=5)
        answer = erase(client, headers)
        writing.result(timeout=5)
    event.remove(db.engine, "before_cursor_execute", notice)
    assert (answer.status_code, answer.json["code"]) == (409, "payment-open")


def test_two_erasures_at_once_are_one(app, client, person):
    start = Barrier(2)

    def erase_together(_turn: int) -> int:
        start.wait(timeout=10)
        return erase(app.test_client(), person).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(erase_together, range(2))) == [204, 401]
    assert count(AuditEntry, AuditEntry.action == "resident.erase") == 1


def test_pending_pledge_of_another_person_does_not_matter(client, make, furnish, safe):
    headers = make.resident("a")
    make.resident("b")
    furnish.pledge(resident_id_of(safe, "b"), PledgeStatus.PENDING)
    assert erase(client, headers).status_code == 204


def test_what_was_written_while_the_person_was_erased_goes_with_the_next_purge(
    client, person, furnish, safe, storage, clock
):
    """A request and a drawing were under way: they end after the erasure."""
    resident_id = resident_id_of(safe)
    erase(client, person)
    this_worker().drain()
    clock.forward(minutes=5)
    late = furnish.certificate(furnish.pledge(resident_id))
    furnish.file(late)
    furnish.kept_answer(resident_id)
    purge()
    this_worker().drain()
    after = dump(safe, storage)
    assert [secret for secret in SECRETS if secret in after] == []
    assert storage.files == {}


def test_a_file_drawn_again_under_its_old_key_is_deleted_again(client, person, furnish, storage, safe, clock):
    resident_id = resident_id_of(safe)
    erase(client, person)
    this_worker().drain()
    with reading() as session:
        issued = session.scalars(select(Certificate).where(Certificate.serial.is_not(None))).one()
    assert issued.resident_id == resident_id
    clock.forward(minutes=5)
    furnish.file(issued)
    purge()
    this_worker().drain()
    assert storage.files == {}


def test_purge_leaves_people_alone_who_are_not_erased(client, person, storage, clock):
    clock.forward(days=1)
    purge()
    assert len(storage.files) == 3
    assert count(Pledge, Pledge.holder_name_sealed.is_not(None)) == 2


def test_erasures_of_long_ago_are_not_walked_again(client, person, clock):
    erase(client, person)
    clock.forward(days=3)
    with reading() as session:
        assert erasure.erased_since(session, moment=clock() - timedelta(days=2)) == []


def test_erased_row_cannot_be_filled_again(client, person, safe):
    """The guard of the database, whatever the program does."""
    resident_id = resident_id_of(safe)
    erase(client, person)
    with pytest.raises(IntegrityError, match="erased_is_empty"), transaction() as session:
        session.get_one(Resident, resident_id).name_sealed = "dev:x"
