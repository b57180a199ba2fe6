"""What a notification of WeChat Pay costs at our door: verified, applied, repeated, and refused as a forgery.

Run from the project's folder: ``python -m bench.callbacks``. Everything is in this process, so that CPU time is that of
the application alone (on PostgreSQL without the server's share); the simulator makes and signs the notifications.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from bench.chain import SIZE, database, fill
from bench.served import environment, free_port
from wxbackend.core.db import db
from wxbackend.core.settings import Settings
from wxbackend.core.wxpay import BadNotification
from wxbackend.devtools.wxsim import SimClock, Simulator, serve_simulator
from wxbackend.devtools.wxsim.state import open_world
from wxbackend.factory import create_app

ROUNDS, BATCH = 5, 10
Post = tuple[str, dict[str, str], bytes]
#: CPU ms: of a payment applied (goals: ≤ 6), and of what must not become a weapon.
GOALS = {"verify and decrypt": 0.5, "first notice: applied": 6.0, "repeated notice": 3.0, "forged notice": 2.0}


@dataclass
class Mailbox:
    """Keeps what the simulator delivers, and answers for a backend that took it."""

    posts: list[Post] = field(default_factory=list)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.posts.append((url, headers, body))
        return 204

    def empty(self) -> list[Post]:
        taken, self.posts = self.posts, []
        return taken


@dataclass
class Door:
    """One application and what it spends at its door."""

    app: Flask
    client: FlaskClient
    simulator: Simulator
    mailbox: Mailbox
    spent: dict[str, list[float]] = field(default_factory=dict)

    def call(self, path: str, headers: dict[str, str], body: dict[str, object] | None = None) -> dict:  # type: ignore[type-arg]
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return dict(answer.json)

    def notices(self, me: dict[str, str], bases: list[str]) -> tuple[list[Post], list[Post]]:
        """Genuine notifications of new payments, and forged ones of the same."""
        for base in bases:
            wish: dict[str, object] = {"kind": "donate", "base_id": base, "amount_fen": 6600}
            number = self.call("/v1/pledges", me, wish)["number"]
            order = self.call(f"/v1/pledges/{number}/payments", me)["out_trade_no"]
            self.simulator.control("POST", "pay", {"out_trade_no": order, "notify": False})
            self.simulator.control("POST", "notify", {"out_trade_no": order})
            self.simulator.control("POST", "notify", {"out_trade_no": order, "forge": "random-signature"})
        self.simulator.control("POST", "flush", {"until": "due"})
        posts = self.mailbox.empty()
        genuine = [post for post in posts if self._opens(post)]
        return genuine, [post for post in posts if post not in genuine]

    def _opens(self, post: Post) -> bool:
        try:
            self.open(post)
        except BadNotification:
            return False
        return True

    def open(self, post: Post) -> None:
        url, headers, body = post
        gateway = self.app.extensions["xiangshu.ports"].pay
        gateway.open_notice(mchid=url.rsplit("/", 1)[1], headers=headers, body=body, now=datetime.now(UTC))

    def send(self, post: Post) -> None:
        url, headers, body = post
        self.client.post(urlsplit(url).path, data=body, headers=headers)

    def note(self, step: str, work: Callable[[Post], None], posts: list[Post]) -> None:
        before = time.process_time()
        for post in posts:
            work(post)
        self.spent.setdefault(step, []).append(1000 * (time.process_time() - before) / len(posts))

    def round(self, bases: list[str]) -> None:
        """A person of their own: nobody may leave many orders unpaid."""
        code = self.simulator.control("POST", "users", {})["code"]
        token = self.call("/v1/sessions", {}, {"code": code})["token"]
        genuine, forged = self.notices({"Authorization": f"Bearer {token}"}, bases)
        self.note("verify and decrypt", self.open, genuine)
        self.note("first notice: applied", self.send, genuine)
        self.note("repeated notice", self.send, genuine)
        self.note("forged notice", self.send, forged)


@contextmanager
def door(kind: str, folder: Path) -> Iterator[Door]:
    mailbox, port = Mailbox(), free_port()
    with ExitStack() as stack:
        world = open_world(folder / "wxsim", clock=SimClock())
        server = stack.enter_context(serve_simulator(Simulator(world, post=mailbox)))
        url = stack.enter_context(database(kind, folder))
        sim_port = urlsplit(server.origin).port or 0
        env = environment(folder, name=kind, database_url=url, sim_port=sim_port, port=port)
        app = create_app(Settings.from_env(**{name.lower(): value for name, value in env.items()}))
        fill(app)
        yield Door(app, app.test_client(), server.simulator, mailbox)
        with app.app_context():
            db.engine.dispose()


def measure(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder, door(kind, Path(folder)) as each:
        found = each.client.get("/v1/bases", query_string={"limit": 50}).json
        bases = [base["id"] for base in (found or {})["items"]][:BATCH]
        for _ in range(ROUNDS + 1):
            each.round(bases)
        print(f"\n{kind}: CPU ms of one notification at the door, medians of {ROUNDS} rounds of {len(bases)}")
        for step, goal in GOALS.items():
            spent = median(each.spent[step][1:])
            print(f"  {step:<24}{spent:8.2f}   goal ≤ {goal:g} ms   {'met' if spent <= goal else 'MISSED'}")


def main() -> None:
    logging.disable(logging.WARNING)  # the figures are to be read
    print(f"callbacks, {SIZE.bases} bases")
    for kind in ["sqlite", *(["postgresql"] if os.environ.get("TEST_POSTGRES_URL") else [])]:
        measure(kind)


if __name__ == "__main__":
    main()
