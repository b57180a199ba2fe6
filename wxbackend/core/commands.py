"""``flask jobs``: the worker's process. ``flask openapi``: the document on standard output."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from prometheus_client import start_http_server

from wxbackend.core import outbox
from wxbackend.core.db import reading
from wxbackend.core.ports import ports
from wxbackend.core.worker import IDLE_S, Worker, worker_name

jobs = AppGroup("jobs", help="后台任务: 收发件箱与定时任务.")


def this_worker() -> Worker:
    """A worker of this process over everything the features gave the factory."""
    return Worker(
        handlers=current_app.extensions["xiangshu.handlers"],
        timetable=current_app.extensions["xiangshu.timetable"],
        now=ports().now,
        name=worker_name(),
    )


@jobs.command("work")
@click.option("--once", is_flag=True, help="执行一轮后退出")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="在本机此端口给出本进程的计数 (Prometheus)")
def work(once: bool, metrics_port: int | None) -> None:  # noqa: FBT001  click passes by name
    """持续处理后台任务, 收到 SIGTERM 后做完手头一件再退出."""
    stop = _told_to_stop()
    if once:
        this_worker().work_round(stop)
        return
    with _measured(metrics_port):
        this_worker().run(stop)


@contextmanager
def _measured(port: int | None) -> Iterator[None]:
    """What the worker counts, alarms above all, on a port of this machine: /metrics knows the web processes only."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, addr="127.0.0.1")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _told_to_stop() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@jobs.command("drain")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=30.0, show_default=True, help="最长等待秒数")
@click.pass_context
def drain(context: click.Context, wait_s: float) -> None:
    """处理到没有待办为止; 到时仍有待办或有死信则以 1 退出."""
    _work_until_empty(_told_to_stop(), patience=timedelta(seconds=wait_s))
    with reading() as session:
        left = outbox.unfinished(session)
    for topic, status, count in left:
        click.echo(f"{topic}: {count} {status}", err=True)
    context.exit(1 if left else 0)


def _work_until_empty(stop: Event, *, patience: timedelta) -> None:
    """Retries lie in the future: look again until none is left or the patience of the operator ends."""
    worker, now = this_worker(), ports().now
    end = now() + patience
    worker.work_round(stop)
    while _something_waits() and now() < end and not stop.wait(IDLE_S):
        worker.work_round(stop)


def _something_waits() -> bool:
    with reading() as session:
        return outbox.backlog(session, now=ports().now())[0] > 0


@click.command("openapi")
@with_appcontext
def openapi_command() -> None:
    """输出接口文档 (OpenAPI 3.1, JSON)."""
    click.echo(json.dumps(current_app.api_doc, ensure_ascii=False, indent=2))  # type: ignore[attr-defined]
