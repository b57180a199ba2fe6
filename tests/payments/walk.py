"""The steps of a pledge's way, one call each: what a resident does, what WeChat does, what the worker does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from certificates.codes import make_token
from models import Certificate, PaymentAttempt, PlantingBase, Pledge, Tree, TreeAdoption, TreeLife
from tests.fakes import MCHID, Clock, FakePay
from tests.make import Make
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports
from wxbackend.core.worker import Worker
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.honours import files
from wxbackend.honours.files import Drawing
from wxbackend.honours.service import DRAW
from wxbackend.honours.tools import issuing_tools
from wxbackend.payments import jobs
from wxbackend.trees.service import allocate

Headers = dict[str, str]
#: The files of a certificate, and what stands in for their bytes.
FILES = {"877.png": b"small", "1754.png": b"middle", "2480.png": b"large", "pdf": b"paper"}


def keep_files(serial: str) -> None:
    """What the worker does, without the drawing."""
    drawings = [Drawing(form, data) for form, data in FILES.items()]
    for drawing in drawings:
        ports().storage.put(drawing.key(serial), drawing.data)
    with transaction() as session:
        files.keep(session, serial=serial, drawings=drawings, now=ports().now())


@dataclass
class Walk:
    """Over HTTP where a person or WeChat acts.

    Drawing takes longer than everything else together: the worker does nothing about it, or, with ``keeps_files``,
    keeps a few bytes in the place of each file.
    """

    app: Flask
    client: FlaskClient
    make: Make
    pay: FakePay
    clock: Clock
    keeps_files: bool = False

    def ask(self, base: PlantingBase, me: Headers, **wish: object) -> TestResponse:
        """Ask for one tree, or for what ``wish`` says instead; a ``None`` leaves its field out."""
        body = {"kind": "plant", "base_id": base.public_id, "tree_count": 1, **wish}
        said = {field: value for field, value in body.items() if value is not None}
        return self.client.post("/v1/pledges", json=said, headers=me)

    def open(self, base: PlantingBase, me: Headers, **wish: object) -> str:
        answer = self.ask(base, me, **wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json["number"])

    def donate(self, base: PlantingBase, me: Headers, amount_fen: int = 6600, **wish: object) -> str:
        return self.open(base, me, kind="donate", tree_count=None, amount_fen=amount_fen, **wish)

    def seen(self, number: str, me: Headers) -> dict[str, Any]:
        answer = self.client.get(f"/v1/pledges/{number}", headers=me)
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def post(self, number: str, what: str, me: Headers) -> TestResponse:
        return self.client.post(f"/v1/pledges/{number}/{what}", headers=me)

    def order(self, number: str, me: Headers) -> str:
        answer = self.post(number, "payments", me)
        assert answer.status_code == 201, answer.text
        return str(answer.json["out_trade_no"])

    def notify(self, body: bytes, *, mchid: str = MCHID, about: str = "pay") -> TestResponse:
        return self.client.post(f"/wx/{about}/notify/{mchid}", data=body)

    def pay_for(self, number: str, me: Headers) -> PaidTransaction:
        """Order, pay, and have WeChat tell us."""
        paid = self.pay.pay(self.order(number, me))
        assert self.notify(self.pay.notice_of(paid)).status_code == 204
        return paid

    def fulfilled(self, number: str, me: Headers) -> dict[str, Any]:
        """Paid and worked off: the pledge as its owner sees it."""
        self.pay_for(number, me)
        self.drain()
        return self.seen(number, me)

    def standing(self, base: PlantingBase, n: int) -> list[Tree]:
        """Living trees, open for adoption, with numbers and codes that pass every check."""
        tools = issuing_tools()
        ids = [int.from_bytes(tools.random_bytes(5)) for _ in range(n)]
        tokens = [make_token(luck, tools.code_keys, purpose="T") for luck in ids]
        with transaction() as session:
            trees = allocate(session, base=base, n=n, tokens=tokens, now=self.clock())
            for tree in trees:
                tree.life, tree.adoption, tree.planted_on = TreeLife.ALIVE, TreeAdoption.OPEN, self.clock().date()
        return trees

    def drain(self) -> None:
        handlers = {**self.app.extensions["xiangshu.handlers"], DRAW: self._draw}
        Worker(handlers, (), self.clock, "test").drain()

    def _draw(self, payload: Mapping[str, Any]) -> None:
        if self.keeps_files:
            keep_files(payload["serial"])

    def poll(self) -> None:
        jobs.poll_orders()

    def expire(self) -> None:
        jobs.expire_pledges()

    def all(self, model: type[Any]) -> Sequence[Any]:
        with reading() as session:
            return session.scalars(select(model).order_by(*model.__table__.primary_key)).all()

    def attempts(self) -> Sequence[PaymentAttempt]:
        return self.all(PaymentAttempt)

    def certificates(self) -> Sequence[Certificate]:
        return self.all(Certificate)

    def trees(self) -> Sequence[Tree]:
        return self.all(Tree)

    def stock(self, base: PlantingBase) -> tuple[int, int, str]:
        """(held, sold, status)."""
        with reading() as session:
            now = session.get_one(PlantingBase, base.id)
        return now.held, now.sold, str(now.status)

    def status(self, number: str) -> str:
        with reading() as session:
            return str(session.scalars(select(Pledge.status).where(Pledge.number == number)).one())
