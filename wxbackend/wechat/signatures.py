"""Did WeChat Pay say this? One check for its answers and for its callbacks."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from wechatpayv3.utils import rsa_verify

from wxbackend.core.wxpay import BadNotification

WINDOW_S = 300
ALGORITHM = "WECHATPAY2-SHA256-RSA2048"
SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A genuine body. ``stale`` when it was signed more than 300 s away from now: perhaps a replay."""

    text: str
    stale: bool


def check_signature(
    headers: Mapping[str, str], body: bytes, *, keys: Mapping[str, RSAPublicKey], now: datetime
) -> Signed:
    """Headers in any letter case. Raises ``BadNotification`` for anything that WeChat did not sign."""
    said = {name.lower(): value for name, value in headers.items()}
    timestamp = said.get("wechatpay-timestamp", "")
    nonce = said.get("wechatpay-nonce", "")
    signature = said.get("wechatpay-signature", "")
    key = keys.get(said.get("wechatpay-serial", ""))
    if key is None:
        raise BadNotification("证书序列号未知", serial_unknown=True)
    if said.get("wechatpay-signature-type", ALGORITHM) != ALGORITHM or not SECONDS.fullmatch(timestamp):
        raise BadNotification("签名信息不完整")
    text = _utf8(body)
    if not (_canonical(signature) and rsa_verify(timestamp, nonce, text, signature, key)):
        raise BadNotification("签名不正确")
    return Signed(text=text, stale=abs(now.timestamp() - int(timestamp)) > WINDOW_S)


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNotification("内容不是 UTF-8") from None


def _canonical(signature: str) -> bool:
    """Base64 has several spellings of the same bytes (unused bits, ignored characters): only one is accepted."""
    try:
        return b64encode(b64decode(signature, validate=True)).decode() == signature
    except ValueError:
        return False
