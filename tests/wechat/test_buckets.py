"""How many codes a second may be asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from redis import Redis

from tests.wechat.paper import NOON
from tests.wechat.test_token_stores import connect, gone, name  # noqa: F401  # fixtures
from wxbackend.wechat.buckets import MemoryBucket, RedisBucket


class Watch:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def taken(bucket: MemoryBucket | RedisBucket, tries: int) -> int:
    return sum(bucket.take() for _ in range(tries))


def test_a_bucket_gives_so_many_a_second_and_refills_steadily() -> None:
    watch = Watch()
    bucket = MemoryBucket(40, clock=watch)
    assert taken(bucket, 50) == 40
    watch.now_s += 0.25
    assert taken(bucket, 50) == 10
    watch.now_s += 3600
    assert taken(bucket, 50) == 40


def test_threads_never_take_more_than_there_is() -> None:
    bucket = MemoryBucket(40, clock=Watch())
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: bucket.take(), range(400))) == 40


def test_processes_share_a_bucket_in_redis(connect: Callable[[], Redis], name: str) -> None:  # noqa: F811
    mine, theirs = (RedisBucket(connect(), name=name, per_second=40, now=lambda: NOON) for _ in range(2))
    assert taken(mine, 30) + taken(theirs, 30) == 40


def test_the_next_second_has_permits_of_its_own(connect: Callable[[], Redis], name: str) -> None:  # noqa: F811
    moment = [NOON]
    redis = connect()
    bucket = RedisBucket(redis, name=name, per_second=5, now=lambda: moment[0])
    assert taken(bucket, 9) == 5
    moment[0] += timedelta(seconds=1)
    assert taken(bucket, 9) == 5
    (first, *_) = redis.keys(f"wechat:bucket:{name}:*")
    assert 0 < redis.ttl(first) <= 5


def test_while_redis_is_away_each_process_counts_alone(gone: Redis, name: str) -> None:  # noqa: F811
    assert taken(RedisBucket(gone, name=name, per_second=3), 6) == 3
