"""What a process does that has just started: an application of its own, and a call that needs a token."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

from flask import Flask

from tests.fakes import FakePay, FakePush, FakeStorage
from tests.wechat.paper import APPID
from wxbackend.core.db import db
from wxbackend.core.ports import Ports, utc_now
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app
from wxbackend.wechat.live import live_mini

PATIENCE_S = 60
_start: list[Barrier] = []


def prepare(start: Barrier) -> None:
    """Run once in each process."""
    _start.append(start)


def ask(database_url: str, wechat_url: str, redis_url: str | None, threads: int) -> list[bool]:
    """As many calls at once as threads, when all processes are ready."""
    mini = live_mini(
        appid=APPID, secret="invented-app-secret", base_url=wechat_url, redis_url=redis_url, has_database=True
    )
    ports = Ports(mini=mini, pay=FakePay(utc_now), storage=FakeStorage(), push=FakePush())  # type: ignore[arg-type]
    settings = Settings(app_env="test", database_url=database_url, rate_limits=False, _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings, ports)
    _start[0].wait(PATIENCE_S)
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(lambda _: _managed(app), range(threads)))
    with app.app_context():
        db.engine.dispose()
    mini.disconnect()
    return answers


def _managed(app: Flask) -> bool:
    with app.app_context():
        return bool(app.extensions["xiangshu.ports"].mini.is_trade_managed())
