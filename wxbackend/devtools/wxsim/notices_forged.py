"""What can be wrong with a notification on its way: signature, headers, clock, envelope. All else about it is right."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import rsa

from wxbackend.devtools.wxsim.clock import SimClock, random_bytes, random_hex
from wxbackend.devtools.wxsim.keys import SigningKey, seal
from wxbackend.devtools.wxsim.wire import Json, json_bytes

STALE_BY_S = 3600
SIGNTEST_PREFIX = "WECHATPAY/SIGNTEST/"

Headers = dict[str, str]


class Forgery(StrEnum):
    """One thing that is wrong. "Properly signed" means that only what is said after it can tell."""

    RANDOM_SIGNATURE = "random-signature"
    EMPTY_SIGNATURE = "empty-signature"
    NO_SIGNATURE = "no-signature"
    NO_HEADERS = "no-headers"
    WRONG_KEY = "wrong-key"
    UNKNOWN_SERIAL = "unknown-serial"
    UNKNOWN_PUBLIC_KEY = "unknown-public-key"
    SIGNTEST = "signtest"
    TAMPERED_BODY = "tampered-body"
    STALE_TIMESTAMP = "stale-timestamp"
    FUTURE_TIMESTAMP = "future-timestamp"
    BAD_TIMESTAMP = "bad-timestamp"
    WRONG_APIV3_KEY = "wrong-apiv3-key"
    TAMPERED_CIPHERTEXT = "tampered-ciphertext"
    WRONG_ALGORITHM = "wrong-algorithm"
    NO_RESOURCE = "no-resource"
    NOT_JSON = "not-json"


FORGERY_WORDS: Mapping[Forgery, str] = MappingProxyType(
    {
        Forgery.RANDOM_SIGNATURE: "签名是随机字节",
        Forgery.EMPTY_SIGNATURE: "签名头为空",
        Forgery.NO_SIGNATURE: "没有签名头",
        Forgery.NO_HEADERS: "没有任何 Wechatpay-* 头",
        Forgery.WRONG_KEY: "用别的密钥签名，却自称是微信支付公钥",
        Forgery.UNKNOWN_SERIAL: "签名无误，但证书序列号无人签发",
        Forgery.UNKNOWN_PUBLIC_KEY: "签名无误，但公钥ID不属于任何商户",
        Forgery.SIGNTEST: "微信的签名探测；下一次重发是真的",
        Forgery.TAMPERED_BODY: "签名之后改了报文",
        Forgery.STALE_TIMESTAMP: "一小时前签的名，签名本身无误",
        Forgery.FUTURE_TIMESTAMP: "一小时后的时间戳，签名本身无误",
        Forgery.BAD_TIMESTAMP: "时间戳不是数字，签名本身无误",
        Forgery.WRONG_APIV3_KEY: "签名无误，但用另一个 APIv3 密钥加密",
        Forgery.TAMPERED_CIPHERTEXT: "签名无误，但密文被改过",
        Forgery.WRONG_ALGORITHM: "签名无误，但加密算法不认识",
        Forgery.NO_RESOURCE: "签名无误，但没有 resource",
        Forgery.NOT_JSON: "签名无误，但报文不是 JSON",
    }
)


LIES = frozenset(
    {
        Forgery.RANDOM_SIGNATURE,
        Forgery.EMPTY_SIGNATURE,
        Forgery.NO_SIGNATURE,
        Forgery.NO_HEADERS,
        Forgery.WRONG_KEY,
        Forgery.UNKNOWN_SERIAL,
        Forgery.UNKNOWN_PUBLIC_KEY,
    }
)
"""What one without WeChat's key can send: only these may tell of something that never was."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Who signs: WeChat's key by its name, and a key that is not WeChat's for those who only pretend."""

    signer: SigningKey
    stranger: rsa.RSAPrivateKey


def sealed_envelope(envelope: Json, plain: Json, *, apiv3_key: str, original_type: str, forge: Forgery | None) -> bytes:
    """The body of a notification: the envelope with its sealed resource, wrong where ``forge`` is about the body."""
    key = random_hex(32) if forge is Forgery.WRONG_APIV3_KEY else apiv3_key
    resource = seal(json_bytes(plain), apiv3_key=key, associated_data=original_type)
    if forge is Forgery.TAMPERED_CIPHERTEXT:
        text = resource["ciphertext"]
        resource["ciphertext"] = ("B" if text[0] == "A" else "A") + text[1:]
    if forge is Forgery.WRONG_ALGORITHM:
        resource["algorithm"] = "AEAD_SM4_GCM"
    if forge is Forgery.NO_RESOURCE:
        return json_bytes(envelope)
    body = json_bytes(envelope | {"resource": {"original_type": original_type, **resource}})
    return body[:-1] if forge is Forgery.NOT_JSON else body


def signed_post(body: bytes, pen: Pen, *, clock: SimClock, forge: Forgery | None) -> tuple[Headers, bytes]:
    """Headers and body of one try; each try is signed anew."""
    headers = _claimed(pen, forge).signed_headers(body, timestamp=_timestamp(clock, forge))
    change = HEADER_FORGERIES.get(forge)
    if change is not None:
        headers = change(headers)
    if forge is Forgery.TAMPERED_BODY:
        body = body.replace(b'"resource_type":', b'"resource_type" :', 1)
    return headers | {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}, body


def _timestamp(clock: SimClock, forge: Forgery | None) -> int | str:
    if forge is Forgery.BAD_TIMESTAMP:
        return "now"
    off_s = {Forgery.STALE_TIMESTAMP: -STALE_BY_S, Forgery.FUTURE_TIMESTAMP: STALE_BY_S}
    return int(clock.signing_now()) + (0 if forge is None else off_s.get(forge, 0))


def _claimed(pen: Pen, forge: Forgery | None) -> SigningKey:
    if forge is Forgery.WRONG_KEY:
        return replace(pen.signer, key=pen.stranger)
    if forge is Forgery.UNKNOWN_SERIAL:
        return replace(pen.signer, serial=random_hex(40).upper())
    if forge is Forgery.UNKNOWN_PUBLIC_KEY:
        return replace(pen.signer, serial="PUB_KEY_ID_" + random_hex(28).upper())
    return pen.signer


def random_signature() -> str:
    return base64.b64encode(random_bytes(256)).decode()


def _signature(text: Callable[[], str]) -> Callable[[Headers], Headers]:
    return lambda headers: headers | {"Wechatpay-Signature": text()}


def _without_signature(headers: Headers) -> Headers:
    return {name: value for name, value in headers.items() if name != "Wechatpay-Signature"}


HEADER_FORGERIES: Mapping[Forgery | None, Callable[[Headers], Headers]] = MappingProxyType(
    {
        Forgery.RANDOM_SIGNATURE: _signature(random_signature),
        Forgery.SIGNTEST: _signature(lambda: SIGNTEST_PREFIX + random_signature()),
        Forgery.EMPTY_SIGNATURE: _signature(str),
        Forgery.NO_SIGNATURE: _without_signature,
        Forgery.NO_HEADERS: lambda _headers: {},
    }
)
