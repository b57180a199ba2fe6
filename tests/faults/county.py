"""A county that runs on the simulated WeChat: the application with its live adapters, as a test drives it.

Time is real time and what was skipped: the simulator's business time and the application's clock are moved together,
while signatures stay on the real clock, as ``wechatpayv3`` signs by it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from models import LedgerTransfer, PaymentAttempt, PlantingBase, Pledge, RefundReason, Role
from tests.fakes import FakeStorage
from tests.make import Make
from tests.payments.walk import keep_files
from tests.staff.people import Colleague, Office
from wxbackend.auditing.service import audit
from wxbackend.core.caller import Caller
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.ports import Ports, ports, utc_now
from wxbackend.core.worker import Worker
from wxbackend.core.wxpay import Notice
from wxbackend.devtools.wxsim import RunningSimulator, SimClock, Simulator, serve_simulator
from wxbackend.devtools.wxsim.state import open_world, write_settings
from wxbackend.honours.service import DRAW
from wxbackend.honours.tools import issuing_tools
from wxbackend.refunds import service as refunds
from wxbackend.refunds.rules import refund_number
from wxbackend.wechat.live import live_gateway, live_mini, live_push
from wxbackend.wechat.pay import LiveGateway

MCHID, OTHER_MCHID = "1680000001", "1680000002"
PAID_AT_ONCE = 5000
Headers = dict[str, str]


class SkippingClock:
    """Real time plus what was skipped."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.skipped


class HonestGateway(LiveGateway):
    """The live gateway; callbacks are judged by the real clock, which the simulator signs by."""

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        return super().open_notice(mchid=mchid, headers=headers, body=body, now=utc_now())


@dataclass
class Post:
    """Carries what the simulator delivers to the application, once there is one."""

    client: FlaskClient | None = None
    statuses: list[int] = field(default_factory=list)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        assert self.client is not None
        parts = urlsplit(url)
        answer = self.client.post(f"{parts.path}?{parts.query}", data=body, headers=headers)
        self.statuses.append(answer.status_code)
        return answer.status_code


@dataclass
class County:
    """What people do, what WeChat does, what the worker does; one call each."""

    app: Flask
    client: FlaskClient
    simulator: Simulator
    clock: SkippingClock
    make: Make
    post: Post

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.simulator.control(method, path, body)

    def fault(self, path: str, **what: Any) -> None:
        """The next answers of ``path`` (a pattern) fail as told."""
        self.control("POST", "faults", {"path": path, **what})

    def hits(self, word: str) -> int:
        """How often paths with ``word`` in them were asked for."""
        return sum(count for path, count in self.control("GET", "hits").items() if word in path)

    def forward(self, **step: float) -> None:
        skipped = timedelta(**step)
        self.clock.skipped += skipped
        self.control("POST", "clock", {"advance_s": skipped.total_seconds()})

    def resident(self) -> Headers:
        return self.sign_in(self.control("POST", "users", {})["code"])

    def sign_in(self, code: str) -> Headers:
        answer = self.client.post("/v1/sessions", json={"code": code})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json['token']}"}

    def base(self, **changes: Any) -> PlantingBase:
        """A base of a campaign that is open for a year around today."""
        today = self.clock().date()
        year = timedelta(days=400)
        payee = self.make.payee(mchid=MCHID)
        campaign = self.make.campaign(payee_id=payee.id, starts_on=today - year, ends_on=today + year)
        return self.make.base(campaign=campaign, **changes)

    def open(self, base: PlantingBase, me: Headers, **wish: Any) -> str:
        body = {"kind": "plant", "base_id": base.public_id, "tree_count": 1, **wish}
        said = {name: value for name, value in body.items() if value is not None}
        answer = self.client.post("/v1/pledges", json=said, headers=me)
        assert answer.status_code == 201, answer.text
        return str(answer.json["number"])

    def ask_to_pay(self, number: str, me: Headers) -> TestResponse:
        return self.client.post(f"/v1/pledges/{number}/payments", headers=me)

    def order(self, number: str, me: Headers) -> str:
        answer = self.ask_to_pay(number, me)
        assert answer.status_code == 201, answer.text
        return str(answer.json["out_trade_no"])

    def plan(self, **handling: Any) -> None:
        """How the next notifications of payments travel."""
        self.control("POST", "plans", handling)

    def pay(self, out_trade_no: str, **more: Any) -> list[int]:
        """The person pays, and WeChat tells us at once; what we answered, in order."""
        seen = len(self.post.statuses)
        self.control("POST", "pay", {"out_trade_no": out_trade_no, **more})
        self.deliver()
        return self.post.statuses[seen:]

    def deliver(self, *, until: str = "due") -> list[int]:
        """Let WeChat deliver what is due, or (``end``) run the whole schedule of repetitions out."""
        seen = len(self.post.statuses)
        self.control("POST", "flush", {"until": until})
        return self.post.statuses[seen:]

    def paid(self, number: str, me: Headers) -> str:
        """Ordered, paid, told, worked off; the order's number."""
        out_trade_no = self.order(number, me)
        assert self.pay(out_trade_no)[-1] == 204
        self.drain()
        return out_trade_no

    def drain(self) -> None:
        """Do every message that is due; a few bytes stand in for each drawing, which takes longer than all else."""
        self._worker().drain()

    def work(self) -> None:
        """Every timed job once, then every message that is due."""
        self._worker().work_round(Event())

    def _worker(self) -> Worker:
        handlers = {**self.app.extensions["xiangshu.handlers"], DRAW: lambda payload: keep_files(payload["serial"])}
        return Worker(handlers, self.app.extensions["xiangshu.timetable"], self.clock, "test")

    def status(self, number: str) -> str:
        with reading() as session:
            return str(session.scalars(select(Pledge.status).where(Pledge.number == number)).one())

    def attempts(self) -> Sequence[PaymentAttempt]:
        with reading() as session:
            return session.scalars(select(PaymentAttempt).order_by(PaymentAttempt.id)).all()

    def attempt(self, out_trade_no: str) -> PaymentAttempt:
        return next(one for one in self.attempts() if one.out_trade_no == out_trade_no)

    def all(self, model: type[Any]) -> Sequence[Any]:
        with reading() as session:
            return session.scalars(select(model).order_by(*model.__table__.primary_key)).all()

    @cached_property
    def office(self) -> Office:
        return Office(self.app, self.make, self.clock)  # type: ignore[arg-type]

    @cached_property
    def two_colleagues(self) -> tuple[Colleague, Colleague]:
        """One who asks, one who decides."""
        return self.office.hire(Role.COUNTY_ADMIN), self.office.hire(Role.FINANCE)

    def refund(self, number: str, *, trees: int | None = None) -> str:
        """Staff ask for a refund and a second person grants it; its number. WeChat is asked by the worker."""
        clerk, finance = self.two_colleagues
        wish = refunds.RefundWish(RefundReason.MISTAKE, tree_count=trees, explanation=None)
        by = refunds.Asker("staff", clerk.id, ("445281",))
        caller = Caller("staff", finance.id, 0, prefixes=("445281",), confirmed=True)
        refund_no = refund_number(self.clock(), ports().random_bytes(7))
        with transaction() as session:
            refunds.request_refund(session, pledge_number=number, wish=wish, by=by, number=refund_no, now=self.clock())
        with transaction() as session:
            refunds.decide(session, number=refund_no, approve=True, note="", caller=caller, now=self.clock())
        return refund_no

    def third(self) -> Caller:
        """Somebody of the finance office who neither asked nor decided."""
        return Caller("staff", self.office.hire(Role.FINANCE).id, 0, prefixes=("445281",), confirmed=True)

    def transfers(self, out_trade_no: str) -> list[str]:
        """The codes of what was booked for a paid order, in order."""
        transaction_id = self.attempt(out_trade_no).transaction_id
        with reading() as session:
            found = session.scalars(
                select(LedgerTransfer.code)
                .where(LedgerTransfer.doc == f"wxpay:{transaction_id}")
                .order_by(LedgerTransfer.id)
            )
            return [str(code) for code in found]

    def pledges(self) -> Sequence[Pledge]:
        return self.all(Pledge)

    def bases(self) -> Sequence[PlantingBase]:
        return self.all(PlantingBase)

    def stock(self, base: PlantingBase) -> tuple[int, int]:
        """(held, sold)."""
        with reading() as session:
            row = session.get_one(PlantingBase, base.id)
        return row.held, row.sold

    def refunds_there(self, out_trade_no: str) -> list[dict[str, Any]]:
        """What WeChat knows of the refunds of an order."""
        return list(self.control("GET", f"refunds?out_trade_no={out_trade_no}")["refunds"])

    def refunded(self, out_trade_no: str) -> int:
        """Fen that went back to the payer, by the simulator's book, once every refund had its time."""
        for _ in range(3):
            self.forward(minutes=10)
            self.deliver()
            self.work()
        there = self.refunds_there(out_trade_no)
        return sum(int(one["amount"]["refund"]) for one in there if one["status"] == "SUCCESS")

    @contextmanager
    def served(self) -> Iterator[str]:
        """The application on a port of its own, for what comes over HTTP: the message push."""
        server = make_server("127.0.0.1", 0, self.app)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Nobody gets a connection until the end of the block."""
        engine = db.engine

        def refuse(*_: Any) -> None:
            raise OperationalError("", {}, engine.dialect.dbapi.OperationalError("away"))

        event.listen(engine, "before_cursor_execute", refuse)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", refuse)

    def booked_fen(self) -> int:
        """Everything that ever came in from WeChat."""
        with reading() as session:
            incoming = select(func.coalesce(func.sum(LedgerTransfer.amount), 0)).where(
                LedgerTransfer.code.in_(("payment", "suspense"))
            )
            return int(session.scalars(incoming).one())

    def assert_clean(self) -> None:
        """The independent auditor finds nothing wrong."""
        with reading() as session:
            report = audit(session, storage=ports().storage, code_keys=issuing_tools().code_keys)
        assert report.violations == (), report.violations


@contextmanager
def running(folder: Path, post: Post) -> Iterator[RunningSimulator]:
    """A simulator over the keys in ``folder``; nothing is delivered until a test says so."""
    world = open_world(folder, clock=SimClock())
    with serve_simulator(Simulator(world, post=post)) as server:
        yield server


@contextmanager
def live_ports(folder: Path, server: RunningSimulator, *, base: Ports, clock: SkippingClock) -> Iterator[Ports]:
    """The adapters as in production, pointed at the simulator."""
    world = server.simulator.world
    paths = write_settings(folder, world, origin=server.origin)
    mini = live_mini(appid=world.app.appid, secret=world.app.secret, base_url=server.origin)
    plain = live_gateway(appid=world.app.appid, merchants_file=paths.merchants_file, base_url=server.origin)
    gateway = HonestGateway(appid=world.app.appid, cores=plain._cores.values())
    box = world.mini.push.settings
    push = live_push(appid=world.app.appid, token=box.token, aes_key=box.aes_key)
    yield replace(base, mini=mini, pay=gateway, push=push, storage=FakeStorage(), now=clock)
    mini.disconnect()
    plain.disconnect()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
