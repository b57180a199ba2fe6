"""Real servers for the bench, and what they cost: CPU by the scheduler's counters, memory by proportional share."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from wxbackend.core.settings import ROOT
from wxbackend.devtools.wxsim.state import prepare_state

STOP_S = 10
PROC = Path("/proc")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(folder: Path, *, name: str, database_url: str, sim_port: int, port: int) -> dict[str, str]:
    """What one site is told: a database and a disk of its own, the shared simulator, no limits on its only client."""
    state = prepare_state(folder / "wxsim", port=sim_port)
    simulated = dict(line.split("=", 1) for line in state.env_file.read_text().splitlines())
    return {
        **{key: value.strip("'\"") for key, value in simulated.items()},
        "APP_ENV": "development",
        "DATABASE_URL": database_url,
        "STORAGE_URL": f"file://{folder / name}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "RATE_LIMITS": "0",
    }


@contextmanager
def running(arguments: list[str], env: Mapping[str, str], log: Path) -> Iterator[int]:
    """The process id of a server, for as long as the block lasts."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env={**os.environ, **env}, cwd=ROOT, stdout=out, stderr=out
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(STOP_S)


def gunicorn(app: str, port: int, *, settings: str = "deploy/gunicorn.conf.py") -> list[str]:
    return ["gunicorn", app, "-c", settings, "-b", f"127.0.0.1:{port}", "-w", "1"]


def children(pid: int) -> list[int]:
    return [int(child) for child in (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]


def cpu_ns(pids: list[int]) -> int:
    """CPU time of these processes so far, all their threads, in nanoseconds."""
    counters = [counter for pid in pids for counter in (PROC / str(pid) / "task").glob("*/schedstat")]
    return sum(int(counter.read_text().split()[0]) for counter in counters)


def pss_mb(pid: int) -> float:
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@dataclass
class Meter:
    """What a site has used: its web processes, and its database's backends where they run on this machine."""

    web: list[int]
    database_url: str
    _seen: dict[int, int] = field(default_factory=dict)

    def read(self) -> tuple[int, int]:
        return (cpu_ns(self.web) if self.web else 0), sum(self._backends().values())

    def _backends(self) -> dict[int, int]:
        """A backend that ended keeps what it had used when it was last seen."""
        if self.database_url.startswith("postgresql"):
            for pid in backends(self.database_url):
                if (PROC / str(pid)).exists():
                    self._seen[pid] = cpu_ns([pid])
        return self._seen

    def spent_ms(self, work: Callable[[], object]) -> tuple[float, float]:
        """(web, database) CPU milliseconds of ``work``."""
        before = self.read()
        work()
        after = self.read()
        return (after[0] - before[0]) / 1e6, (after[1] - before[1]) / 1e6


def administer(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in the server's own database; the rows, if it has any."""
    plain = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def backends(url: str) -> list[int]:
    name = make_url(url).database
    rows = administer(url, f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'")
    return [int(str(pid)) for (pid,) in rows]
