"""Who is calling api.mch.weixin.qq.com: the WECHATPAY2-SHA256-RSA2048 Authorization, checked in full."""

import re
from itertools import islice

from wxbackend.devtools.wxsim.keys import is_signed
from wxbackend.devtools.wxsim.merchants import Merchant
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.wire import Request
from wxbackend.devtools.wxsim.world import World

SCHEME = "WECHATPAY2-SHA256-RSA2048 "
FIELD = re.compile(r'\s*(\w+)="([^"]*)"\s*')
FIELDS = frozenset({"mchid", "nonce_str", "signature", "timestamp", "serial_no"})
WINDOW_S = 300
NONCE_KEPT_S = 2 * WINDOW_S


def authenticate(world: World, request: Request) -> Merchant:
    """The merchant who signed this request; raises PayRefusal SIGN_ERROR. Takes the world's lock."""
    fields = _fields(request.header("Authorization"))
    with world.lock:
        merchant = world.merchants.get(fields["mchid"])
        if merchant is None:
            raise _sign_error("商户号不存在")
        _check_key_and_clock(world, merchant, fields)
        _check_signature(merchant, request, fields)
        _remember_nonce(world, merchant.mchid, fields["nonce_str"])
    return merchant


def merchant_named(world: World, request: Request) -> Merchant | None:
    """The merchant that the request claims to be, unverified: only to choose the key that signs a refusal."""
    found = re.search(r'mchid="([^"]*)"', request.header("Authorization"))
    return world.merchants.get(found[1]) if found else None


def _fields(authorization: str) -> dict[str, str]:
    if not authorization.startswith(SCHEME):
        raise _sign_error("Http头Authorization认证类型不正确")
    pairs = [FIELD.fullmatch(part) for part in authorization.removeprefix(SCHEME).split(",")]
    fields = {pair[1]: pair[2] for pair in pairs if pair is not None}
    if None in pairs or len(pairs) != len(fields) or fields.keys() != FIELDS or not all(fields.values()):
        raise _sign_error("Http头Authorization值格式错误")
    return fields


def _check_key_and_clock(world: World, merchant: Merchant, fields: dict[str, str]) -> None:
    if fields["serial_no"].upper() != merchant.serial_no:
        raise _sign_error("商户证书序列号有误")
    timestamp = fields["timestamp"]
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > len("9999999999"):
        raise _sign_error("Http头Authorization中的timestamp格式错误")
    if abs(world.clock.signing_now() - int(timestamp)) > WINDOW_S:
        raise _sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")


def _check_signature(merchant: Merchant, request: Request, fields: dict[str, str]) -> None:
    head = f"{request.method}\n{request.target}\n{fields['timestamp']}\n{fields['nonce_str']}\n"
    message = head.encode() + request.body + b"\n"
    if not is_signed(merchant.key.public_key(), message=message, signature=fields["signature"]):
        raise _sign_error("签名错误，请检查后再试")


def _remember_nonce(world: World, mchid: str, nonce: str) -> None:
    """Each call forgets up to two of the oldest, so that the memory stays small without a sweep."""
    now = world.clock.signing_now()
    for old, seen_at in list(islice(world.nonces.items(), 2)):
        if abs(now - seen_at) > NONCE_KEPT_S:
            del world.nonces[old]
    if (mchid, nonce) in world.nonces:
        raise _sign_error("Http头Authorization中的nonce_str重复")
    world.nonces[mchid, nonce] = now


def _sign_error(message: str) -> PayRefusal:
    return PayRefusal(401, "SIGN_ERROR", message)
