"""A paid pledge that may have a receipt."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models import AuditEntry, Pledge, PledgeStatus, ReceiptRequest, ReconItem
from tests.payments.walk import Headers, Walk
from tests.staff.people import Office
from wxbackend.core.db import reading, transaction

TITLE = "示范县林木有限公司"
#: Invented, with right check characters: an enterprise's and a village's collective economy's.
USCC, VILLAGE_USCC = "91445281MA0000001P", "N2445281MF0000003P"


@dataclass
class Counter:
    """What a resident does about a receipt, one call each."""

    walk: Walk

    def paid(self, me: Headers, **wish: Any) -> str:
        """A donation of ¥66 with the right to a receipt, paid and worked off; its number."""
        number = self.walk.donate(self.walk.make.base(), me, **{"reward": "receipt", **wish})
        self.walk.fulfilled(number, me)
        return number

    def ask(self, number: str, me: Headers, **body: Any) -> TestResponse:
        return self.walk.client.post(f"/v1/pledges/{number}/receipt", json={"title": TITLE, **body}, headers=me)

    def seen(self, number: str, me: Headers) -> TestResponse:
        return self.walk.client.get(f"/v1/pledges/{number}/receipt", headers=me)

    def withdraw(self, number: str, me: Headers) -> TestResponse:
        return self.walk.client.post(f"/v1/pledges/{number}/receipt/withdraw", headers=me)

    def rows(self) -> list[ReceiptRequest]:
        return list(self.walk.all(ReceiptRequest))

    def put(self, number: str, status: PledgeStatus, **facts: Any) -> None:
        """Set a pledge to where a refund would have brought it."""
        with transaction() as session:
            session.execute(update(Pledge).where(Pledge.number == number).values(status=status, **facts))

    def dispute(self, *, status: str = "open") -> None:
        """WeChat's bill does not show the payment."""
        [attempt] = self.walk.attempts()
        closed = None if status == "open" else self.walk.clock()
        with transaction() as session:
            session.add(ReconItem(
                mchid=attempt.mchid, bill_on=date(2026, 3, 12), subject="payment", key=attempt.transaction_id,
                queue="missing_there", status=status, out_trade_no=attempt.out_trade_no, our_fen=attempt.amount_fen,
                found_at=self.walk.clock(), closed_at=closed,
            ))  # fmt: skip

    def trail(self) -> list[str]:
        with reading() as session:
            return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.fixture
def walk(app, client, make, pay, clock) -> Walk:
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def counter(walk: Walk) -> Counter:
    return Counter(walk)


@pytest.fixture
def office(app, make, clock) -> Office:
    return Office(app, make, clock)
