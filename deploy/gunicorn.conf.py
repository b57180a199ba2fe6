"""gunicorn: ``gunicorn -c deploy/gunicorn.conf.py wsgi:app``. The worker of the outbox is a process of its own."""

import os
import tempfile
from pathlib import Path
from typing import Any

# Counters of every process are summed at /metrics. Set before anything imports the metrics: they look once.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="xiangshu-metrics-"))
METRICS = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
METRICS.mkdir(parents=True, exist_ok=True)

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
#: One copy of the program in memory, shared by the workers; ``post_fork`` separates what may not be shared.
preload_app = True
#: gunicorn would open a socket in the home folder for remote control; nobody here talks to it.
control_socket_disable = True
#: Heartbeats are files: in memory, so that a slow disk does not kill workers.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  gunicorn makes the name itself

timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000

limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

#: The application logs each request itself, without addresses, queries or tokens.
accesslog = None
errorlog = "-"
#: Which peers may set X-Forwarded-*: the proxy of this machine. How many are believed is TRUSTED_PROXIES.
forwarded_allow_ips = "127.0.0.1,::1"


def on_starting(_server: Any) -> None:
    """Counters of processes that died before the start would be added to those of the new ones."""
    for stale in METRICS.glob("*.db"):
        stale.unlink()


def post_fork(_server: Any, worker: Any) -> None:
    """Two processes on one database connection would read each other's answers."""
    from wxbackend.core.db import forget_connections  # noqa: PLC0415

    with worker.app.wsgi().app_context():
        forget_connections()


def child_exit(_server: Any, worker: Any) -> None:
    """A process that ended measures nothing any more; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
