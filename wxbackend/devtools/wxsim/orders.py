"""The order book of WeChat Pay: a strict state machine per mchid and out_trade_no."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from wxbackend.devtools.wxsim.clock import random_hex, rfc3339
from wxbackend.devtools.wxsim.wire import Json

PREPAY_LIFE_S = 7200
ORDER_LIFE_S = 7 * 86400


class PayRefusal(Exception):
    """An error of api.mch.weixin.qq.com: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str, detail: Json | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


class TradeState(StrEnum):
    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


TRADE_MOVES: Mapping[TradeState, frozenset[TradeState]] = MappingProxyType(
    {
        TradeState.NOTPAY: frozenset({TradeState.USERPAYING, TradeState.SUCCESS, TradeState.CLOSED}),
        TradeState.USERPAYING: frozenset({TradeState.NOTPAY, TradeState.SUCCESS}),
        TradeState.SUCCESS: frozenset({TradeState.REFUND}),
        TradeState.REFUND: frozenset(),
        TradeState.CLOSED: frozenset(),
    }
)
STATE_TEXT = MappingProxyType(
    {
        TradeState.NOTPAY: "订单未支付",
        TradeState.USERPAYING: "用户支付中，需要输入密码",
        TradeState.SUCCESS: "支付成功",
        TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
        TradeState.CLOSED: "订单已关闭",
    }
)


@dataclass(frozen=True, slots=True)
class OrderForm:
    """A JSAPI order that passed the parameter checks."""

    appid: str
    mchid: str
    description: str
    out_trade_no: str
    notify_url: str
    total_fen: int
    openid: str
    attach: str | None
    time_expire: str | None
    expires_at: float | None

    @property
    def core(self) -> tuple[object, ...]:
        """What may not differ when the same number is ordered again."""
        return (self.appid, self.description, self.notify_url, self.total_fen, self.openid, self.attach)


@dataclass(slots=True)
class Order:
    form: OrderForm
    expires_at: float
    state: TradeState = TradeState.NOTPAY
    transaction_id: str | None = None
    paid_at: float | None = None
    coupon_fen: int = 0
    fee_fen: int = 0
    fee_bp: int = 0
    closed_at: float | None = None

    def move(self, to: TradeState) -> None:
        if to not in TRADE_MOVES[self.state]:
            raise ValueError(f"{self.state} cannot become {to}")
        self.state = to

    def paid_transaction(self) -> Json:
        """The order as the notification of its payment tells it, whatever was refunded since."""
        success = TradeState.SUCCESS
        return self.transaction() | {"trade_state": success.value, "trade_state_desc": STATE_TEXT[success]}

    def transaction(self) -> Json:
        """The order as queries show it."""
        form = self.form
        facts: Json = {
            "appid": form.appid,
            "mchid": form.mchid,
            "out_trade_no": form.out_trade_no,
            "trade_state": self.state.value,
            "trade_state_desc": STATE_TEXT[self.state],
            "attach": form.attach or "",
            "payer": {},
            "promotion_detail": [],
            "amount": {"total": form.total_fen, "currency": "CNY"},
        }
        if self.paid_at is not None:
            facts |= self._paid_facts(self.paid_at)
        return facts

    def _paid_facts(self, paid_at: float) -> Json:
        form = self.form
        facts: Json = {
            "transaction_id": self.transaction_id,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "success_time": rfc3339(paid_at),
            "payer": {"openid": form.openid},
            "amount": {
                "total": form.total_fen,
                "payer_total": form.total_fen - self.coupon_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
        if self.coupon_fen:
            facts["promotion_detail"] = [
                {"coupon_id": "109519", "name": "立减", "scope": "GLOBAL", "type": "CASH", "amount": self.coupon_fen}
            ]
        return facts


@dataclass(slots=True)
class OrderBook:
    """All orders; the caller holds the world's lock."""

    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    prepay_ids: dict[str, tuple[Order, float]] = field(default_factory=dict)

    def place(self, form: OrderForm, *, now: float) -> str:
        """Open the order, or renew its prepay_id when it is the very same one again."""
        order = self.orders.get((form.mchid, form.out_trade_no))
        if order is None:
            order = Order(form, form.expires_at or now + ORDER_LIFE_S)
            self.orders[form.mchid, form.out_trade_no] = order
        else:
            _check_same(order, form, now=now)
        prepay_id = "wx" + rfc3339(now)[8:19].translate({ord(c): None for c in "T:-"}) + random_hex(26)
        self.prepay_ids[prepay_id] = (order, now)
        return prepay_id

    def by_number(self, mchid: str, out_trade_no: str) -> Order:
        order = self.orders.get((mchid, out_trade_no))
        if order is None:
            raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def by_transaction(self, mchid: str, transaction_id: str) -> Order:
        for order in self.orders.values():
            if order.form.mchid == mchid and order.transaction_id == transaction_id:
                return order
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")

    def close(self, mchid: str, out_trade_no: str, *, now: float) -> None:
        """Close an unpaid order; closing it again changes nothing."""
        order = self.by_number(mchid, out_trade_no)
        if order.state is TradeState.CLOSED:
            return
        if order.paid_at is not None:
            raise PayRefusal(400, "ORDERPAID", "该订单已支付")
        if order.state is TradeState.USERPAYING:
            raise PayRefusal(429, "FREQUENCY_LIMITED", "订单正在支付中，请稍后再试")
        order.move(TradeState.CLOSED)
        order.closed_at = now


def _check_same(order: Order, form: OrderForm, *, now: float) -> None:
    if order.paid_at is not None:
        raise PayRefusal(400, "ORDERPAID", "该订单已支付")
    if order.state is TradeState.CLOSED:
        raise PayRefusal(400, "ORDER_CLOSED", "订单已关闭")
    if form.core != order.form.core:
        raise PayRefusal(403, "OUT_TRADE_NO_USED", "商户订单号重复")
    if form.time_expire is not None and form.time_expire != order.form.time_expire:
        raise PayRefusal(400, "INVALID_REQUEST", "time_expire仅支持首次下单时设置，不允许修改")
    if now > order.expires_at:
        raise PayRefusal(400, "INVALID_REQUEST", "订单已超过支付截止时间")
