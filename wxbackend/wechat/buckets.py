"""How many calls a second may leave: counted in Redis where there is one, else in the process."""

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from time import perf_counter
from typing import Protocol

from redis import Redis
from redis.exceptions import RedisError

from wxbackend.core.ports import utc_now

WINDOW_LIFE_S = 5

log = logging.getLogger(__name__)


class Bucket(Protocol):
    def take(self) -> bool:
        """Take a permit for one call; ``False`` when none is left."""
        ...


class MemoryBucket:
    """Refills steadily, holds the permits of one second at most."""

    def __init__(self, per_second: int, *, clock: Callable[[], float] = perf_counter) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = float(per_second)
        self._filled_at = clock()
        self._lock = Lock()

    def take(self) -> bool:
        with self._lock:
            now_s = self._clock()
            self._left = min(self._per_second, self._left + (now_s - self._filled_at) * self._per_second)
            self._filled_at = now_s
            if self._left < 1:
                return False
            self._left -= 1
            return True


class RedisBucket:
    """One for all processes and hosts, a count for each second. While Redis is away, each process counts alone."""

    def __init__(self, redis: Redis, *, name: str, per_second: int, now: Callable[[], datetime] = utc_now) -> None:
        self._redis = redis
        self._name = name
        self._per_second = per_second
        self._now = now
        self._spare = MemoryBucket(per_second)

    def take(self) -> bool:
        key = f"wechat:bucket:{self._name}:{int(self._now().timestamp())}"
        try:
            with self._redis.pipeline() as pipe:
                pipe.incr(key)
                pipe.expire(key, WINDOW_LIFE_S)
                taken = int(pipe.execute()[0])
        except RedisError as error:
            log.warning("bucket unreachable: %s", type(error).__name__)
            return self._spare.take()
        return taken <= self._per_second
