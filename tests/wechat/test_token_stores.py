"""Both stores keep a token with its expiry; Redis may go away at any time."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from socket import socket
from threading import Event
from uuid import uuid4

import pytest
from fakeredis import FakeRedis, FakeServer
from redis import Connection, Redis
from redis.exceptions import RedisError

from wxbackend.wechat.tokens import AccessToken, AccessTokenStore, MemoryTokenStore, RedisTokenStore, connect_redis

REAL_REDIS_URL = os.environ.get("TEST_REDIS_URL")
REDISES = ["fake", "real"] if REAL_REDIS_URL else ["fake"]
# Redis forgets by its own clock, so the token has to last by that one
TOKEN = AccessToken("token-1", datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2))


@pytest.fixture(params=REDISES)
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], Redis]]:
    server = FakeServer()
    opened: list[Redis] = []

    def one() -> Redis:
        opened.append(Redis.from_url(REAL_REDIS_URL) if request.param == "real" else FakeRedis(server=server))
        return opened[-1]

    yield one
    for redis in opened:
        redis.close()


@pytest.fixture
def name() -> str:
    return f"wx{uuid4().hex}"


@pytest.fixture
def gone() -> Iterator[Redis]:
    redis = connect_redis("redis://127.0.0.1:9/0")
    yield redis
    redis.close()


def test_memory_keeps_a_token_with_its_expiry() -> None:
    store: AccessTokenStore = MemoryTokenStore()
    assert store.get() is None
    store.set(TOKEN)
    assert store.get() == TOKEN


def test_a_token_does_not_show_itself() -> None:
    assert "token-1" not in repr(TOKEN)


def test_a_token_in_redis_is_seen_by_every_process_with_the_same_expiry(
    connect: Callable[[], Redis], name: str
) -> None:
    mine, theirs = (RedisTokenStore(connect(), appid=name) for _ in range(2))
    assert theirs.get() is None
    mine.set(TOKEN)
    assert theirs.get() == TOKEN


def test_redis_forgets_a_token_when_it_expires(connect: Callable[[], Redis], name: str) -> None:
    redis = connect()
    RedisTokenStore(redis, appid=name).set(TOKEN)
    assert redis.expiretime(f"wechat:access-token:{name}") == int(TOKEN.expires_at.timestamp())


def test_two_programs_in_one_redis_keep_apart(connect: Callable[[], Redis], name: str) -> None:
    RedisTokenStore(connect(), appid=name).set(TOKEN)
    assert RedisTokenStore(connect(), appid=f"{name}-other").get() is None


@pytest.mark.parametrize("kept", [b"nonsense", b"{}", b"[1]", b'{"token": "t", "expires_at": "soon"}'])
def test_something_else_under_the_key_is_a_miss(connect: Callable[[], Redis], name: str, kept: bytes) -> None:
    redis = connect()
    redis.set(f"wechat:access-token:{name}", kept)
    assert RedisTokenStore(redis, appid=name).get() is None


def test_one_process_at_a_time_holds_the_lock(connect: Callable[[], Redis], name: str) -> None:
    """The second waits until the first has stored the token, then finds it."""
    first, second = (RedisTokenStore(connect(), appid=name) for _ in range(2))
    inside, release = Event(), Event()

    def fetch() -> None:
        with first.lock():
            inside.set()
            release.wait(5)
            first.set(TOKEN)

    def wait() -> AccessToken | None:
        with second.lock():
            return second.get()

    with ThreadPoolExecutor(2) as pool:
        fetching = pool.submit(fetch)
        inside.wait(5)
        waiting = pool.submit(wait)
        release.set()
        fetching.result(5)
        assert waiting.result(5) == TOKEN


def test_the_lock_is_given_back(connect: Callable[[], Redis], name: str) -> None:
    redis = connect()
    with RedisTokenStore(redis, appid=name).lock():
        assert 0 < redis.pttl(f"wechat:access-token:{name}:lock") <= 20_000
    assert redis.get(f"wechat:access-token:{name}:lock") is None


def test_a_lock_held_by_a_stuck_process_is_waited_for_and_then_passed(connect: Callable[[], Redis], name: str) -> None:
    redis = connect()
    redis.set(f"wechat:access-token:{name}:lock", "a stuck process")
    with RedisTokenStore(redis, appid=name, wait_s=0.05).lock():
        assert redis.get(f"wechat:access-token:{name}:lock") == b"a stuck process"
    assert redis.get(f"wechat:access-token:{name}:lock") == b"a stuck process"


def test_a_memory_lock_held_by_a_stuck_thread_is_passed_and_stays_theirs() -> None:
    store = MemoryTokenStore(wait_s=0.05)
    with store.lock():
        with store.lock():
            pass
        assert store._lock.locked()
    assert not store._lock.locked()


def test_a_lock_lost_meanwhile_is_no_fault(connect: Callable[[], Redis], name: str) -> None:
    redis = connect()
    store = RedisTokenStore(redis, appid=name)
    with store.lock():
        redis.set(f"wechat:access-token:{name}:lock", "taken over after it ran out")
    assert redis.get(f"wechat:access-token:{name}:lock") == b"taken over after it ran out"


def test_while_redis_is_away_the_process_remembers_for_itself(gone: Redis, name: str) -> None:
    store = RedisTokenStore(gone, appid=name)
    assert store.get() is None
    with store.lock():
        store.set(TOKEN)
    assert store.get() == TOKEN
    with pytest.raises(RedisError):
        gone.ping()


def test_a_redis_that_is_away_is_not_waited_for(gone: Redis, name: str) -> None:
    """The library would try eleven times with growing pauses; each try asks for a connection of its own."""
    tries: list[None] = []
    gone.connection_pool.connection_class = _counting(tries)
    RedisTokenStore(gone, appid=name).get()
    assert len(tries) == 1


def _counting(tries: list[None]) -> type[Connection]:
    class Counting(Connection):
        def _connect(self) -> socket:
            tries.append(None)
            return super()._connect()

    return Counting
