"""What asking WeChat leads to. Calls go out between transactions, never inside one.

The cashier is an entry point like a route or a job, which it serves both: a call to WeChat stands between two of its
transactions, so it opens them itself.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models import AttemptStatus, PledgeStatus
from wxbackend.core.crypto import BlindIndex
from wxbackend.core.db import transaction
from wxbackend.core.errors import Conflict, UpstreamFailed
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.wxpay import (
    ClientPayParams,
    CloseOutcome,
    OrderNumberSpent,
    OrderPaid,
    OrderState,
    PaymentGateway,
    PrepayOrder,
    TradeState,
)
from wxbackend.payments import attempts
from wxbackend.payments.attempts import Order
from wxbackend.payments.rules import PAYER
from wxbackend.payments.service import apply_transaction
from wxbackend.pledges import service as pledges
from wxbackend.pledges.rules import PAY_MARGIN

#: WeChat closes or never knew these: no money can come for the number any more.
OVER = (TradeState.CLOSED, TradeState.REVOKED)
#: Nothing can pay these: closed now, or an order that never reached WeChat.
GONE = (CloseOutcome.CLOSED, CloseOutcome.UNKNOWN)
#: A number that WeChat will not take again gets a successor, a few times at most.
RENUMBERINGS = 3


class AlreadyPaid(Conflict):
    code, title = "already-paid", "该认种认捐单已支付"


class PaymentInProgress(Conflict):
    code, title = "payment-in-progress", "支付正在进行，请稍后再试"
    retry_after_s = 60


@dataclass(frozen=True)
class Cashier:
    """Everything the use cases need; built once a request or job from the ports."""

    gateway: PaymentGateway
    index: BlindIndex
    transaction: Callable[[], AbstractContextManager[Session]]
    now: Callable[[], datetime]
    notify_url: Callable[[str], str]

    def pay(
        self, *, number: str, resident_id: int, openid: str, appid: str, nonce: str
    ) -> tuple[Order, ClientPayParams]:
        """Place the order of a pledge at WeChat and sign what the client needs.

        Raises what ``take_attempt`` raises, ``AlreadyPaid``, ``PaymentInProgress``, ``UpstreamFailed``.
        """
        for _ in range(RENUMBERINGS):
            with self.transaction() as session:
                order = attempts.take_attempt(
                    session,
                    number=number,
                    resident_id=resident_id,
                    appid=appid,
                    payer_index=self.index.of(openid, purpose=PAYER),
                    now=self.now(),
                )
            prepay_id = order.prepay_id or self._prepay(order, openid)
            if prepay_id is not None:
                params = self.gateway.pay_params(mchid=order.mchid, prepay_id=prepay_id, now=self.now(), nonce=nonce)
                return order, params
        raise UpstreamFailed

    def _prepay(self, order: Order, openid: str) -> str | None:
        """Ask for a prepay_id; ``None`` when the number is spent and a new attempt is needed."""
        try:
            prepay_id = self.gateway.prepay(self._wx_order(order, openid))
        except OrderPaid:
            self.check(order)
            raise AlreadyPaid from None
        except OrderNumberSpent:
            self._stop(order, AttemptStatus.FAILED)  # never a new number before WeChat says the old one is unpaid
            return None
        with self.transaction() as session:
            kept = attempts.note_prepaid(session, order=order, prepay_id=prepay_id, now=self.now())
        if not kept:  # cancelled meanwhile: nobody was given the means to pay, and nobody shall be
            self.gateway.close(mchid=order.mchid, out_trade_no=order.out_trade_no)
            raise attempts.PledgeNotPayable
        return prepay_id

    def _wx_order(self, order: Order, openid: str) -> PrepayOrder:
        return PrepayOrder(
            mchid=order.mchid,
            out_trade_no=order.out_trade_no,
            description=order.description,
            amount_fen=order.amount_fen,
            openid=openid,
            expires_at=order.expires_at,
            notify_url=self.notify_url(order.mchid),
        )

    def _query(self, order: Order) -> OrderState | None:
        return self.gateway.query(mchid=order.mchid, out_trade_no=order.out_trade_no)

    def _apply(self, state: OrderState | None) -> bool:
        """Apply what a query says was paid; False if nothing was. What does not fit is not asked about again."""
        if state is None or state.paid is None:
            return False
        with self.transaction() as session:
            was_refunded = state.state is TradeState.REFUND
            apply_transaction(session, paid=state.paid, index=self.index, now=self.now(), was_refunded=was_refunded)
        return True

    def apply_late(self, *, mchid: str, out_trade_no: str) -> bool:
        """Ask about one order, whatever became of it here, and apply what was paid; False if nothing was.

        Raises ``UnknownOrder``, ``UpstreamFailed``.
        """
        return self._apply(self.gateway.query(mchid=mchid, out_trade_no=out_trade_no))

    def check(self, order: Order) -> None:
        """Ask WeChat once and act on it: apply, close what is over, or ask again later. Raises ``UpstreamFailed``."""
        state = self._query(order)
        if self._apply(state):
            return
        late = self.now() >= order.expires_at + PAY_MARGIN
        if state is not None and state.state in OVER:
            self._end(order, AttemptStatus.CLOSED)
        elif late:
            self._close(order, AttemptStatus.CLOSED)
        else:
            self.ask_later(order, busy=False)

    def _stop(self, order: Order, ended: AttemptStatus) -> None:
        """See to it that no money can come any more. Raises ``AlreadyPaid`` when it came, ``PaymentInProgress``."""
        state = self._query(order)
        if self._apply(state):
            raise AlreadyPaid
        if state is not None and state.state in OVER:
            self._end(order, ended)
            return
        outcome = self._close(order, ended)
        if outcome not in GONE:
            raise AlreadyPaid if outcome is CloseOutcome.ALREADY_PAID else PaymentInProgress

    def _close(self, order: Order, ended: AttemptStatus) -> CloseOutcome:
        """Close at WeChat, then here: only a closed number gives its places back. One that was paid is applied."""
        outcome = self.gateway.close(mchid=order.mchid, out_trade_no=order.out_trade_no)
        if outcome in GONE:
            self._end(order, ended)
        elif outcome is CloseOutcome.BUSY or not self._apply(self._query(order)):
            self.ask_later(order, busy=True)
        return outcome

    def _end(self, order: Order, ended: AttemptStatus) -> None:
        with self.transaction() as session:
            attempts.note_ended(session, attempt_id=order.id, status=ended)
            if self.now() >= order.expires_at:
                pledges.end_unpaid(
                    session, pledge_id=order.pledge_id, to=PledgeStatus.EXPIRED, cause="hold over", now=self.now()
                )

    def ask_later(self, order: Order, *, busy: bool) -> None:
        """On the schedule, or in a minute while the user or WeChat is ``busy``."""
        with self.transaction() as session:
            attempts.note_asked(session, order=order, busy=busy, now=self.now())

    def sync(self, *, number: str, resident_id: int) -> None:
        """Ask WeChat now about every unpaid attempt of one's pledge. Raises ``NotFound``, ``UpstreamFailed``."""
        with self.transaction() as session:
            unsettled = attempts.newest_unsettled(session, number=number, resident_id=resident_id)
        for order in unsettled:
            self._apply(self._query(order))

    def cancel(self, *, number: str, resident_id: int) -> None:
        """Give a pending pledge up. An open order is closed at WeChat first.

        Raises ``NotFound``, ``AlreadyPaid``, ``PaymentInProgress``, ``PledgeNotPayable`` when it is over anyway.
        """
        with self.transaction() as session:
            pledge = pledges.find_own(session, number=number, resident_id=resident_id)
            unsettled = attempts.newest_unsettled(session, number=number, resident_id=resident_id)
        if pledge.status is PledgeStatus.CANCELLED:
            return
        if pledge.paid_at is not None:
            raise AlreadyPaid
        for order in unsettled:
            self._stop(order, AttemptStatus.CLOSED)
        with self.transaction() as session:
            ended = pledges.end_unpaid(
                session, pledge_id=pledge.id, to=PledgeStatus.CANCELLED, cause="cancelled by owner", now=self.now()
            )
        if not ended:
            raise attempts.PledgeNotPayable(pledge_status=str(pledge.status))


def cashier() -> Cashier:
    """The cashier of this process."""
    ask, base_url = ports(), settings().public_base_url.rstrip("/")
    return Cashier(ask.pay, vault().index, transaction, ask.now, lambda mchid: f"{base_url}/wx/pay/notify/{mchid}")
