"""``Idempotency-Key``: the same request twice has one effect and one answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import select, text

from models import IdempotencyKey
from tests.core.trial import effects, with_trial
from wxbackend.core.crypto import Undecipherable
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.idempotency import KEPT
from wxbackend.core.ports import vault
from wxbackend.identity.jobs import purge

AT_ONCE = 8


@pytest.fixture
def trial(app):
    return with_trial(app)


@pytest.fixture
def headers(trial, make):
    return make.resident()


def post(app, headers, *, key="k1", name="a", **more):
    sent = {**headers, "Idempotency-Key": key} if key is not None else headers
    return app.test_client().post("/v1/trials", json={"name": name, **more}, headers=sent)


def rows():
    with reading() as session:
        return session.scalars(select(IdempotencyKey)).all()


def test_a_repetition_gets_the_first_answer_and_has_no_effect(trial, headers):
    first, second = post(trial, headers), post(trial, headers)
    assert (first.status_code, second.status_code, effects()) == (201, 201, 1)
    assert (first.data, first.headers["Location"]) == (second.data, second.headers["Location"])
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")


def test_without_a_key_every_request_is_new(trial, headers):
    assert [post(trial, headers, key=None).json["number"] for _ in range(2)] == [1, 2]
    assert rows() == []


def test_another_body_under_the_same_key_is_refused(trial, headers):
    post(trial, headers)
    answer = post(trial, headers, name="b")
    assert (answer.status_code, answer.json["code"], effects()) == (422, "idempotency-key-reused", 1)


def test_the_same_key_of_another_person_is_another_key(trial, headers, make):
    post(trial, headers)
    assert post(trial, make.resident("b")).json["number"] == 2


def test_a_refusal_goes_back_with_its_key(trial, headers):
    assert post(trial, headers, name="refused").status_code == 409
    assert (rows(), effects()) == ([], 0)
    assert post(trial, headers, name="a").status_code == 201  # the key is free, even for another body


def test_a_bad_body_takes_no_key(trial, headers):
    assert post(trial, headers, count=0).status_code == 422
    assert rows() == []


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
def test_an_odd_key_is_refused(trial, headers, key):
    answer = post(trial, headers, key=key)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/header/Idempotency-Key")


def test_the_kept_answer_is_sealed_where_it_lies(trial, headers):
    answer = post(trial, headers, name="Xiaomiao")
    (row,) = rows()
    assert row.answer_status == 201
    assert "Xiaomiao" not in row.answer_sealed
    place = f"idempotency_key.answer:{row.scope}:{row.key}"
    assert json.loads(vault().open(row.answer_sealed, place=place))["body"] == answer.text
    with pytest.raises(Undecipherable):
        vault().open(row.answer_sealed, place=f"{place}x")


def test_a_key_says_when_it_may_be_forgotten(trial, headers, clock):
    post(trial, headers)
    (row,) = rows()
    assert row.expires_at == clock() + KEPT
    assert timedelta(days=7) == KEPT
    purge()
    assert len(rows()) == 1
    clock.forward(days=7)
    purge()
    assert rows() == []


def test_eight_posts_at_once_with_one_key_have_one_effect(trial, headers):
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [f.result() for f in [threads.submit(post, trial, headers) for _ in range(AT_ONCE)]]
    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code != 201)
    assert effects() == 1
    assert post(trial, headers).headers["Idempotent-Replayed"] == "true"


def test_a_twin_of_a_request_in_flight_is_told_to_come_back(trial, headers):
    """PostgreSQL waits for the key itself (409), SQLite in the queue before it (503)."""
    inside, done = Event(), Event()

    def hold():
        with trial.app_context(), transaction() as session:
            values = {"scope": "resident:1 POST /v1/trials", "key": "k1", "fingerprint": "f", "until": "2027-01-01"}
            session.execute(
                text("INSERT INTO idempotency_key (scope, key, fingerprint, expires_at)"
                     " VALUES (:scope, :key, :fingerprint, :until)"),
                values,
            )  # fmt: skip
            inside.set()
            done.wait(20)

    first = Thread(target=hold)
    first.start()
    inside.wait(20)
    answer = post(trial, headers)
    done.set()
    first.join()
    expected = {"sqlite": (503, "busy"), "postgresql": (409, "still-in-flight")}[db.engine.dialect.name]
    assert (answer.status_code, answer.json["code"]) == expected
    assert int(answer.headers["Retry-After"]) >= 1
    assert effects() == 0
