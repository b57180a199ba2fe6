"""What asking WeChat about refunds leads to. Calls go out between transactions, never inside one.

The desk is an entry point like a route or a job, which it serves both, and opens its transactions itself.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.health import alarm
from wxbackend.core.ports import ports, settings
from wxbackend.core.wxpay import NotEnoughBalance, PaymentGateway, Refunded, RefundOrder, RefundRefused
from wxbackend.honours.tools import IssuingTools, issuing_tools
from wxbackend.refunds import asking, outcome, service
from wxbackend.refunds.asking import Question
from wxbackend.refunds.rules import DAILY, NOT_ENOUGH, REASON_WORDS, STEPS

log = structlog.get_logger()


@dataclass(frozen=True)
class Desk:
    """Everything the use cases need; built once a request or job from the ports."""

    gateway: PaymentGateway
    tools: IssuingTools
    transaction: Callable[[], AbstractContextManager[Session]]
    now: Callable[[], datetime]
    notify_url: Callable[[str], str]

    def submit(self, number: str) -> None:
        """Have WeChat take an approved refund, if its time has come: one number refunds once, however often it is sent.

        Where an earlier question had no answer, WeChat may have it: it is queried first.
        """
        question = self._claim(number)
        if question is None:
            return
        if not question.asked_before or self._is_unknown(question):
            self._send(question)

    def _send(self, question: Question) -> None:
        """Without an answer it stays as it was claimed: unknown."""
        number = question.number
        try:
            self._take(self.gateway.refund(self._order(question)))
        except NotEnoughBalance:
            alarm("refund-not-enough", refund=number, mchid=question.mchid)
            self._note_refused(question, error=NOT_ENOUGH, again_at=self.now() + DAILY)
        except RefundRefused as refusal:
            alarm("refund-refused", refund=number, wx_code=refusal.wx_code)
            self._note_refused(question, error=refusal.wx_code or "REFUSED", again_at=None)
        except UpstreamFailed as failure:
            log.warning("refund unanswered", refund=number, why=failure.code)

    def _claim(self, number: str) -> Question | None:
        with self.transaction() as session:
            return asking.claim(session, number=number, now=self.now())

    def _is_unknown(self, question: Question) -> bool:
        """Whether WeChat says that it does not have it. While that cannot be told, nothing follows."""
        try:
            known = self.gateway.query_refund(mchid=question.mchid, out_refund_no=question.number)
        except UpstreamFailed:
            if question.turn >= len(STEPS):
                alarm("refund-unanswered", refund=question.number, mchid=question.mchid)
            return False
        if known is not None:
            self._take(known)
        return known is None

    def _order(self, question: Question) -> RefundOrder:
        return RefundOrder(
            mchid=question.mchid,
            transaction_id=question.transaction_id,
            out_refund_no=question.number,
            refund_fen=question.refund_fen,
            total_fen=question.total_fen,
            reason=REASON_WORDS[question.reason],
            notify_url=self.notify_url(question.mchid),
        )

    def _take(self, refunded: Refunded) -> None:
        with self.transaction() as session:
            outcome.take(session, refunded=refunded, tools=self.tools, now=self.now())

    def _note_refused(self, question: Question, *, error: str, again_at: datetime | None) -> None:
        """A refusal may answer a repetition of a call whose first answer got lost: what WeChat has was not refused."""
        if not self._is_unknown(question):
            return
        with self.transaction() as session:
            asking.note_refused(session, question=question, error=error, again_at=again_at)

    def _question(self, number: str) -> Question:
        with reading() as session:
            return asking.question(session, number=number)

    def check(self, number: str) -> bool:
        """Ask WeChat what became of a refund, and apply it; whether WeChat knows it.

        Raises ``NotFound``, ``UpstreamFailed``.
        """
        question = self._question(number)
        known = self.gateway.query_refund(mchid=question.mchid, out_refund_no=number)
        if known is not None:
            self._take(known)
        elif question.was_taken:
            alarm("refund-not-known", refund=number, mchid=question.mchid)
        return known is not None

    def follow(self, number: str) -> None:
        """``submit`` or ``check``, whichever the refund waits for, and when to look again.

        One that WeChat took and does not know any more is asked for again.
        """
        if not self._question(number).was_taken:
            self.submit(number)
            return
        with self.transaction() as session:
            asking.put_off(session, number=number, now=self.now())
        if self.check(number):
            return
        with self.transaction() as session:
            lost = asking.claim_again(session, number=number)
        if lost is not None:
            self._send(lost)

    def retry_abnormal(self, number: str, *, caller: Caller) -> None:
        """Have WeChat pay an ABNORMAL refund into the merchant's own bank account; finance pays the person from there.

        Raises what ``service.to_merchant`` raises, ``RefundRefused``, ``UpstreamFailed``.
        """
        with self.transaction() as session:
            service.to_merchant(session, number=number, caller=caller, now=self.now())
        question = self._question(number)
        self._take(
            self.gateway.retry_abnormal_refund(
                mchid=question.mchid, wx_refund_id=question.wx_refund_id or "", out_refund_no=number
            )
        )

    def settle(self, number: str, *, note: str, caller: Caller) -> None:
        """Say that the person was paid by other means, after WeChat was asked once more whether it has paid.

        Raises what ``service.settle_offline`` raises, and ``UpstreamFailed``.
        """
        self.check(number)
        with self.transaction() as session:
            service.settle_offline(session, number=number, note=note, caller=caller, tools=self.tools, now=self.now())

    def give_up(self, number: str, *, note: str, caller: Caller) -> None:
        """End a refund that WeChat refused, after WeChat said once more that it does not have it.

        Raises what ``service.give_up`` raises, and ``UpstreamFailed``.
        """
        self.check(number)
        with self.transaction() as session:
            service.give_up(session, number=number, note=note, caller=caller, now=self.now())


def desk() -> Desk:
    """The desk of this process."""
    ask, base_url = ports(), settings().public_base_url.rstrip("/")
    url = f"{base_url}/wx/refund/notify"
    return Desk(ask.pay, issuing_tools(), transaction, ask.now, lambda mchid: f"{url}/{mchid}")
