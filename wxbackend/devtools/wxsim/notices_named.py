"""Troubles with a notification by name, so that ordering one is a single word."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wxbackend.devtools.wxsim.notices import BadNotice
from wxbackend.devtools.wxsim.notices_forged import FORGERY_WORDS
from wxbackend.devtools.wxsim.wire import Json

OTHER_APPID = "wxffffffffffffffff"
OTHER_MCHID = "1999999999"
NOBODYS_NUMBER = "UNKNOWN0000000000000001"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``fields`` are those of notices.Handling; ``words`` tell a developer what arrives."""

    words: str
    fields: Json = field(default_factory=dict)


def _told(words: str, name: str, value: object) -> Trouble:
    """A genuine notification that tells something wrong."""
    return Trouble(f"真实签名的通知，内容有误: {words}", {"override": {name: value}})


TROUBLES: Mapping[str, Trouble] = MappingProxyType(
    {
        "duplicate": Trouble("同一通知发两次，通知ID相同", {"copies": 2}),
        "second-id": Trouble("同一事件发两次，通知ID不同", {"copies": 2, "second_id": True}),
        "storm": Trouble("同一通知同时发二十次", {"copies": 20}),
        "delayed": Trouble("十分钟后才送达", {"delay_s": 600.0}),
        "held": Trouble("先扣住，release 之后按给定次序送达", {"hold": True}),
        "lost": Trouble("永远不送达", {"drop": True}),
        "certificate": Trouble("由平台证书签名（公钥切换期间）", {"sign_mode": "platform_certificate"}),
        "unknown-event": Trouble("真实签名，但事件类型不认识", {"event_type": "PAYSCORE.USER_PAID"}),
        "wrong-amount": _told("订单金额变成 1 分", "amount.total", 1),
        "wrong-currency": _told("币种不是人民币", "amount.currency", "USD"),
        "wrong-state": _told("交易状态不是成功", "trade_state", "NOTPAY"),
        "no-transaction": _told("没有微信支付订单号", "transaction_id", None),
        "wrong-appid": _told("别人的小程序", "appid", OTHER_APPID),
        "wrong-mchid": _told("别人的商户号", "mchid", OTHER_MCHID),
        "unknown-order": _told("没有这个商户订单号", "out_trade_no", NOBODYS_NUMBER),
        "wrong-refund-amount": _told("退款金额变成 1 分", "amount.refund", 1),
        "wrong-refund-status": _told("退款状态不认识", "refund_status", "REVOKED"),
        "unknown-refund": _told("没有这个商户退款单号", "out_refund_no", NOBODYS_NUMBER),
        **{forgery.value: Trouble(words, {"forge": forgery}) for forgery, words in FORGERY_WORDS.items()},
    }
)


def named_fields(name: str | None) -> Json:
    """The handling of this name, nothing for no name; raises BadNotice."""
    if name is None:
        return {}
    if name not in TROUBLES:
        raise BadNotice(f"there is no trouble {name}")
    return dict(TROUBLES[name].fields)
