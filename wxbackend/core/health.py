"""Is it alive, is it ready, and what does it measure."""

import hmac
import os
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from wxbackend.core import faults, outbox
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading
from wxbackend.core.errors import NotSignedIn
from wxbackend.core.policies import Policy, allow, operator, public
from wxbackend.core.ports import ports, settings
from wxbackend.core.settings import ROOT

OUTBOX_LAG_S = 300

REQUESTS = Counter("xiangshu_requests_total", "Answered requests.", ["endpoint", "status"])
SECONDS = Histogram("xiangshu_request_seconds", "Time from the first byte to the answer.", ["endpoint"])
ALARMS = Counter("xiangshu_alarms_total", "Things a person should look at.", ["kind"])
FAULTS = Gauge("xiangshu_platform_faults", "Faults that only an operator can mend.", multiprocess_mode="mostrecent")
CERTIFICATE_DAYS = Gauge(
    "xiangshu_platform_certificate_days",
    "Days until a platform certificate of WeChat Pay runs out.",
    ["mchid", "serial"],
    multiprocess_mode="mostrecent",
)
BACKLOG = Gauge("xiangshu_outbox_waiting", "Messages that wait in the outbox.", multiprocess_mode="mostrecent")

bp = Blueprint("health", __name__)


def alarm(kind: str, **details: Any) -> None:
    """Count and log something that a person should look at. ``details`` carry no personal data."""
    import structlog  # noqa: PLC0415

    ALARMS.labels(kind).inc()
    structlog.get_logger().error("alarm", kind=kind, **details)


def only_operator(_policy: Policy) -> Caller | None:
    """The metrics are behind ``METRICS_TOKEN`` where one is set; production insists on one."""
    wanted = settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if wanted is not None and not hmac.compare_digest(given.encode(), wanted.get_secret_value().encode()):
        raise NotSignedIn
    return None


@bp.get("/healthz")
@allow(public)
def healthz() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


@bp.get("/readyz")
@allow(public)
def readyz() -> ResponseReturnValue:
    """Database, schema version, outbox lag, and what only an operator can mend. 503 names what is missing."""
    try:
        with reading() as session:
            checks = _checks(session, now=ports().now())
    except SQLAlchemyError:
        checks = {"database": False}
    ready = all(checks.values())
    return jsonify(status="ready" if ready else "not-ready", checks=checks), 200 if ready else 503


def _checks(session: Session, *, now: datetime) -> dict[str, bool]:
    schema = session.scalar(text("SELECT version_num FROM alembic_version"))
    _count, lag_s = outbox.backlog(session, now=now)
    standing = faults.standing(session)
    return {
        "database": True,
        "schema": schema == current_app.extensions["xiangshu.schema_version"],
        "outbox": lag_s < OUTBOX_LAG_S,
        "wechat": not any(map(faults.is_of_credentials, standing)),
        "clock": faults.CLOCK_SKEW not in standing,
    }


@bp.get("/metrics")
@allow(operator)
def metrics() -> ResponseReturnValue:
    """Prometheus text, summed over the processes of this host."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    _measure_certificates()
    _measure_backlog()
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _measure_backlog() -> None:
    """As far as the database answers: what was measured otherwise is wanted most while it does not."""
    with suppress(SQLAlchemyError), reading() as session:
        BACKLOG.set(outbox.backlog(session, now=ports().now())[0])
        FAULTS.set(len(faults.standing(session)))


def _measure_certificates() -> None:
    """The days are those of today, and fall below zero afterwards. A certificate taken out is measured no more."""
    ask = ports()
    CERTIFICATE_DAYS.clear()
    for (mchid, serial), until in ask.pay.certificate_expiries().items():
        CERTIFICATE_DAYS.labels(mchid, serial).set((until - ask.now()) / timedelta(days=1))


def newest_migration() -> str | None:
    """The schema version that this code was written for."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def measure(app: Flask) -> None:
    """Count and time every request by endpoint, never by path: paths carry tokens."""

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _stop(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        REQUESTS.labels(endpoint, response.status_code).inc()
        SECONDS.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response
