"""The outside world of the tests: fakes of the ports that remember what they were asked."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock

from wxbackend.core.ports import (
    BadLoginCode,
    BadNotification,
    BadPhoneCode,
    ClientPayParams,
    CloseOutcome,
    Notice,
    OrderNumberSpent,
    OrderPaid,
    OrderState,
    PaidTransaction,
    PrepayOrder,
    TradeState,
    WxIdentity,
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
    """Login codes are ``code-{person}``: the openid is ``openid-{person}``. Any other code is bad."""

    appid = APPID

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
        self.failures: list[Exception] = []
        self.slow_s = 0
        self.notices: dict[bytes, Notice | Exception] = {}

    def merchants(self) -> frozenset[str]:
        return frozenset({MCHID})

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.slow_s:
            self._clock.forward(seconds=self.slow_s)
        if self.failures:
            raise self.failures.pop(0)

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

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        found = self.notices.get(body, BadNotification("unknown"))
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
