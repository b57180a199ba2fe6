"""The token in the database: eight cold processes fetch one, and none waits for one that died."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from threading import Event
from time import sleep

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select, text

from models import StoredAccessToken
from tests.wechat import cold
from tests.wechat.paper import APPID
from tests.wechat.stub import Answer, Reply, Seen, Stub, as_json
from wxbackend.core.crypto import FieldCipher, Vault
from wxbackend.core.db import reading, transaction
from wxbackend.wechat.token_table import DatabaseTokenStore
from wxbackend.wechat.tokens import AccessToken, AccessTokenStore

Serve = Callable[[Answer], Stub]

NOW = datetime(2026, 3, 12, 4, tzinfo=UTC)
TOKEN = AccessToken("token-1", NOW + timedelta(hours=2))
PROCESSES, THREADS = 4, 2
REDIS_URL = os.environ.get("TEST_REDIS_URL")


def store(*, wait_s: float = 5, now: datetime = NOW, pauses: list[float] | None = None) -> DatabaseTokenStore:
    noted = [] if pauses is None else pauses
    return DatabaseTokenStore(appid=APPID, wait_s=wait_s, now=lambda: now, pause=noted.append)


def row() -> StoredAccessToken | None:
    with reading() as session:
        return session.scalar(select(StoredAccessToken))


def test_a_token_is_seen_by_every_process_with_the_same_expiry(app: Flask) -> None:
    mine: AccessTokenStore = store()
    assert mine.get() is None
    mine.set(TOKEN)
    assert store().get() == TOKEN
    later = AccessToken("token-2", NOW + timedelta(hours=4))
    store().set(later)
    assert mine.get() == later


def test_a_token_lies_sealed_and_bound_to_its_appid(app: Flask) -> None:
    store().set(TOKEN)
    kept = row()
    assert kept is not None
    assert kept.token_sealed is not None
    assert "token-1" not in kept.token_sealed
    safe: Vault = app.extensions["xiangshu.vault"]
    assert safe.open(kept.token_sealed, place=f"access_token.token:{APPID}") == "token-1"


def test_a_token_that_no_key_opens_is_fetched_anew(app: Flask) -> None:
    store().set(TOKEN)
    safe: Vault = app.extensions["xiangshu.vault"]
    app.extensions["xiangshu.vault"] = Vault(FieldCipher({"new": b"n" * 32}), safe.index, safe.random_bytes)
    assert store().get() is None
    store().set(TOKEN)
    assert store().get() == TOKEN


def test_two_programs_in_one_database_keep_apart(app: Flask) -> None:
    store().set(TOKEN)
    assert DatabaseTokenStore(appid="wx-another").get() is None


def test_the_lock_is_a_mark_that_is_given_back(app: Flask) -> None:
    with store().lock():
        held = row()
        assert held is not None
        assert held.lock_until == NOW + timedelta(seconds=20)
    kept = row()
    assert kept is not None
    assert (kept.lock_holder, kept.lock_until) == (None, None)


def test_no_transaction_is_open_while_the_lock_is_held(app: Flask) -> None:
    with store().lock(), transaction() as session:
        session.execute(text("SELECT 1"))


def test_a_lock_is_refused_while_a_transaction_is_open(app: Flask) -> None:
    """Or WeChat would be called inside it."""
    with transaction(), pytest.raises(RuntimeError, match="nest"), store().lock():
        pass


def mark(until: datetime) -> None:
    with transaction() as session:
        session.add(StoredAccessToken(appid=APPID, lock_holder="a process that died", lock_until=until))


def test_a_lock_of_a_process_that_died_is_passed_after_the_wait_and_stays_theirs(app: Flask) -> None:
    mark(NOW + timedelta(seconds=20))
    pauses: list[float] = []
    with store(wait_s=0.5, pauses=pauses).lock():
        pass
    kept = row()
    assert kept is not None
    assert kept.lock_holder == "a process that died"
    assert pauses == [0.1] * 5


def test_a_lock_that_ran_out_is_taken_over(app: Flask) -> None:
    mark(NOW - timedelta(seconds=1))
    pauses: list[float] = []
    with store(pauses=pauses).lock():
        kept = row()
        assert kept is not None
        assert kept.lock_holder != "a process that died"
    assert pauses == []


def test_a_lock_lost_meanwhile_is_not_given_back_for_its_new_holder(app: Flask) -> None:
    with store().lock(), transaction() as session:
        session.execute(text("UPDATE access_token SET lock_holder = 'somebody else'"))
    kept = row()
    assert kept is not None
    assert kept.lock_holder == "somebody else"


def test_the_second_waits_for_the_first_and_finds_its_token(app: Flask) -> None:
    inside, release = Event(), Event()

    def fetch() -> None:
        with app.app_context(), DatabaseTokenStore(appid=APPID).lock():
            inside.set()
            release.wait(5)
            store().set(TOKEN)

    def wait() -> AccessToken | None:
        with app.app_context(), DatabaseTokenStore(appid=APPID).lock():
            return store().get()

    with ThreadPoolExecutor(2) as pool:
        fetching = pool.submit(fetch)
        assert inside.wait(5)
        waiting = pool.submit(wait)
        release.set()
        fetching.result(10)
        assert waiting.result(10) == TOKEN


def test_while_the_table_is_away_the_process_remembers_for_itself(app: Flask) -> None:
    with transaction() as session:
        session.execute(text("ALTER TABLE access_token RENAME TO elsewhere"))
    mine = store()
    assert mine.get() is None
    with mine.lock():
        mine.set(TOKEN)
    assert mine.get() == TOKEN


def slow_wechat(seen: Seen) -> Reply:
    """Slow enough that everybody asks before the first has an answer."""
    if seen.path == "/cgi-bin/stable_token":
        sleep(0.5)
        return as_json({"access_token": "token-1", "expires_in": 7200})
    return as_json({"errcode": 0, "is_trade_managed": True})


@pytest.fixture(params=["database", "redis"] if REDIS_URL else ["database"])
def redis_url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "database":
        return None
    assert REDIS_URL is not None
    with Redis.from_url(REDIS_URL) as redis:
        redis.delete(f"wechat:access-token:{APPID}", f"wechat:access-token:{APPID}:lock")
    return REDIS_URL


def test_eight_cold_threads_of_four_processes_fetch_one_token(
    database_url: str, serve: Serve, redis_url: str | None
) -> None:
    stub = serve(slow_wechat)
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.wechat.cold"])
    start = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=cold.prepare, initargs=(start,)) as pool:
        asked = [pool.submit(cold.ask, database_url, stub.url, redis_url, THREADS) for _ in range(PROCESSES)]
        answers = [answer for one in asked for answer in one.result(cold.PATIENCE_S)]
    assert answers == [True] * PROCESSES * THREADS
    assert len(stub.seen("stable_token")) == 1
    assert {seen.query["access_token"] for seen in stub.seen("is_trade_managed")} == {"token-1"}
