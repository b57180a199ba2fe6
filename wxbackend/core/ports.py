"""What the application asks of the outside world, in our own words.

The live answers are in ``wxbackend.wechat`` and ``wxbackend.storage``; tests pass fakes to ``create_app``. This is
the only module that reads the clock or the random source.
"""

import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from flask import current_app

from wxbackend.core.crypto import Vault
from wxbackend.core.errors import BadRequest, Conflict, NotAllowed, NotSignedIn
from wxbackend.core.settings import Settings


class BadLoginCode(NotSignedIn):
    code, title = "bad-login-code", "登录凭证无效或已使用，请重新登录"


class LoginBlocked(NotAllowed):
    code, title = "login-blocked", "微信判定该账号存在风险，暂时无法登录"


class BadPhoneCode(Conflict):
    code, title = "bad-phone-code", "手机号验证码无效、已使用或不属于当前用户"


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


@dataclass(frozen=True, slots=True)
class WxIdentity:
    openid: str
    unionid: str | None = None


class MiniProgram(Protocol):
    """The mini-program's own server interface (api.weixin.qq.com)."""

    @property
    def appid(self) -> str: ...

    def login(self, code: str) -> WxIdentity:
        """Trade a ``wx.login`` code. Raises ``BadLoginCode``, ``LoginBlocked``, ``UpstreamFailed``."""
        ...

    def phone(self, code: str, *, openid: str) -> str:
        """Trade a phone code that must belong to ``openid``. Raises ``BadPhoneCode``, ``UpstreamFailed``."""
        ...


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


@dataclass(frozen=True, slots=True)
class Notice:
    """A genuine notification. ``paid`` is set for TRANSACTION.SUCCESS; ``resource`` is the decrypted document."""

    id: str
    event_type: str
    mchid: str
    out_trade_no: str
    paid: PaidTransaction | None
    resource: Mapping[str, object]


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

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Verify and decrypt a callback without any outgoing call. Raises ``BadNotification``, ``WrongRecipient``."""
        ...


class Storage(Protocol):
    """Files by key such as ``certificates/RZ…/1754.png``. A key is written once and never changes."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes | None: ...

    def delete(self, key: str) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ports:
    mini: MiniProgram
    pay: PaymentGateway
    storage: Storage
    now: Callable[[], datetime] = utc_now
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    def new_token(self) -> str:
        """A secret of 256 bits, safe in a header or a URL."""
        return urlsafe_b64encode(self.random_bytes(32)).decode().rstrip("=")

    def new_id(self) -> str:
        """An opaque id of 80 bits for things that are seen outside."""
        return b32encode(self.random_bytes(10)).decode().lower()


def ports() -> Ports:
    found: Ports = current_app.extensions["xiangshu.ports"]
    return found


def vault() -> Vault:
    found: Vault = current_app.extensions["xiangshu.vault"]
    return found


def settings() -> Settings:
    found: Settings = current_app.extensions["xiangshu.settings"]
    return found
