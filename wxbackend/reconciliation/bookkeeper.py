"""One merchant's day from the bill to the items. Bills are fetched between transactions, never inside one.

The bookkeeper is an entry point like the cashier: jobs and commands are served by it, and it opens its transactions
itself.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from models import ReconQueue
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.health import alarm
from wxbackend.core.ports import ports
from wxbackend.core.wxpay import BillKind, PaymentGateway
from wxbackend.payments.cashier import Cashier, cashier
from wxbackend.reconciliation import bills, service
from wxbackend.reconciliation.bills import Paper, fund_paper, trade_paper
from wxbackend.reconciliation.items import Matched
from wxbackend.reconciliation.service import DayResult

#: With what a call may take, and two downloads before it, shorter than the lease of a message.
LATE_BUDGET = timedelta(seconds=15)
log = structlog.get_logger()


@dataclass(frozen=True)
class Bookkeeper:
    """Everything that a day needs; built once a job or command from the ports."""

    gateway: PaymentGateway
    till: Cashier
    transaction: Callable[[], AbstractContextManager[Session]]
    reading: Callable[[], AbstractContextManager[Session]]
    now: Callable[[], datetime]

    def reconcile(self, *, mchid: str, on: date, again: bool = False) -> DayResult:
        """Fetch what is missing of a day (``again``: what is there as well), compare, and mend what can be mended.

        May be run at any time and as often as one likes.
        """
        missing = [kind for kind in BillKind if again or not self._has(mchid, on, kind)]
        for kind in missing:
            self._fetch(mchid, on, kind)
        matched = self._match(mchid, on)
        if self._apply_late(mchid, on):
            matched = self._match(mchid, on)
        self._tell(mchid, on, matched)
        if BillKind.FUND in missing:
            self._match_day_after(mchid, on)
        with self.reading() as session:
            return service.day_result(session, mchid=mchid, on=on, matched=matched)

    def _has(self, mchid: str, on: date, kind: BillKind) -> bool:
        with self.reading() as session:
            return bills.is_there(session, mchid=mchid, on=on, kind=kind)

    def _fetch(self, mchid: str, on: date, kind: BillKind) -> None:
        """What WeChat does not give now is noted, and asked for again at the next turn."""
        try:
            paper = self._download(mchid, on, kind)
        except Problem as problem:
            log.warning("bill not fetched", mchid=mchid, on=on.isoformat(), bill=str(kind), code=problem.code)
            with self.transaction() as session:
                bills.note_waiting(session, mchid=mchid, on=on, kind=kind, reason=problem.code, now=self.now())
        else:
            self._keep(mchid, on, paper)

    def _download(self, mchid: str, on: date, kind: BillKind) -> Paper:
        if kind is BillKind.TRADE:
            return trade_paper(self.gateway.trade_bill(mchid=mchid, on=on))
        return fund_paper(self.gateway.fund_bill(mchid=mchid, on=on))

    def _keep(self, mchid: str, on: date, paper: Paper) -> None:
        """In portions. Until the last one is written the bill does not count, whatever happens in between."""
        begun_at = self.now()
        with self.transaction() as session:
            bill_id = bills.begin(session, mchid=mchid, on=on, paper=paper, now=begun_at)
        if bill_id is None:
            return
        for lines in bills.portions(paper):
            with self.transaction() as session:
                if not bills.add_lines(session, bill_id=bill_id, lines=lines, begun_at=begun_at):
                    return
        with self.transaction() as session:
            bills.finish(session, bill_id=bill_id, paper=paper, begun_at=begun_at)

    def _match(self, mchid: str, on: date) -> Matched:
        with self.transaction() as session:
            return service.match_day(session, mchid=mchid, on=on, now=self.now())

    def _match_day_after(self, mchid: str, on: date) -> None:
        """It may have been compared without knowing where this day closed."""
        with self.reading() as session:
            later = bills.day_after(session, mchid=mchid, on=on)
        if later is not None:
            self._tell(mchid, later, self._match(mchid, later))

    def _apply_late(self, mchid: str, on: date) -> bool:
        """Ask about orders that were paid by the bill and not here; whether any news was applied.

        Not for longer than a message is leased: the rest is still open at the next turn.
        """
        started, news = self.now(), False
        with self.reading() as session:
            orders = service.late_orders(session, mchid=mchid, on=on)
        for number in orders:
            if self.now() - started > LATE_BUDGET:
                log.warning("late payments left for the next turn", mchid=mchid, on=on.isoformat())
                break
            news |= self._apply(mchid, number)
        return news

    def _apply(self, mchid: str, out_trade_no: str) -> bool:
        """One order. What goes wrong with it is tried at the next turn, and stops no other."""
        try:
            return self.till.apply_late(mchid=mchid, out_trade_no=out_trade_no)
        except Problem as problem:
            log.warning("late payment not applied", out_trade_no=out_trade_no, code=problem.code)
            return False

    def _tell(self, mchid: str, on: date, matched: Matched) -> None:
        """What is new is somebody's concern; what we were paid and WeChat does not know most of all."""
        new = {str(queue): count for queue, count in matched.found.items() if count}
        if new:
            alarm("reconciliation-open", mchid=mchid, on=on.isoformat(), **new)
        if matched.found.get(ReconQueue.MISSING_THERE):
            alarm("paid-here-absent-there", mchid=mchid, on=on.isoformat())


def bookkeeper() -> Bookkeeper:
    """The bookkeeper of this process."""
    return Bookkeeper(ports().pay, cashier(), transaction, reading, ports().now)
