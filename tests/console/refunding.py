"""Refunds on their way, for pages that show them and people who decide on them."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models import Pledge, Refund, Role
from tests.console.journeys import open_pledge, pay_pledge, work
from tests.fakes import MCHID, Clock, FakePay
from tests.make import Make
from tests.staff.people import Browser, Office
from wxbackend.core.db import reading
from wxbackend.core.wxpay import RefundState
from wxbackend.refunds import jobs


@dataclass
class Till:
    """What residents, WeChat and the worker do about refunds, one call each."""

    app: Flask
    make: Make
    pay: FakePay
    clock: Clock

    def ask(self, number: str, *, person: str = "a", reason: str = "change_of_mind", **body: Any) -> str:
        """The resident asks; the number of the refund."""
        answer = self.make.client.post(
            f"/v1/pledges/{number}/refunds", json={"reason": reason, **body}, headers=self.make.resident(person)
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json["number"])

    def work(self) -> None:
        work(self.app, self.clock)

    def follow(self) -> None:
        """The timed job, once whatever waits is due."""
        jobs.follow_refunds()

    def in_suspense(self, client: FlaskClient) -> str:
        """Money that came after somebody else had taken its places; the number of its refund."""
        base = self.make.base(capacity=2)
        late = open_pledge(client, self.make, base)
        order = client.post(f"/v1/pledges/{late}/payments", headers=self.make.resident()).json["out_trade_no"]
        assert client.post(f"/v1/pledges/{late}/cancel", headers=self.make.resident()).status_code == 200
        pay_pledge(client, self.make, self.pay, open_pledge(client, self.make, base, person="b"), person="b")
        told = self.pay.notice_of(self.pay.pay(order))
        assert client.post(f"/wx/pay/notify/{MCHID}", data=told).status_code == 204
        jobs.repay_suspense()
        with reading() as session:
            return session.scalars(select(Refund.number)).one()

    def answers(self, number: str, state: RefundState) -> None:
        """WeChat tells how the refund ended."""
        told = self.pay.refund_notice_of(self.pay.refund_outcome(number, state))
        answer = self.make.client.post(f"/wx/refund/notify/{MCHID}", data=told)
        assert answer.status_code in {200, 204}, answer.text

    def row(self, number: str) -> Refund:
        with reading() as session:
            return session.scalars(select(Refund).where(Refund.number == number)).one()

    def pledge_status(self, number: str) -> str:
        with reading() as session:
            return str(session.scalars(select(Pledge.status).where(Pledge.number == number)).one())


def approve(browser: Browser, number: str, **fields: str):
    return browser.post(f"/console/refunds/{number}/approve", **{"note": "核实无误", **fields})


def finance(office: Office, *, confirmed: bool = True) -> Browser:
    return office.seat_new(Role.FINANCE, confirmed=confirmed)
