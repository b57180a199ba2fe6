"""Parameter checks of POST /v3/pay/transactions/jsapi, in the words of the real host."""

import ipaddress
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from wxbackend.devtools.wxsim.orders import OrderForm, PayRefusal
from wxbackend.devtools.wxsim.wire import Json

NUMBER = re.compile(r"[0-9A-Za-z_\-*]{6,32}")
HIGHEST_FEN = 10_000_000_000
EXPIRE_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
SHORTEST_EXPIRE_S = 60
LONGEST_OPENID = 128


def read_form(body: Json, *, now: float) -> OrderForm:
    """The checked order; raises PayRefusal PARAM_ERROR naming the first field that is wrong."""
    time_expire = optional_text(body, "time_expire", most=64)
    return OrderForm(
        appid=_required(body, "appid", most=32),
        mchid=_required(body, "mchid", most=32),
        description=_required(body, "description", most=127),
        out_trade_no=_number(body),
        notify_url=read_notify_url(body),
        total_fen=_total_fen(body),
        openid=_openid(body),
        attach=optional_text(body, "attach", most=128),
        time_expire=time_expire,
        expires_at=None if time_expire is None else _expiry(time_expire, now=now),
    )


def wrong(field: str, issue: str, value: Any = None) -> PayRefusal:
    detail: Json = {"location": "body", "field": f"/body/{field}", "issue": issue, "value": value}
    return PayRefusal(400, "PARAM_ERROR", f"参数错误: {field}", detail)


def optional_text(body: Json, name: str, *, most: int) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise wrong(name, f"字符串长度应为1至{most}", value)
    return value


def _required(body: Json, name: str, *, most: int) -> str:
    value = optional_text(body, name, most=most)
    if value is None:
        raise wrong(name, "缺少必填参数")
    return value


def _number(body: Json) -> str:
    value = body.get("out_trade_no")
    if not isinstance(value, str) or NUMBER.fullmatch(value) is None:
        raise wrong("out_trade_no", "6至32位，只能是数字、大小写字母_-*", value)
    return value


def _total_fen(body: Json) -> int:
    amount = body.get("amount")
    if not isinstance(amount, dict):
        raise wrong("amount", "缺少必填参数")
    total = amount.get("total")
    if not isinstance(total, int) or isinstance(total, bool) or not 1 <= total <= HIGHEST_FEN:
        raise wrong("amount/total", "订单金额应为正整数，单位为分", total)
    if amount.get("currency", "CNY") != "CNY":
        raise wrong("amount/currency", "境内商户号仅支持人民币CNY", amount.get("currency"))
    return total


def _openid(body: Json) -> str:
    payer = body.get("payer")
    if not isinstance(payer, dict):
        raise wrong("payer", "缺少必填参数")
    openid = payer.get("openid")
    if not isinstance(openid, str) or not 1 <= len(openid) <= LONGEST_OPENID:
        raise wrong("payer/openid", "无效的openid", openid)
    return openid


def _expiry(text: str, *, now: float) -> float:
    if EXPIRE_FORM.fullmatch(text) is None:
        raise wrong("time_expire", "格式应为yyyy-MM-DDTHH:mm:ss+TIMEZONE", text)
    try:
        expires_at = datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise wrong("time_expire", "不是有效的时间", text) from error
    if expires_at - now < SHORTEST_EXPIRE_S:
        raise wrong("time_expire", "交易结束时间应至少在1分钟之后", text)
    return expires_at


def read_notify_url(body: Json) -> str:
    """HTTPS, no query; plain HTTP only for hosts out of the public network's reach, the real rule for private lines."""
    value = _required(body, "notify_url", most=255)
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise wrong("notify_url", "不是有效的URL", value) from error
    if not value.isascii() or not host or not port_fits or "?" in value or "#" in value:
        raise wrong("notify_url", "通知地址必须为直接可访问的URL，不能携带参数", value)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_private(host)):
        return value
    raise wrong("notify_url", "公网域名必须为https", value)


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".internal", ".local"))
