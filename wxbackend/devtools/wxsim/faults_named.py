"""Faults of WeChat Pay by name: what really happens to a merchant, each ordered by a single word."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wxbackend.devtools.wxsim.faults import ENDLESS, BadFault
from wxbackend.devtools.wxsim.pay_mistakes import Mistake
from wxbackend.devtools.wxsim.wire import Json

PREPAY = "/v3/pay/transactions/jsapi$"
CLOSE = "/v3/pay/transactions/out-trade-no/[^/]+/close$"
QUERY = "/v3/pay/transactions/(out-trade-no|id)/[^/]+$"
REFUND = "/v3/refund/domestic/refunds$"
REFUND_QUERY = "/v3/refund/domestic/refunds/[^/]+$"
BILL = "/v3/bill/"
DOWNLOAD = "/v3/billdownload/"
PAY = "/v3/"


@dataclass(frozen=True, slots=True)
class NamedFault:
    """``fields`` are those of faults.Fault; ``words`` tell a developer what happens."""

    words: str
    fields: Json


def _refused(words: str, path: str, status: int, code: str, message: str, **more: object) -> NamedFault:
    return NamedFault(words, {"path": path, "status": status, "code": code, "message": message, **more})


def _down(words: str, path: str) -> NamedFault:
    return NamedFault(words, {"path": path, "status": 500})


def _lost(words: str, path: str) -> NamedFault:
    """The deed is done, then the connection breaks."""
    return NamedFault(f"{words}，但应答丢失", {"path": path, "drop": True, "after": True})


def _mistaken(words: str, mistake: Mistake) -> NamedFault:
    return NamedFault(words, {"path": PAY, "mistake": mistake})


BUSY = (429, "FREQUENCY_LIMITED", "频率超限，请稍后重试")
LIMITED = (429, "RATELIMIT_EXCEEDED", "请求频率超过限制")

NAMED_FAULTS: Mapping[str, NamedFault] = MappingProxyType(
    {
        "prepay-down": _down("下单返回系统错误，未受理", PREPAY),
        "prepay-answer-lost": _lost("下单已受理", PREPAY),
        "prepay-number-used": _refused("下单被拒: 单号重复", PREPAY, 403, "OUT_TRADE_NO_USED", "商户订单号重复"),
        "prepay-order-paid": _refused("下单被拒: 已支付", PREPAY, 400, "ORDERPAID", "该订单已支付"),
        "prepay-no-auth": _refused("下单被拒: 无权限", PREPAY, 403, "NO_AUTH", "商户号该产品权限未开通"),
        "query-down": _down("查单返回系统错误", QUERY),
        "query-unknown": _refused("查单说订单不存在", QUERY, 404, "ORDER_NOT_EXIST", "订单不存在"),
        "close-busy": _refused("关单太频繁（用户可能正在输密码）", CLOSE, *BUSY),
        "close-answer-lost": _lost("关单已生效", CLOSE),
        "close-order-paid": _refused("关单被拒: 已支付", CLOSE, 400, "ORDERPAID", "该订单已支付"),
        "refund-down": _down("退款申请返回系统错误，未受理", REFUND),
        "refund-rate-limited": _refused("退款申请超频，未受理", REFUND, *LIMITED),
        "refund-rate-limited-but-done": _refused("退款申请超频，其实已受理", REFUND, *LIMITED, after=True),
        "refund-answer-lost": _lost("退款申请已受理", REFUND),
        "refund-not-enough": _refused("商户余额不足", REFUND, 403, "NOT_ENOUGH", "基本账户余额不足"),
        "refund-user-gone": _refused("退款被拒: 用户账户注销", REFUND, 403, "USER_ACCOUNT_ABNORMAL", "用户账户异常"),
        "refund-query-down": _down("查询退款返回系统错误", REFUND_QUERY),
        "refund-query-unknown": _refused("查询退款说不存在", REFUND_QUERY, 404, "RESOURCE_NOT_EXISTS", "退款单不存在"),
        "bill-creating": _refused("账单生成中", BILL, 400, "STATEMENT_CREATING", "账单生成中，请稍后再试"),
        "bill-rate-limited": _refused("账单申请超频", BILL, *BUSY),
        "bill-download-cut": NamedFault("账单下载到一半断开", {"path": DOWNLOAD, "truncate": True}),
        "bill-download-expired": _refused("账单地址过期", DOWNLOAD, 400, "INVALID_REQUEST", "账单下载地址已过期"),
        "sign-error": _refused("签名验证失败", PAY, 401, "SIGN_ERROR", "签名错误，请检查后再试"),
        "pay-down": NamedFault("微信支付整体不可用，直到清除", {"path": PAY, "status": 503, "times": ENDLESS}),
        "pay-unreachable": NamedFault("连接全部断开，直到清除", {"path": PAY, "drop": True, "times": ENDLESS}),
        "pay-slow": NamedFault("应答晚到三十秒，请求已生效", {"path": PAY, "hang_s": 30.0, "after": True}),
        "unsigned-answer": _mistaken("应答没有签名", Mistake.UNSIGNED),
        "forged-answer": _mistaken("应答签名是随机字节", Mistake.RANDOM_SIGNATURE),
        "tampered-answer": _mistaken("应答在签名之后被改", Mistake.TAMPERED_BODY),
        "stale-answer": _mistaken("应答是一小时前签的名", Mistake.STALE),
        "future-answer": _mistaken("应答是一小时后的时间戳", Mistake.FUTURE),
        "unknown-serial-answer": _mistaken("应答的证书序列号无人签发", Mistake.UNKNOWN_SERIAL),
    }
)


def named_fault(name: str | None) -> Json:
    """The fault of this name, nothing for no name; raises BadFault."""
    if name is None:
        return {}
    if name not in NAMED_FAULTS:
        raise BadFault(f"there is no fault {name}")
    return dict(NAMED_FAULTS[name].fields)
