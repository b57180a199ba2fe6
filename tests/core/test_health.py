"""Alive, ready, measured."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from wxbackend.core import faults, outbox
from wxbackend.core.db import db, transaction
from wxbackend.core.health import OUTBOX_LAG_S, newest_migration
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

ROOT = Path(__file__).parents[2]
SOUND = dict.fromkeys(("database", "schema", "outbox", "wechat", "clock"), True)


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json["checks"]


def test_a_migrated_database_is_ready(client):
    assert ready(client) == (200, SOUND)


def test_another_schema_is_not_ready(app, client):
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert ready(client) == (503, SOUND | {"schema": False})
    assert client.get("/healthz").status_code == 200


def test_a_database_without_a_schema_is_not_ready(schema_less, ports):
    app = create_app(Settings(app_env="test", database_url=schema_less, _env_file=None), ports)
    assert ready(app.test_client()) == (503, {"database": False})


def test_an_outbox_that_lags_is_not_ready(app, client, clock):
    with transaction() as session:
        outbox.enqueue(session, topic="t", key="1", payload={}, now=clock())
    clock.forward(seconds=OUTBOX_LAG_S - 1)
    assert ready(client)[0] == 200
    clock.forward(seconds=1)
    assert ready(client) == (503, SOUND | {"outbox": False})


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def away(ports, tmp_path):
    """An application whose database cannot be reached."""
    url = f"postgresql+psycopg://nobody@127.0.0.1:{closed_port()}/nothing"
    return create_app(
        Settings(app_env="test", database_url=url, rate_limits=False, _env_file=None), ports
    ).test_client()


def test_without_a_database_it_is_alive_and_not_ready(away):
    assert away.get("/healthz").status_code == 200
    assert ready(away) == (503, {"database": False})


def test_without_a_database_a_request_is_told_to_come_back(away):
    answer = away.get("/v1/sessions", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "2")


def test_without_a_database_it_still_tells_what_it_measured(away):
    assert "xiangshu_requests_total" in away.get("/metrics").text


def test_the_newest_migration_is_the_last_file():
    numbers = sorted(file.name[:4] for file in (ROOT / "migrations" / "versions").glob("*.py"))
    assert newest_migration() == numbers[-1]


@pytest.fixture
def guarded(embedded_url, ports):
    settings = Settings(app_env="test", database_url=embedded_url, metrics_token="m" * 16, _env_file=None)
    app = create_app(settings, ports)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "m" * 15, "Bearer ключ", "Basic bTpt"])
def test_metrics_are_behind_their_token(guarded, header):
    answer = guarded.get("/metrics", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in")


def test_metrics_count_by_endpoint_and_never_by_path(guarded, clock):
    guarded.get("/v1/sessions/some-secret-id")
    guarded.get("/nowhere/some-secret-path")
    page = guarded.get("/metrics", headers={"Authorization": f"Bearer {'m' * 16}"})
    assert page.status_code == 200
    assert (
        'xiangshu_requests_total{endpoint="health.metrics"'
        in guarded.get("/metrics", headers={"Authorization": f"Bearer {'m' * 16}"}).text
    )
    assert 'endpoint="none",status="404"' in page.text
    assert "secret" not in page.text
    assert "xiangshu_outbox_waiting 0.0" in page.text


COUNT_IN_A_CHILD = """
import os
from tests.core.served import app
client = app.test_client()
for _ in range(2):
    if os.fork() == 0:
        with app.app_context():
            client.get("/healthz")
        os._exit(0)
    os.wait()
text = client.get("/metrics").text
print([line for line in text.splitlines() if 'endpoint="health.healthz",status="200"' in line])
"""


def test_metrics_are_summed_over_processes(embedded_url, tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    env = {**os.environ, "DATABASE_URL": embedded_url, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", COUNT_IN_A_CHILD], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert 'endpoint="health.healthz",status="200"} 2.0' in done.stdout, done.stderr
    assert timedelta(seconds=OUTBOX_LAG_S) == timedelta(minutes=5)


def test_fault_14_the_days_of_a_platform_certificate_are_measured(guarded, ports, clock, monkeypatch):
    until = clock() + timedelta(days=30)
    monkeypatch.setattr(ports.pay, "certificate_expiries", lambda: {("1900000001", "3A5B"): until})

    def days():
        page = guarded.get("/metrics", headers={"Authorization": f"Bearer {'m' * 16}"}).text
        return [line for line in page.splitlines() if line.startswith("xiangshu_platform_certificate_days{")]

    assert days() == ['xiangshu_platform_certificate_days{mchid="1900000001",serial="3A5B"} 30.0']
    clock.forward(days=31)
    assert days()[0].endswith(" -1.0")


def test_standing_faults_are_counted(guarded, app, clock):
    with transaction() as session:
        faults.note(session, name="clock-skew", detail="", now=clock())
    assert "xiangshu_platform_faults 1.0" in app.test_client().get("/metrics").text
