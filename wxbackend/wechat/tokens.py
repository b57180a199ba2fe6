"""Where the access token is kept between calls: with its expiry, so that no process throws away another's."""

import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import LockError, RedisError
from redis.retry import Retry

LOCK_WAIT_S = 5.0
LOCK_LIFE_S = 20.0  # longer than three tries of one fetch
REDIS_WAIT_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessToken:
    value: str = field(repr=False)
    expires_at: datetime


class AccessTokenStore(Protocol):
    def get(self) -> AccessToken | None: ...

    def set(self, token: AccessToken) -> None: ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold while fetching. Waits a few seconds, then goes on without.

        The lock only saves calls: stable_token answers everybody with the same token.
        """
        ...


class MemoryTokenStore:
    """One process. Enough without Redis."""

    def __init__(self, *, wait_s: float = LOCK_WAIT_S) -> None:
        self._token: AccessToken | None = None
        self._lock = Lock()
        self._wait_s = wait_s

    def get(self) -> AccessToken | None:
        return self._token

    def set(self, token: AccessToken) -> None:
        self._token = token

    @contextmanager
    def lock(self) -> Iterator[None]:
        held = self._lock.acquire(timeout=self._wait_s)
        try:
            yield
        finally:
            if held:
                self._lock.release()


def connect_redis(url: str) -> Redis:
    """A client that gives up at once: the library's own retries hold a caller for many seconds."""
    gives_up = Retry(NoBackoff(), retries=0)
    return Redis.from_url(url, socket_timeout=REDIS_WAIT_S, socket_connect_timeout=REDIS_WAIT_S, retry=gives_up)


class RedisTokenStore:
    """Shared by all processes and hosts. While Redis is away, this process remembers for itself."""

    def __init__(self, redis: Redis, *, appid: str, wait_s: float = LOCK_WAIT_S) -> None:
        self._redis = redis
        self._key = f"wechat:access-token:{appid}"
        self._wait_s = wait_s
        self._spare = MemoryTokenStore(wait_s=wait_s)

    def get(self) -> AccessToken | None:
        try:
            kept = self._redis.get(self._key)
        except RedisError as error:
            log.warning("token store unreachable: %s", type(error).__name__)
            return self._spare.get()
        return _parse(kept) if isinstance(kept, bytes) else None

    def set(self, token: AccessToken) -> None:
        self._spare.set(token)
        text = json.dumps({"token": token.value, "expires_at": token.expires_at.timestamp()})
        try:
            self._redis.set(self._key, text, exat=int(token.expires_at.timestamp()))
        except RedisError as error:
            log.warning("token store unreachable: %s", type(error).__name__)

    @contextmanager
    def lock(self) -> Iterator[None]:
        # SET NX PX and a release that compares its own mark, both by the library
        shared = self._redis.lock(f"{self._key}:lock", timeout=LOCK_LIFE_S, blocking_timeout=self._wait_s)
        with self._spare.lock():
            held = _acquired(shared)
            try:
                yield
            finally:
                if held:
                    _released(shared)


def _acquired(shared: "RedisLock") -> bool:
    try:
        return bool(shared.acquire())
    except RedisError as error:
        log.warning("token lock unreachable: %s", type(error).__name__)
        return False


def _released(shared: "RedisLock") -> None:
    try:
        shared.release()
    except (LockError, RedisError) as error:  # it ran out, or Redis went away: it ends by itself
        log.warning("token lock not released: %s", type(error).__name__)


class RedisLock(Protocol):
    """What we use of ``redis.lock.Lock``."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...


def _parse(kept: bytes) -> AccessToken | None:
    try:
        row = json.loads(kept)
        return AccessToken(row["token"], datetime.fromtimestamp(row["expires_at"], UTC))
    except (ValueError, KeyError, TypeError) as error:  # not written by us: fetch anew and overwrite it
        log.warning("token store holds something else: %s", type(error).__name__)
        return None
