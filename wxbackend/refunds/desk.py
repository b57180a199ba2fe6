"""What asking WeChat about refunds leads to. Calls go out between transactions, never inside one.

The desk is an entry point like a route or a job, which it serves both, and opens its transactions itself.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from wxbackend.core.caller import Caller
from wxbackend.core.db import transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.health import alarm
from wxbackend.core.ports import ports, settings
from wxbackend.core.wxpay import NotEnoughBalance, PaymentGateway, Refunded, RefundOrder, RefundRefused
from wxbackend.honours.tools import IssuingTools, issuing_tools
from wxbackend.refunds import asking, outcome, service
from wxbackend.refunds.asking import Question
from wxbackend.refunds.errors import RefundDecided
from wxbackend.refunds.rules import DAILY, NOT_ENOUGH, REASON_WORDS, UNKNOWN


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
        if question.asked_before and self._take_known(question):
            return
        try:
            self._take(self.gateway.refund(self._order(question)))
        except NotEnoughBalance:
            self._note(number, error=NOT_ENOUGH, again_at=self.now() + DAILY)
            alarm("refund-not-enough", refund=number, mchid=question.mchid)
        except RefundRefused as refusal:
            self._note(number, error=refusal.wx_code or "REFUSED", again_at=None)
            alarm("refund-refused", refund=number, wx_code=refusal.wx_code)
        except UpstreamFailed:
            self._note(number, error=UNKNOWN, again_at=question.next_try_at)

    def _claim(self, number: str) -> Question | None:
        with self.transaction() as session:
            return asking.claim(session, number=number, now=self.now())

    def _take_known(self, question: Question) -> bool:
        """Whether WeChat has it after all. While that cannot be told, nothing is asked of it."""
        try:
            known = self.gateway.query_refund(mchid=question.mchid, out_refund_no=question.number)
        except UpstreamFailed:
            return True
        if known is not None:
            self._take(known)
        return known is not None

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

    def _note(self, number: str, *, error: str, again_at: datetime | None) -> None:
        with self.transaction() as session:
            asking.note_failed(session, number=number, error=error, again_at=again_at)

    def check(self, number: str) -> None:
        """Ask WeChat what became of a refund, and apply it. Raises ``NotFound``, ``UpstreamFailed``."""
        with self.transaction() as session:
            question = asking.question(session, number=number, now=self.now())
        known = self.gateway.query_refund(mchid=question.mchid, out_refund_no=number)
        if known is not None:
            self._take(known)
        elif question.was_taken:
            alarm("refund-not-known", refund=number, mchid=question.mchid)

    def follow(self, number: str) -> None:
        """``submit`` or ``check``, whichever the refund waits for, and when to look again."""
        with self.transaction() as session:
            question = asking.question(session, number=number, now=self.now())
        if not question.was_taken:
            self.submit(number)
            return
        with self.transaction() as session:
            asking.put_off(session, number=number, now=self.now())
        self.check(number)

    def retry_abnormal(self, number: str) -> None:
        """Have WeChat pay an ABNORMAL refund into the merchant's own bank account; finance pays the person from there.

        Raises ``NotFound``, ``RefundDecided`` unless it is ABNORMAL, ``RefundRefused``, ``UpstreamFailed``.
        """
        with self.transaction() as session:
            question = asking.question(session, number=number, now=self.now())
        if not question.is_abnormal or question.wx_refund_id is None:
            raise RefundDecided
        answer = self.gateway.retry_abnormal_refund(
            mchid=question.mchid, wx_refund_id=question.wx_refund_id, out_refund_no=number
        )
        with self.transaction() as session:
            asking.note_retried(session, number=number, now=self.now())
            outcome.take(session, refunded=answer, tools=self.tools, now=self.now())

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
