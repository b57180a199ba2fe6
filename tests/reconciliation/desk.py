"""A desk with yesterday's bills on it: what the bookkeeper does and what the items say afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert, select

from models import (
    Bill,
    BillLine,
    OutboxMessage,
    PaymentAttempt,
    PlantingBase,
    ReconItem,
    Refund,
    RefundReason,
    RefundStatus,
)
from tests.fakes import MCHID
from tests.payments.walk import Headers, Walk
from tests.reconciliation.paper import ARBOR_DAY, fund_bill, trade_bill
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.reconciliation import jobs
from wxbackend.reconciliation.bookkeeper import bookkeeper
from wxbackend.reconciliation.service import DayResult

#: 10:40 in China, the day after.
NEXT_MORNING = datetime(2026, 3, 13, 2, 40, tzinfo=UTC)


@dataclass
class Desk:
    walk: Walk

    def __post_init__(self) -> None:
        self.base: PlantingBase = self.walk.make.base(price_fen=5000)
        self.me: Headers = self.walk.make.resident()

    @property
    def pay(self) -> Any:
        return self.walk.pay

    def paid(self, *, tree_count: int = 1) -> PaidTransaction:
        """A payment that was booked."""
        return self.walk.pay_for(self.walk.open(self.base, self.me, tree_count=tree_count), self.me)

    def paid_unheard(self) -> PaidTransaction:
        """A payment that nobody told us of."""
        return self.pay.pay(self.walk.order(self.walk.open(self.base, self.me), self.me))

    def refunded(self, paid: PaidTransaction, number: str, amount_fen: int, **changes: Any) -> None:
        """A refund that WeChat accepted now."""
        with transaction() as session:
            attempt = session.scalars(
                select(PaymentAttempt).where(PaymentAttempt.transaction_id == paid.transaction_id)
            ).one()
            facts = {
                "number": number, "pledge_id": attempt.pledge_id, "attempt_id": attempt.id,
                "county_code": self.base.county_code, "reason": RefundReason.MISTAKE, "amount_fen": amount_fen,
                "from_status": "funded", "requested_by_kind": "system", "requested_at": self.walk.clock(),
                "status": RefundStatus.SUBMITTED, "submitted_at": self.walk.clock(), "try_count": 0, **changes,
            }  # fmt: skip
            session.execute(insert(Refund).values(facts))

    def lay(self, *lines: Any, flows: Sequence[Any] | None = None, on: date = ARBOR_DAY, sha1: str = "a") -> None:
        """Have WeChat keep these bills; without flows the fund bill has what the lines ask for."""
        self.pay.trade_bills[MCHID, on] = trade_bill(*lines, sha1=sha1 * 40)
        if flows is None:
            flows = [
                ("交易", "交易", line.amount_fen, line.transaction_id)
                if line.state == "SUCCESS"
                else ("退款", "退款", -line.amount_fen - line.fee_fen, line.wx_refund_id)
                for line in lines
            ]
        self.pay.fund_bills[MCHID, on] = fund_bill(*flows, opening_fen=1_000_000, sha1=sha1 * 40)

    def morning(self) -> None:
        self.walk.clock.moment = NEXT_MORNING

    def run(self, on: date = ARBOR_DAY, *, again: bool = True) -> DayResult:
        return bookkeeper().reconcile(mchid=MCHID, on=on, again=again)

    def turn(self) -> None:
        """The worker's turn: what is due is put in, and done."""
        jobs.plan_days()
        self.walk.drain()

    def items(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(subject, key) → (queue, status)."""
        return {(i.subject, i.key): (str(i.queue), str(i.status)) for i in self.rows(ReconItem)}

    def open_keys(self) -> set[str]:
        return {item.key for item in self.rows(ReconItem) if item.status == "open"}

    def bills(self) -> dict[tuple[str, str], str]:
        return {(bill.bill_on.isoformat(), bill.kind): str(bill.status) for bill in self.rows(Bill)}

    def lines(self) -> int:
        return len(self.rows(BillLine))

    def messages(self, topic: str) -> list[str]:
        with reading() as session:
            query = select(OutboxMessage.key).where(OutboxMessage.topic == topic).order_by(OutboxMessage.id)
            return list(session.scalars(query))

    def rows(self, model: Any) -> Sequence[Any]:
        return self.walk.all(model)
