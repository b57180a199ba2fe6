"""What api.weixin.qq.com answers: login, access tokens, phone numbers, and where the rest of it stands."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from wxbackend.devtools.wxsim.clock import random_bytes, random_hex
from wxbackend.devtools.wxsim.codes_routes import make_link, mint_code
from wxbackend.devtools.wxsim.content_routes import check_text
from wxbackend.devtools.wxsim.media_routes import submit_media
from wxbackend.devtools.wxsim.messages import send_message
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.shipping_routes import tell_managed, tell_order, upload_shipping
from wxbackend.devtools.wxsim.wire import Answer, BadJson, Json, Request, Route, find_route, json_answer
from wxbackend.devtools.wxsim.world import World

MiniHandler = Callable[[World, Request], Answer]


@dataclass(frozen=True, slots=True)
class MiniSite:
    """Routes that take the app's secret, and routes that take an access token."""

    open_routes: tuple[Route[MiniHandler], ...]
    token_routes: tuple[Route[MiniHandler], ...]

    def answer(self, world: World, request: Request) -> Answer:
        try:
            return self._dispatch(world, request)
        except MiniRefusal as refusal:
            return _refuse(refusal.errcode, refusal.errmsg)
        except BadJson:
            return _refuse(47001, "data format error")

    def _dispatch(self, world: World, request: Request) -> Answer:
        found = find_route(self.open_routes, request.method, request.path)
        if found is None:
            found = find_route(self.token_routes, request.method, request.path)
            if found is None:
                raise self._not_found(request)
            with world.lock:
                world.tokens.check(request.query.get("access_token", ""), now=world.clock.now())
        with world.lock:
            world.mini.quotas.count(request.path, now=world.clock.now())
            return found[0](world, request)

    def _not_found(self, request: Request) -> MiniRefusal:
        """The method may be what is wrong."""
        for method, errcode in (("GET", 43001), ("POST", 43002)):
            if find_route(self.open_routes + self.token_routes, method, request.path) is not None:
                return MiniRefusal(errcode, f"require {method} method")
        return MiniRefusal(40066, "invalid url")


def log_in(world: World, request: Request) -> Answer:
    """GET sns/jscode2session; like the real host it calls its JSON text/plain."""
    query = request.query
    _check_app(world, query.get("appid"), query.get("secret"))
    _check_grant(query.get("grant_type"), "authorization_code")
    code = query.get("js_code")
    if not code:
        raise MiniRefusal(41008, "missing code")
    user = world.people.log_in(code, appid=world.app.appid, now=world.clock.now())
    facts = {"session_key": base64.b64encode(random_bytes(16)).decode(), "openid": user.openid}
    if user.unionid is not None:
        facts["unionid"] = user.unionid
    return json_answer(facts, content_type="text/plain")


def fetch_token(world: World, request: Request) -> Answer:
    """GET cgi-bin/token."""
    query = request.query
    _check_grant(query.get("grant_type"), "client_credential")
    _check_app(world, query.get("appid"), query.get("secret"))
    return _token_answer(world.tokens.fetch_ordinary(now=world.clock.now()))


def fetch_stable_token(world: World, request: Request) -> Answer:
    """POST cgi-bin/stable_token."""
    body = request.json()
    _check_grant(body.get("grant_type"), "client_credential")
    _check_app(world, body.get("appid"), body.get("secret"))
    force = body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise MiniRefusal(47001, "data format error")
    return _token_answer(world.tokens.fetch_stable(force_refresh=force, now=world.clock.now()))


def tell_phone(world: World, request: Request) -> Answer:
    """POST wxa/business/getuserphonenumber."""
    body = request.json()
    code = body.get("code")
    if not isinstance(code, str) or not code:
        raise MiniRefusal(41008, "missing code")
    now = world.clock.now()
    user = world.people.tell_phone(code, openid=body.get("openid"), now=now)
    info: Json = {
        "phoneNumber": user.phone,
        "purePhoneNumber": user.phone,
        "countryCode": "86",
        "watermark": {"timestamp": int(now), "appid": world.app.appid},
    }
    return json_answer({"errcode": 0, "errmsg": "ok", "phone_info": info})


def _token_answer(token: tuple[str, int]) -> Answer:
    return json_answer({"access_token": token[0], "expires_in": token[1]})


def _check_grant(given: object, wanted: str) -> None:
    if given != wanted:
        raise MiniRefusal(40002, "invalid grant_type")


def _check_app(world: World, appid: object, secret: object) -> None:
    if not appid:
        raise MiniRefusal(41002, "appid missing")
    if not secret:
        raise MiniRefusal(41004, "appsecret missing")
    if appid != world.app.appid:
        raise MiniRefusal(40013, "invalid appid")
    if secret != world.app.secret:
        raise MiniRefusal(40125, "invalid appsecret")


def _refuse(errcode: int, errmsg: str) -> Answer:
    return json_answer(
        {"errcode": errcode, "errmsg": f"{errmsg}, rid: {random_hex(8)}-{random_hex(8)}-{random_hex(8)}"}
    )


OPEN_ROUTES: tuple[Route[MiniHandler], ...] = (
    Route("GET", "/sns/jscode2session", log_in),
    Route("GET", "/cgi-bin/token", fetch_token),
    Route("POST", "/cgi-bin/stable_token", fetch_stable_token),
)
TOKEN_ROUTES: tuple[Route[MiniHandler], ...] = (
    Route("POST", "/wxa/business/getuserphonenumber", tell_phone),
    Route("POST", "/wxa/msg_sec_check", check_text),
    Route("POST", "/wxa/media_check_async", submit_media),
    Route("POST", "/cgi-bin/message/subscribe/send", send_message),
    Route("POST", "/wxa/getwxacodeunlimit", mint_code),
    Route("POST", "/wxa/generate_urllink", make_link),
    Route("POST", "/wxa/sec/order/upload_shipping_info", upload_shipping),
    Route("POST", "/wxa/sec/order/get_order", tell_order),
    Route("POST", "/wxa/sec/order/is_trade_managed", tell_managed),
)
