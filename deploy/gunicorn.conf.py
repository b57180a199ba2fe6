"""gunicorn's settings for production and the demo: two processes of eight threads, loaded once and forked."""

import os
import tempfile
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
preload_app = True  # the imports cost memory once
timeout = 30
graceful_timeout = 20
keepalive = 5
limit_request_line = 4094
limit_request_fields = 60
max_requests = 50_000  # a leak, should there be one, does not live for ever
max_requests_jitter = 5_000
control_socket_disable = True  # its default place is the home directory
accesslog = None  # the application writes one line a request, with its id and without tokens

# Counters of every process are summed at /metrics. Set before the application imports its metrics.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="xiangshu-metrics-"))
Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)


def post_fork(server: Any, worker: Any) -> None:
    """A connection of the parent is never used in a child: forget the pool without closing its sockets."""
    from wsgi import app  # noqa: PLC0415
    from wxbackend.core.db import db  # noqa: PLC0415

    with app.app_context():
        db.engine.dispose(close=False)


def child_exit(server: Any, worker: Any) -> None:
    """Fold the counters of a process that ended into the sum."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(worker.pid)
