"""The outside world of the tests: fakes of the ports that remember what they were asked."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count
from threading import Lock

from PIL import Image

from wxbackend.core.wxmini import (
    BadLoginCode,
    BadPhoneCode,
    BadPush,
    Delivery,
    PushEvent,
    Shipment,
    ShippingState,
    Suggestion,
    TextScene,
    Verdict,
    WxIdentity,
)
from wxbackend.core.wxpay import (
    BadNotification,
    ClientPayParams,
    CloseOutcome,
    FundBill,
    Notice,
    OrderNumberSpent,
    OrderPaid,
    OrderState,
    PaidTransaction,
    PrepayOrder,
    Refunded,
    RefundOrder,
    RefundState,
    TradeBill,
    TradeState,
)

APPID = "wx0123456789abcdef"
MCHID = "1900000109"
ARBOR_DAY_NOON = datetime(2026, 3, 12, 4, tzinfo=UTC)  # 12:00 in China


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = ARBOR_DAY_NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **step: float) -> None:
        self.moment += timedelta(**step)


class Luck:
    """Random bytes that are the same in every run, and never twice the same in one."""

    def __init__(self, seed: str = "") -> None:
        self._seed, self._counter, self._lock = seed, count(), Lock()

    def __call__(self, length: int) -> bytes:
        with self._lock:
            turn = next(self._counter)
        return hashlib.shake_128(f"{self._seed}:{turn}".encode()).digest(length)


class FakeMini:
    """Login codes are ``code-{person}``: the openid is ``openid-{person}``. Any other code is bad.

    Texts pass unless ``verdicts`` names a word in them; ``failures`` make the next calls fail, whichever they are.
    """

    appid = APPID

    def __init__(self) -> None:
        self.verdicts: dict[str, Suggestion] = {}
        self.failures: list[Exception] = []
        self.checked: list[tuple[str, TextScene]] = []
        self.images: dict[str, str] = {}
        self.codes: list[tuple[str, str, int]] = []
        self.sent: list[tuple[str, str, dict[str, str], str]] = []
        self.delivery = Delivery.SENT
        self.managed = False
        self.shipments: dict[str, Shipment] = {}
        self.shipping: dict[str, ShippingState] = {}
        self._trace = count(1)

    def _called(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def check_text(self, text: str, *, openid: str, scene: TextScene, nickname: str | None = None) -> Verdict:
        self._called()
        self.checked.append((text, scene))
        found = [verdict for word, verdict in self.verdicts.items() if word in text]
        return Verdict(found[0] if found else Suggestion.PASS, 20001 if found else 100, f"trace-{next(self._trace)}")

    def submit_image(self, url: str, *, openid: str, scene: TextScene) -> str:
        self._called()
        trace = f"trace-{next(self._trace)}"
        self.images[trace] = url
        return trace

    def mini_code(self, *, scene: str, page: str, width_px: int) -> bytes:
        self._called()
        self.codes.append((scene, page, width_px))
        picture = BytesIO()
        Image.new("1", (width_px, width_px)).save(picture, "PNG")
        return picture.getvalue()

    def send_message(self, *, openid: str, template_id: str, fields: Mapping[str, str], page: str) -> Delivery:
        self._called()
        self.sent.append((openid, template_id, dict(fields), page))
        return self.delivery

    def is_trade_managed(self) -> bool:
        self._called()
        return self.managed

    def report_shipping(self, shipment: Shipment) -> None:
        self._called()
        self.shipments[shipment.transaction_id] = shipment
        self.shipping[shipment.transaction_id] = ShippingState.SHIPPED

    def shipping_state(self, *, transaction_id: str) -> ShippingState:
        self._called()
        return self.shipping.get(transaction_id, ShippingState.WAITING)

    def login(self, code: str) -> WxIdentity:
        if not code.startswith("code-"):
            raise BadLoginCode
        return WxIdentity(openid=f"openid-{code.removeprefix('code-')}")

    def phone(self, code: str, *, openid: str) -> str:
        if not code.startswith("phone-"):
            raise BadPhoneCode
        return code.removeprefix("phone-")


class FakePay:
    """Orders in a dictionary. ``pay`` does what a person does in WeChat; ``refuse_next`` makes one call fail,
    ``slow_s`` makes each take so long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serial = count(1)
        self.orders: dict[str, PrepayOrder] = {}
        self.states: dict[str, OrderState] = {}
        self.prepays: dict[str, int] = {}
        self.calls: list[str] = []
        self.close_outcome: CloseOutcome | None = None
        #: What the next calls fail with; None lets one through.
        self.failures: list[Exception | None] = []
        self.slow_s = 0
        self.notices: dict[bytes, Notice | Exception] = {}
        self.refunds: dict[str, Refunded] = {}
        self.refund_orders: dict[str, RefundOrder] = {}
        #: What a refund is when it is accepted; ``refund_outcome`` moves it on.
        self.refund_state = RefundState.PROCESSING
        self.trade_bills: dict[tuple[str, date], TradeBill] = {}
        self.fund_bills: dict[tuple[str, date], FundBill] = {}
        self.skew_s: float | None = None

    def merchants(self) -> frozenset[str]:
        return frozenset({MCHID})

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.slow_s:
            self._clock.forward(seconds=self.slow_s)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure

    def prepay(self, order: PrepayOrder) -> str:
        self._called("prepay")
        state = self.states.get(order.out_trade_no)
        if state is not None and state.paid is not None:
            raise OrderPaid
        known = self.orders.setdefault(order.out_trade_no, order)
        if known != order or (state is not None and state.state is TradeState.CLOSED):
            raise OrderNumberSpent
        self.states.setdefault(order.out_trade_no, OrderState(TradeState.NOTPAY, None))
        self.prepays[order.out_trade_no] = self.prepays.get(order.out_trade_no, 0) + 1
        return f"prepay-{order.out_trade_no}-{self.prepays[order.out_trade_no]}"

    def pay_params(self, *, mchid: str, prepay_id: str, now: datetime, nonce: str) -> ClientPayParams:
        return ClientPayParams(str(int(now.timestamp())), nonce, f"prepay_id={prepay_id}", "RSA", "signed")

    def query(self, *, mchid: str, out_trade_no: str) -> OrderState | None:
        self._called("query")
        return self.states.get(out_trade_no)

    def close(self, *, mchid: str, out_trade_no: str) -> CloseOutcome:
        self._called("close")
        if self.close_outcome is not None:
            return self.close_outcome
        state = self.states.get(out_trade_no)
        if state is not None and state.paid is not None:
            return CloseOutcome.ALREADY_PAID
        if state is None:
            return CloseOutcome.UNKNOWN
        self.states[out_trade_no] = OrderState(TradeState.CLOSED, None)
        return CloseOutcome.CLOSED

    def pay(self, out_trade_no: str, **changes: object) -> PaidTransaction:
        """The person pays; ``changes`` falsify the transaction."""
        order = self.orders[out_trade_no]
        facts: dict[str, object] = {
            "mchid": order.mchid,
            "appid": APPID,
            "out_trade_no": out_trade_no,
            "transaction_id": f"42000{next(self._serial):023d}",
            "total_fen": order.amount_fen,
            "payer_total_fen": order.amount_fen,
            "currency": "CNY",
            "payer_openid": order.openid,
            "paid_at": self._clock(),
            **changes,
        }
        paid = PaidTransaction(**facts)  # type: ignore[arg-type]
        self.states[out_trade_no] = OrderState(TradeState.SUCCESS, paid)
        return paid

    def notice_of(self, paid: PaidTransaction, *, notice_id: str | None = None) -> bytes:
        """The body of a notification about ``paid``, as our fake seals it."""
        body = f"notice {notice_id or paid.transaction_id}".encode()
        self.notices[body] = Notice(
            notice_id or f"id-{paid.transaction_id}",
            "TRANSACTION.SUCCESS",
            paid.mchid,
            paid.out_trade_no,
            paid,
            {"transaction_id": paid.transaction_id},
        )
        return body

    def refund(self, order: RefundOrder) -> Refunded:
        self._called("refund")
        if order.out_refund_no not in self.refunds:
            number = next(no for no, state in self.states.items() if _paid_by(state, order.transaction_id))
            self.refund_orders[order.out_refund_no] = order
            self.refunds[order.out_refund_no] = Refunded(
                mchid=order.mchid,
                out_trade_no=number,
                transaction_id=order.transaction_id,
                out_refund_no=order.out_refund_no,
                wx_refund_id=f"50000{next(self._serial):023d}",
                state=self.refund_state,
                refund_fen=order.refund_fen,
                total_fen=order.total_fen,
                succeeded_at=self._clock() if self.refund_state is RefundState.SUCCESS else None,
            )
            self.states[number] = replace(self.states[number], state=TradeState.REFUND)
        return self.refunds[order.out_refund_no]

    def query_refund(self, *, mchid: str, out_refund_no: str) -> Refunded | None:
        self._called("query_refund")
        return self.refunds.get(out_refund_no)

    def retry_abnormal_refund(self, *, mchid: str, wx_refund_id: str, out_refund_no: str) -> Refunded:
        self._called("retry_abnormal_refund")
        return self.refund_outcome(out_refund_no, RefundState.PROCESSING)

    def refund_outcome(self, out_refund_no: str, state: RefundState) -> Refunded:
        """WeChat finishes (or fails) a refund."""
        done = self._clock() if state is RefundState.SUCCESS else None
        self.refunds[out_refund_no] = replace(self.refunds[out_refund_no], state=state, succeeded_at=done)
        return self.refunds[out_refund_no]

    def refund_notice_of(self, refunded: Refunded, *, notice_id: str | None = None) -> bytes:
        """The body of a notification about ``refunded``, as our fake seals it."""
        body = f"refund notice {notice_id or refunded.out_refund_no} {refunded.state}".encode()
        self.notices[body] = Notice(
            notice_id or f"id-{refunded.out_refund_no}-{refunded.state}",
            f"REFUND.{refunded.state}",
            refunded.mchid,
            refunded.out_trade_no,
            None,
            {"out_refund_no": refunded.out_refund_no},
            refunded,
        )
        return body

    def trade_bill(self, *, mchid: str, on: date) -> TradeBill | None:
        self._called("trade_bill")
        return self.trade_bills.get((mchid, on))

    def fund_bill(self, *, mchid: str, on: date) -> FundBill | None:
        self._called("fund_bill")
        return self.fund_bills.get((mchid, on))

    def certificate_expiries(self) -> Mapping[tuple[str, str], datetime]:
        return {}

    def clock_skew_s(self) -> float | None:
        return self.skew_s

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        found = self.notices.get(body, BadNotification("unknown"))
        if isinstance(found, Exception):
            raise found
        return found


def _paid_by(state: OrderState, transaction_id: str) -> bool:
    return state.paid is not None and state.paid.transaction_id == transaction_id


class FakePush:
    """``events`` holds what each body opens to; any other body is not genuine."""

    def __init__(self) -> None:
        self.events: dict[bytes, PushEvent | Exception] = {}

    def echo(self, query: Mapping[str, str]) -> str:
        if query.get("signature") != "genuine":
            raise BadPush
        return query["echostr"]

    def open(self, *, query: Mapping[str, str], body: bytes) -> PushEvent:
        found = self.events.get(body, BadPush())
        if isinstance(found, Exception):
            raise found
        return found


class FakeStorage:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self.files[key] = data

    def get(self, key: str) -> bytes | None:
        return self.files.get(key)

    def delete(self, key: str) -> None:
        self.files.pop(key, None)
