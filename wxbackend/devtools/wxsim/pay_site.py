"""The frame of api.mch.weixin.qq.com: every call authenticated, every answer signed by the key the caller asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.keys import SigningKey
from wxbackend.devtools.wxsim.merchants import Merchant
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.pay_auth import authenticate, merchant_named
from wxbackend.devtools.wxsim.wire import Answer, BadJson, Json, Request, Route, find_route, json_bytes
from wxbackend.devtools.wxsim.world import World


@dataclass(frozen=True, slots=True)
class PayCall:
    """A call whose signature was verified.

    ``path_words`` are the named parts of the path, ``serial`` is the key that it asks the answer to be signed by.
    """

    merchant: Merchant
    query: Mapping[str, str]
    body: Json
    path_words: Mapping[str, str]
    serial: str = ""
    host: str = ""


PayHandler = Callable[[World, PayCall], Json | Answer | None]
"""An answer of its own leaves as it is, unsigned: the download of a bill."""


@dataclass(frozen=True, slots=True)
class PaySite:
    routes: tuple[Route[PayHandler], ...]

    def answer(self, world: World, request: Request) -> Answer:
        """``None`` from a handler is 204 without a body, signed all the same."""
        try:
            result = self._dispatch(world, request)
        except PayRefusal as refusal:
            return refuse(world, request, refusal)
        except BadJson:
            return refuse(world, request, PayRefusal(400, "PARAM_ERROR", "请求体不是合法的JSON对象"))
        if isinstance(result, Answer):
            return result
        return signed(world, request, 204 if result is None else 200, result)

    def _dispatch(self, world: World, request: Request) -> Json | Answer | None:
        if not request.header("Accept") or not request.header("User-Agent"):
            raise PayRefusal(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
        merchant = authenticate(world, request)
        if merchant.answer_signer(request.header("Wechatpay-Serial")) is None:
            raise PayRefusal(400, "PARAM_ERROR", "Http头Wechatpay-Serial无效，请检查平台证书序列号或微信支付公钥ID")
        found = find_route(self.routes, request.method, request.path)
        if found is None:
            raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")
        handler, words = found
        with world.lock:
            call = PayCall(
                merchant,
                request.query,
                request.json(),
                words,
                serial=request.header("Wechatpay-Serial"),
                host=request.header("Host"),
            )
            return handler(world, call)


def refuse(world: World, request: Request, refusal: PayRefusal) -> Answer:
    body: Json = {"code": refusal.code, "message": refusal.message}
    if refusal.detail is not None:
        body["detail"] = refusal.detail
    return signed(world, request, refusal.status, body)


def signed(world: World, request: Request, status: int, value: Json | None) -> Answer:
    """Unsigned only when the caller named no merchant of ours: there is no key to sign for a stranger."""
    body = b"" if value is None else json_bytes(value)
    headers = {"Request-ID": f"08{random_hex(40).upper()}-0"}
    if value is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    signer = answer_signer(world, request)
    if signer is not None:
        headers |= signer.signed_headers(body, timestamp=int(world.clock.signing_now()))
    return Answer(status, body, headers)


def answer_signer(world: World, request: Request) -> SigningKey | None:
    """The key that signs the answer to this request; ``None`` for a stranger."""
    merchant = merchant_named(world, request)
    if merchant is None:
        return None
    return merchant.answer_signer(request.header("Wechatpay-Serial")) or merchant.certificate_signer()
