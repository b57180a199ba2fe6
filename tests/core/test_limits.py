"""Rate limits: a problem with the time to wait; without Redis counted locally, never unlimited and never a 500."""

import os
import socket

import pytest
from redis import Redis

from tests.core.trial import with_trial
from tests.statements import counted
from wxbackend.core.db import db
from wxbackend.core.limits import REJECTIONS, limiter
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


MANY = REJECTIONS.amount
GUESS = {"Authorization": "Bearer guessed"}


def guess(client, times=1, path="/v1/me", **kwargs):
    return [client.get(path, headers=GUESS, **kwargs).status_code for _ in range(times)]


def test_an_address_guesses_so_often_and_then_nothing_is_read(limited):
    client = limited()
    assert guess(client, MANY) == [401] * MANY
    with client.application.app_context(), counted() as statements:
        answer = client.get("/v1/me", headers=GUESS)
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-requests")
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"] == "60"
    assert statements == []


def test_all_doors_count_together_and_public_ones_stay_open(limited):
    client = limited(metrics_token="a-long-token-of-the-operator-0123")
    guess(client, MANY - 2)
    assert guess(client, path="/metrics") == [401]
    assert client.get("/console").status_code == 303
    assert guess(client) + guess(client, path="/v1/sessions") + guess(client, path="/metrics") == [429] * 3
    assert client.get("/v1/regions").status_code == 200
    assert client.post("/wx/pay/notify/unknown", data="{}").status_code != 429


def test_the_console_says_so_on_a_page(limited):
    client = limited()
    guess(client, MANY)
    answer = client.get("/console", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (429, "text/html")
    assert "操作过于频繁" in answer.text


def test_another_address_is_not_held_for_it(limited):
    client = limited()
    assert guess(client, MANY + 1)[-1] == 429
    assert guess(client, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [401]


def test_who_is_signed_in_uses_nothing_up(limited):
    client = limited()
    token = client.post("/v1/sessions", json={"code": "code-a"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert {client.get("/v1/me", headers=headers).status_code for _ in range(MANY + 1)} == {200}
    assert guess(client) == [401]


def test_without_redis_the_process_counts_rejections(limited):
    client = limited(redis_url=f"redis://127.0.0.1:{closed_port()}/0")
    assert guess(client, MANY + 1) == [401] * MANY + [429]


def test_rejections_are_not_counted_where_limits_are_off(limited):
    assert guess(limited(rate_limits=False), MANY + 1) == [401] * (MANY + 1)


if REDIS:

    def test_two_processes_share_one_count_in_redis(limited):
        first, second = limited(redis_url=REDIS), limited(redis_url=REDIS)
        Redis.from_url(REDIS).flushdb()
        assert [*statuses(first, 1), *statuses(second, 1), *statuses(first, 1)] == [200, 200, 429]
