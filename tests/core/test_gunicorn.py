"""The real server: two processes, forked from one, over SQLite."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

import pytest
import requests

ROOT = Path(__file__).parents[2]
METRICS_TOKEN = "m" * 16


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    process: subprocess.Popen
    url: str
    home: Path

    def workers(self) -> list[str]:
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return found.stdout.split()


@pytest.fixture
def server(embedded_url, tmp_path) -> Iterator[Server]:
    port = free_port()
    env = {
        **os.environ,
        "DATABASE_URL": embedded_url,
        "BIND": f"127.0.0.1:{port}",
        "HOME": str(tmp_path),
        "METRICS_TOKEN": METRICS_TOKEN,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "tests.core.served:app"]
    with (
        subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        assert process.stderr is not None
        wait_for_workers(process.stderr)
        rest = reader.submit(process.stderr.read)  # a full pipe would stop the server
        yield Server(process, f"http://127.0.0.1:{port}", tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0, rest.result()


def wait_for_workers(log: IO[str], count: int = 2) -> None:
    while count:
        line = log.readline()
        assert line, "gunicorn ended"
        count -= "Booting worker" in line


def test_the_real_server_signs_in_counts_and_ends_well(server):
    assert requests.get(f"{server.url}/healthz", timeout=10).json() == {"status": "ok"}
    assert requests.get(f"{server.url}/readyz", timeout=10).status_code == 200
    assert len(server.workers()) == 2

    def visit(person: int) -> tuple[int, int]:
        token = requests.post(f"{server.url}/v1/sessions", json={"code": f"code-{person}"}, timeout=30)
        headers = {"Authorization": f"Bearer {token.json()['token']}"}
        return token.status_code, len(
            requests.get(f"{server.url}/v1/sessions", headers=headers, timeout=30).json()["items"]
        )

    with ThreadPoolExecutor(16) as people:
        assert list(people.map(visit, range(24))) == [(201, 1)] * 24
    page = requests.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10).text
    assert re.search(r'requests_total\{endpoint="identity.create_session",status="201"\} 24.0', page)
    assert len(list((server.home / "metrics").glob("counter_*.db"))) == 2, "both processes answered"
    assert list(server.home.glob(".gunicorn*")) == [], "no socket for remote control"


def test_what_is_too_large_is_refused(server):
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/" + "a" * 10_000)
    assert connection.getresponse().status in {400, 414}
    connection.close()
    json_type = {"Content-Type": "application/json"}
    answer = requests.post(f"{server.url}/v1/sessions", data=b"x" * 1_000_001, headers=json_type, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
