"""Rate limits: a problem with the time to wait; without Redis counted locally, never unlimited and never a 500."""

import os
import socket

import pytest
from redis import Redis

from tests.core.trial import with_trial
from wxbackend.core.db import db
from wxbackend.core.limits import limiter
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

REDIS = os.environ.get("TEST_REDIS_URL")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def limited(embedded_url, ports):
    """Builds applications with limits on. The limiter is one for the process: it is told that its store is back."""
    made = []

    def build(**changes):
        settings = Settings(app_env="test", database_url=embedded_url, _env_file=None, **changes)
        app = with_trial(create_app(settings, ports))
        made.append(app)
        return app.test_client()

    yield build
    for app in made:
        with app.app_context():
            db.engine.dispose()
    limiter._storage_dead = False


def statuses(client, times=3, **kwargs):
    return [client.get("/v1/limited", **kwargs).status_code for _ in range(times)]


def test_too_many_is_a_problem_that_says_when_to_come_back(limited):
    client = limited()
    assert statuses(client) == [200, 200, 429]
    answer = client.get("/v1/limited")
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-requests")
    assert answer.content_type == "application/problem+json"
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_without_redis_the_process_counts_and_nothing_breaks(limited):
    client = limited(redis_url=f"redis://127.0.0.1:{closed_port()}/0")
    assert statuses(client) == [200, 200, 429]
    assert client.get("/healthz").status_code == 200


def test_limits_can_be_switched_off_outside_production(limited):
    assert statuses(limited(rate_limits=False)) == [200, 200, 200]


def test_another_address_is_counted_apart(limited):
    client = limited()
    assert statuses(client) == [200, 200, 429]
    assert statuses(client, 1, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [200]


def test_a_forged_address_is_not_believed(limited):
    client = limited()
    said = [
        client.get("/v1/limited", headers={"X-Forwarded-For": f"192.0.2.{i}"}).status_code for i in range(3)
    ]  # fmt: skip
    assert said == [200, 200, 429]


def test_behind_a_trusted_proxy_the_address_it_saw_counts(limited):
    client = limited(trusted_proxies=1)

    def ask(seen):
        return client.get("/v1/limited", headers={"X-Forwarded-For": f"198.51.100.1, {seen}"}).status_code

    assert [ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")] == [200, 200, 429, 200]


if REDIS:

    def test_two_processes_share_one_count_in_redis(limited):
        first, second = limited(redis_url=REDIS), limited(redis_url=REDIS)
        Redis.from_url(REDIS).flushdb()
        assert [*statuses(first, 1), *statuses(second, 1), *statuses(first, 1)] == [200, 200, 429]
