"""What the way from a pledge to a verified certificate costs: CPU and SQL statements of each step, over real HTTP.

Run from the project's folder: ``python -m bench.chain``. gunicorn runs with the settings of production and one
process, on SQLite and, where ``TEST_POSTGRES_URL`` is set, on PostgreSQL too; the simulator plays WeChat.
"""

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from uuid import uuid4

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event
from werkzeug.serving import make_server

from bench.drawing import certificate
from bench.figures import Figures, report
from bench.served import Meter, administer, children, environment, free_port, gunicorn, pss_mb, running
from certificates.png import draw_certificate
from wxbackend.core.db import db, transaction
from wxbackend.core.settings import Settings
from wxbackend.core.worker import Worker
from wxbackend.devtools.demo import world
from wxbackend.devtools.demo.client import MiniProgramClient, Simulator, wait_for
from wxbackend.devtools.demo.plan import Scale
from wxbackend.factory import create_app
from wxbackend.identity import legal

ROUNDS, BATCH = 5, 10
SIZE = Scale(bases=60, trees=120, residents=6, paid_pledges=0)
NOT_COUNTED = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")


@dataclass
class Site:
    """One engine: a served application, and the same application in this process for its worker and for counting."""

    name: str
    env: dict[str, str]
    app: Flask
    phone: MiniProgramClient
    wechat: Simulator
    meter: Meter
    spent: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    sql: dict[str, int] = field(default_factory=dict)
    _turn: Iterator[int] = field(default_factory=count)

    def sign_in(self) -> None:
        self.phone.sign_in(self.wechat.do("users", {})["code"])
        self.bases = [base["id"] for base in self._get("/v1/bases", params={"limit": 50})["items"]]

    def _get(self, path: str, **options: object) -> dict:  # type: ignore[type-arg]
        found: dict = self.phone.call("GET", path, **options)  # type: ignore[type-arg]
        return found

    def create(self) -> str:
        turn = next(self._turn)
        body = {
            "kind": "plant",
            "base_id": self.bases[turn % len(self.bases)],
            "tree_count": 3,
            "holder_name": "林小苗",
        }
        key = {"Idempotency-Key": uuid4().hex}
        return str(self.phone.call("POST", "/v1/pledges", json=body, headers=key, expect=201)["number"])

    def prepay(self, number: str) -> dict:  # type: ignore[type-arg]
        order: dict = self.phone.call("POST", f"/v1/pledges/{number}/payments", expect=201)  # type: ignore[type-arg]
        return order

    def pay(self, orders: list[dict]) -> None:  # type: ignore[type-arg]
        for order in orders:
            self.wechat.do("pay", {"params": order["pay"]})
        self.wechat.do("flush", {})

    def note(self, step: str, work: Callable[[], object], times: int) -> None:
        web, database = self.meter.spent_ms(work)
        self.spent.setdefault(step, []).append((web / times, database / times))

    def work(self) -> None:
        """Do what the outbox holds, each topic apart; this process is the worker."""
        with self.app.app_context():
            for topic, step in (
                ("pledge.fulfil", "worker: trees, certificate"),
                ("certificate.draw", "worker: all files"),
            ):
                self._work_on(topic, step)
            db.session.remove()

    def _work_on(self, topic: str, step: str) -> None:
        handlers = {topic: self.app.extensions["xiangshu.handlers"][topic]}
        worker = Worker(handlers, (), self.app.extensions["xiangshu.ports"].now, "bench")
        before, cpu = self.meter.read(), time.process_time()
        for _ in range(BATCH):
            if not worker.work_once():
                raise RuntimeError(f"nothing to do for {topic}")
        spent = 1000 * (time.process_time() - cpu), (self.meter.read()[1] - before[1]) / 1e6
        self.spent.setdefault(step, []).append((spent[0] / BATCH, spent[1] / BATCH))

    def round(self) -> None:
        """Every step for a batch."""
        numbers: list[str] = []
        self.note("create pledge", lambda: numbers.extend(self.create() for _ in range(BATCH)), BATCH)
        orders: list[dict] = []  # type: ignore[type-arg]
        self.note("prepay", lambda: orders.extend(self.prepay(number) for number in numbers), BATCH)
        self.note("signed notification", lambda: self.pay(orders), BATCH)
        self.work()
        held = self._get("/v1/me/certificates", params={"limit": BATCH})["items"]
        for step, path in (("read the PNG", "/v1/certificates/{serial}.png"), ("verify", "/v1/verify/{token}")):
            paths = [path.format(**one) for one in held]
            self.note(step, lambda paths=paths: [self.phone.call("GET", path) for path in paths], len(paths))
        self.note("list of 50", lambda: [self._get("/v1/bases", params={"limit": 50}) for _ in range(BATCH)], BATCH)
        self.note("authenticated read", lambda: [self._get("/v1/me") for _ in range(BATCH)], BATCH)

    def count_statements(self) -> None:
        """One chain against this process, step by step, with a counter at the engine."""
        steps = self._counted()
        served, phone = self.phone, MiniProgramClient(self.env["PUBLIC_BASE_URL"])
        phone.session.headers.update(served.session.headers)
        self.phone = phone
        number = steps("create pledge", self.create)
        order = steps("prepay", lambda: self.prepay(number))
        steps("signed notification", lambda: self.pay([order]))
        with self.app.app_context():
            worker = Worker(
                self.app.extensions["xiangshu.handlers"], (), self.app.extensions["xiangshu.ports"].now, "b"
            )
            steps("worker: trees, certificate", worker.work_once)
            steps("worker: all files", worker.work_once)
            db.session.remove()
        held = self._get("/v1/me/certificates", params={"limit": 1})["items"][0]
        steps("read the PNG", lambda: phone.call("GET", f"/v1/certificates/{held['serial']}.png"))
        steps("verify", lambda: phone.call("GET", f"/v1/verify/{held['token']}"))
        steps("list of 50", lambda: self._get("/v1/bases", params={"limit": 50}))
        steps("authenticated read", lambda: self._get("/v1/me"))
        self.phone = served

    def _counted(self) -> Callable:  # type: ignore[type-arg]
        seen: list[str] = []

        def note(_connection, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]
            if not statement.lstrip().upper().startswith(NOT_COUNTED):
                seen.append(statement)

        with self.app.app_context():
            event.listen(db.engine, "before_cursor_execute", note)

        def step(name: str, work: Callable[[], object]) -> object:
            seen.clear()
            result = work()
            self.sql[name] = len(seen)
            return result

        return step


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """A fresh, empty database of that kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    url, name = os.environ["TEST_POSTGRES_URL"], f"xs_bench_{uuid4().hex[:8]}"
    administer(url, f"CREATE DATABASE {name}")
    try:
        yield url.replace("postgresql://", "postgresql+psycopg://").rsplit("/", 1)[0] + f"/{name}"
    finally:
        administer(url, f"DROP DATABASE {name} WITH (FORCE)")


def fill(app: Flask) -> None:
    with app.app_context():
        upgrade()
        world.load_catalogue(SIZE)
        with transaction() as session:
            legal.load(session, documents=legal.supplied_documents())
        world.load_residents(SIZE)
        world.load_trees(SIZE)
        db.session.remove()


@contextmanager
def site(kind: str, folder: Path, sim_port: int) -> Iterator[Site]:
    """Everything of one engine, migrated, filled, served twice, and gone afterwards."""
    port, counting_port = free_port(), free_port()
    with ExitStack() as stack:
        url = stack.enter_context(database(kind, folder))
        env = environment(folder, name=kind, database_url=url, sim_port=sim_port, port=counting_port)
        app = create_app(Settings.from_env(**{name.lower(): value for name, value in env.items()}))
        fill(app)
        here = make_server("127.0.0.1", counting_port, app, threaded=True)
        threading.Thread(target=here.serve_forever, daemon=True).start()
        stack.callback(here.shutdown)
        served = {**env, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
        pid = stack.enter_context(running(gunicorn("wsgi:app", port), served, folder / f"{kind}.log"))
        phone, wechat = MiniProgramClient(served["PUBLIC_BASE_URL"]), Simulator(f"http://127.0.0.1:{sim_port}")
        wait_for("server", lambda: phone.call("GET", "/readyz"))
        made = Site(kind, env, app, phone, wechat, Meter([pid, *children(pid)], url))
        made.sign_in()
        yield made
        with app.app_context():
            db.engine.dispose()


@contextmanager
def bare_site(folder: Path, env: dict[str, str]) -> Iterator[tuple[MiniProgramClient, Meter]]:
    port = free_port()
    with running(gunicorn("bench.bare:app", port, settings="python:bench.bare"), env, folder / "bare.log") as pid:
        client = MiniProgramClient(f"http://127.0.0.1:{port}")
        wait_for("bare Flask", lambda: client.call("GET", "/v1/me"))
        yield client, Meter([pid, *children(pid)], "")


def one_png(turn: int) -> float:
    before = time.process_time()
    for index in range(BATCH):
        draw_certificate(certificate(turn * BATCH + index), width_px=1754)
    return 1000 * (time.process_time() - before) / BATCH


def measure(sites: list[Site], plain: tuple[MiniProgramClient, Meter]) -> tuple[float, float]:
    """Interleaved rounds, the first for warmth only; medians of one PNG and of bare Flask."""
    client, meter = plain
    pngs, bares = [], []
    for turn in range(ROUNDS + 1):
        for each in sites:
            each.round()
        bares.append(meter.spent_ms(lambda: [client.call("GET", "/v1/me") for _ in range(BATCH)])[0] / BATCH)
        pngs.append(one_png(turn))
    return median(pngs[1:]), median(bares[1:])


def main() -> None:
    logging.disable(logging.WARNING)  # the figures are to be read
    kinds = ["sqlite", *(["postgresql"] if os.environ.get("TEST_POSTGRES_URL") else [])]
    with ExitStack() as stack:
        folder, sim_port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
        sim = ["flask", "--app", "app", "wxsim", "--port", str(sim_port), "--state-dir", str(folder / "wxsim")]
        stack.enter_context(running(sim, {"DATABASE_URL": "sqlite://"}, folder / "wxsim.log"))
        wait_for("simulator", lambda: Simulator(f"http://127.0.0.1:{sim_port}").do("users", {}))
        sites = [stack.enter_context(site(kind, folder, sim_port)) for kind in kinds]
        for each in sites:
            each.count_statements()
        plain = stack.enter_context(bare_site(folder, sites[0].env))
        png_ms, bare_ms = measure(sites, plain)
        for each in sites:
            memory_mb = max(pss_mb(pid) for pid in each.meter.web[1:])
            report(Figures(each.name, each.spent, each.sql, memory_mb), png_ms, bare_ms)


if __name__ == "__main__":
    main()
