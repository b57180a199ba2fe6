"""The mini-program's own server interface and its message push, in our own words.

The live answers are in ``wxbackend.wechat``; tests pass fakes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wxbackend.core.errors import Conflict, NotAllowed, NotSignedIn


class BadLoginCode(NotSignedIn):
    code, title = "bad-login-code", "登录凭证无效或已使用，请重新登录"


class LoginBlocked(NotAllowed):
    code, title = "login-blocked", "微信判定该账号存在风险，暂时无法登录"


class BadPhoneCode(Conflict):
    code, title = "bad-phone-code", "手机号验证码无效、已使用或不属于当前用户"


class BadPush(NotSignedIn):
    """A message push that is not genuine, or not encrypted as configured."""

    code, title = "bad-push", "消息推送验签失败"


class PageUnpublished(Conflict):
    """WeChat knows no such page in the published version (41030): the plain code is used instead."""

    code, title = "page-unpublished", "小程序页面尚未发布"


class ShippingTooEarly(Conflict):
    """The order cannot take shipping information yet: try again later."""

    code, title = "shipping-too-early", "订单暂不能录入发货信息"


@dataclass(frozen=True, slots=True)
class WxIdentity:
    openid: str
    unionid: str | None = None


class Suggestion(StrEnum):
    PASS = "pass"  # noqa: S105 -- a verdict
    REVIEW = "review"
    RISKY = "risky"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What WeChat's content check says. ``label`` is WeChat's number for the kind of content."""

    suggestion: Suggestion
    label: int
    trace_id: str


class TextScene(StrEnum):
    """Where a text will stand; the value is WeChat's scene."""

    PROFILE = "1"
    COMMENT = "2"
    FORUM = "3"
    JOURNAL = "4"


class Delivery(StrEnum):
    """What became of a subscribe message."""

    SENT = "sent"
    REFUSED = "refused"  # 43101: no consent left, or withdrawn
    INVALID = "invalid"  # 47003, 40037, 41030: a template is configured wrongly


class ShippingState(StrEnum):
    """What WeChat holds of an order's shipping (发货信息)."""

    WAITING = "waiting"  # nothing uploaded yet
    SHIPPED = "shipped"
    CONFIRMED = "confirmed"  # the payer confirmed receipt
    SETTLED = "settled"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"  # WeChat has no such order


@dataclass(frozen=True, slots=True)
class Shipment:
    """What is reported of an order: trees and gifts are delivered without a parcel (virtual)."""

    transaction_id: str
    openid: str
    description: str
    at: datetime


class MiniProgram(Protocol):
    """The mini-program's own server interface (api.weixin.qq.com). Every call may raise ``UpstreamFailed``."""

    @property
    def appid(self) -> str: ...

    def check_text(self, text: str, *, openid: str, scene: TextScene, nickname: str | None = None) -> Verdict:
        """Have a text checked (msg_sec_check v2, ≤ 2500 characters).

        Raises ``UpstreamFailed``, also when the person has not used the mini-program for two hours.
        """
        ...

    def submit_image(self, url: str, *, openid: str, scene: TextScene) -> str:
        """Hand an image in for checking (media_check_async v2); its verdict is pushed under this trace id."""
        ...

    def mini_code(self, *, scene: str, page: str, width_px: int) -> bytes:
        """A mini-program code as picture bytes, checked to be one. ``scene`` ≤ 32 of WeChat's characters.

        Raises ``PageUnpublished``, ``TooMany`` (our own bucket is empty), ``UpstreamFailed``.
        """
        ...

    def send_message(self, *, openid: str, template_id: str, fields: Mapping[str, str], page: str) -> Delivery:
        """Send a subscribe message. ``fields`` are cut to WeChat's rules here, by the field's own name (thing1 …)."""
        ...

    def is_trade_managed(self) -> bool:
        """Whether orders of this mini-program need shipping information before they are settled."""
        ...

    def report_shipping(self, shipment: Shipment) -> None:
        """Upload shipping information; done before is no fault. Raises ``ShippingTooEarly``, ``UpstreamFailed``."""
        ...

    def shipping_state(self, *, transaction_id: str) -> ShippingState: ...

    def login(self, code: str) -> WxIdentity:
        """Trade a ``wx.login`` code. Raises ``BadLoginCode``, ``LoginBlocked``, ``UpstreamFailed``."""
        ...

    def phone(self, code: str, *, openid: str) -> str:
        """Trade a phone code that must belong to ``openid``. Raises ``BadPhoneCode``, ``UpstreamFailed``."""
        ...


@dataclass(frozen=True, slots=True)
class PushEvent:
    """A genuine message push. ``key`` is the same for its repetitions; ``openid`` is who it is about."""

    key: str
    event: str
    openid: str
    at: datetime
    document: Mapping[str, object]


class PushOpener(Protocol):
    """WeChat's message push (消息推送), safe mode and JSON."""

    def echo(self, query: Mapping[str, str]) -> str:
        """What WeChat wants to hear when the address is configured. Raises ``BadPush``."""
        ...

    def open(self, *, query: Mapping[str, str], body: bytes) -> PushEvent:
        """Verify and decrypt. Raises ``BadPush``, ``WrongRecipient``."""
        ...
