"""WeChat Pay (API v3) in our own words: what the payment features ask, and what they are told. Money is fen.

The live answers are in ``wxbackend.wechat``; tests pass fakes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from wxbackend.core.errors import BadRequest, Conflict, NotSignedIn


class BadNotification(NotSignedIn):
    """A callback that is not genuine. ``stale_order`` is set when only its time was wrong: that order is queried."""

    code, title = "bad-notification", "通知验签失败"

    def __init__(self, detail: str = "", *, stale_order: str | None = None, serial_unknown: bool = False) -> None:
        super().__init__(detail)
        self.stale_order = stale_order
        self.serial_unknown = serial_unknown


class WrongRecipient(BadRequest):
    code, title = "wrong-recipient", "通知的收款方或小程序与本系统不符"


class OrderPaid(Conflict):
    """WeChat says ORDERPAID: query the order and apply it."""

    code, title = "order-paid", "该订单已支付"


class OrderNumberSpent(Conflict):
    """WeChat says ORDER_CLOSED or OUT_TRADE_NO_USED: the number cannot be paid any more, a new attempt is needed."""

    code, title = "order-number-spent", "该支付单已失效，请重新发起支付"


class NotEnoughBalance(Conflict):
    """WeChat says NOT_ENOUGH: the merchant's balance is short. The refund stays as it is, finance tops up."""

    code, title = "not-enough-balance", "商户号可用余额不足，退款暂缓"


class RefundRefused(Conflict):
    """A definite refusal of a refund that no repetition mends. ``wx_code`` is WeChat's word for it."""

    code, title = "refund-refused", "微信支付拒绝了该退款"

    def __init__(self, wx_code: str = "") -> None:
        super().__init__(wx_code=wx_code)
        self.wx_code = wx_code


class BillNotReady(Conflict):
    """The bill of that day is still being made, or the copy that came was damaged: ask again later."""

    code, title = "bill-not-ready", "对账单尚未生成，请稍后再试"


@dataclass(frozen=True, slots=True)
class PrepayOrder:
    """One order at WeChat Pay. ``description`` ≤ 127 bytes; ``expires_at`` may never change for one number."""

    mchid: str
    out_trade_no: str
    description: str
    amount_fen: int
    openid: str
    expires_at: datetime
    notify_url: str


@dataclass(frozen=True, slots=True)
class ClientPayParams:
    """What ``wx.requestPayment`` takes; ``time_stamp`` is seconds as text, ``package`` is ``prepay_id=…``."""

    time_stamp: str
    nonce_str: str
    package: str
    sign_type: str
    pay_sign: str


class TradeState(StrEnum):
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"


@dataclass(frozen=True, slots=True)
class PaidTransaction:
    """A payment that WeChat vouches for, from a notification or a query. Money is fen."""

    mchid: str
    appid: str
    out_trade_no: str
    transaction_id: str
    total_fen: int
    payer_total_fen: int
    currency: str
    payer_openid: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class OrderState:
    """The answer to a query. ``paid`` is set for SUCCESS and REFUND (an order once refunded was paid before)."""

    state: TradeState
    paid: PaidTransaction | None


class CloseOutcome(StrEnum):
    CLOSED = "closed"
    ALREADY_PAID = "already-paid"
    UNKNOWN = "unknown"  # WeChat has no such order: our prepay never arrived
    BUSY = "busy"  # FREQUENCY_LIMITED: the user may be typing the password


class RefundState(StrEnum):
    """WeChat's word for a refund that it accepted."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """One refund at WeChat Pay. ``out_refund_no`` refunds once, however often it is sent; ``reason`` ≤ 80 bytes."""

    mchid: str
    transaction_id: str
    out_refund_no: str
    refund_fen: int
    total_fen: int
    reason: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund as WeChat states it, from an answer, a query or a notification. Money is fen."""

    mchid: str
    out_trade_no: str
    transaction_id: str
    out_refund_no: str
    wx_refund_id: str
    state: RefundState
    refund_fen: int
    total_fen: int
    succeeded_at: datetime | None


class BillKind(StrEnum):
    TRADE = "trade"
    FUND = "fund"


@dataclass(frozen=True, slots=True)
class TradeLine:
    """A line of the trade bill (交易账单, type ALL). ``out_refund_no`` is set for a refund; money is fen.

    ``amount_fen`` is 订单金额 of a payment and 申请退款金额 of a refund; ``fee_fen`` may be negative for a refund.
    """

    at: datetime
    mchid: str
    appid: str
    transaction_id: str
    out_trade_no: str
    state: str
    amount_fen: int
    fee_fen: int
    wx_refund_id: str | None
    out_refund_no: str | None


@dataclass(frozen=True, slots=True)
class FundLine:
    """A line of the fund-flow bill (资金账单, basic account).

    ``business_no`` is 微信支付业务单号, ``flow_no`` 资金流水单号, ``document`` 业务凭证号.
    """

    at: datetime
    business_no: str
    flow_no: str
    business: str
    kind: str
    is_income: bool
    amount_fen: int
    balance_fen: int
    document: str


@dataclass(frozen=True, slots=True)
class TradeBill:
    """``total_fen`` and ``refund_fen`` are the bill's own sums, which its lines were checked against."""

    lines: Sequence[TradeLine]
    total_fen: int
    refund_fen: int
    fee_fen: int
    sha1: str


@dataclass(frozen=True, slots=True)
class FundBill:
    lines: Sequence[FundLine]
    income_fen: int
    expense_fen: int
    sha1: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A genuine notification. ``paid`` is set for TRANSACTION.SUCCESS, ``refunded`` for REFUND.*.

    ``resource`` is the decrypted document.
    """

    id: str
    event_type: str
    mchid: str
    out_trade_no: str
    paid: PaidTransaction | None
    resource: Mapping[str, object]
    refunded: Refunded | None = None


class PaymentGateway(Protocol):
    """WeChat Pay API v3 (api.mch.weixin.qq.com), for every configured merchant."""

    def merchants(self) -> frozenset[str]:
        """The merchant numbers that are configured."""
        ...

    def prepay(self, order: PrepayOrder) -> str:
        """Place the order, return its prepay_id. Raises ``OrderPaid``, ``OrderNumberSpent``, ``UpstreamFailed``."""
        ...

    def pay_params(self, *, mchid: str, prepay_id: str, now: datetime, nonce: str) -> ClientPayParams:
        """Sign what the client needs; no call goes out."""
        ...

    def query(self, *, mchid: str, out_trade_no: str) -> OrderState | None:
        """Ask for an order; ``None`` when WeChat does not know it. Raises ``UpstreamFailed``."""
        ...

    def close(self, *, mchid: str, out_trade_no: str) -> CloseOutcome:
        """Close an unpaid order. Raises ``UpstreamFailed``."""
        ...

    def refund(self, order: RefundOrder) -> Refunded:
        """Ask for a refund; accepted is not succeeded. The same number again is the same refund.

        Raises ``NotEnoughBalance``, ``RefundRefused``, and ``UpstreamFailed`` when the outcome is unknown: then
        query before asking again.
        """
        ...

    def query_refund(self, *, mchid: str, out_refund_no: str) -> Refunded | None:
        """``None`` when WeChat does not know it. Raises ``UpstreamFailed``."""
        ...

    def retry_abnormal_refund(self, *, mchid: str, wx_refund_id: str, out_refund_no: str) -> Refunded:
        """Have an ABNORMAL refund paid to the merchant's own account. Raises ``RefundRefused``, ``UpstreamFailed``."""
        ...

    def trade_bill(self, *, mchid: str, on: date) -> TradeBill | None:
        """The checked bill of a day in China; ``None`` for a day without trade. Raises ``BillNotReady``."""
        ...

    def fund_bill(self, *, mchid: str, on: date) -> FundBill | None:
        """As ``trade_bill``, of the merchant's basic account."""
        ...

    def certificate_expiries(self) -> Mapping[tuple[str, str], datetime]:
        """By merchant number and serial, when each platform certificate that is configured runs out."""
        ...

    def clock_skew_s(self) -> float | None:
        """How far our clock is ahead of WeChat's, by its last answer; ``None`` before the first."""
        ...

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Verify and decrypt a callback without any outgoing call. Raises ``BadNotification``, ``WrongRecipient``."""
        ...
