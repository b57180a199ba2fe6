"""The mini-program's server interface: wechatpy with its token handling and transport replaced."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import requests
from wechatpy import WeChatClient

from wxbackend.core.ports import utc_now
from wxbackend.core.wxmini import BadLoginCode, BadPhoneCode, LoginBlocked, WxIdentity
from wxbackend.wechat.errors import WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.tokens import AccessToken, AccessTokenStore
from wxbackend.wechat.transport import TRY_PAUSES_S, Answer, Link

OFFICIAL_URL = "https://api.weixin.qq.com"
TOKEN_MARGIN = timedelta(seconds=120)  # WeChat issues the next token 300 s early, and both work until the end

TOKEN_REFUSED = frozenset({40001, 40014, 42001})
BUSY = frozenset({-1})
RATE_LIMITED = frozenset({45009, 45011})
MISCONFIGURED = TOKEN_REFUSED | {40002, 40013, 40125, 40164, 41002, 41004, 48001, 50002, 61004}

PHONE_URL = f"{OFFICIAL_URL}/wxa/business/getuserphonenumber"
WRONG_APPID = "40013"
LOGIN_REFUSALS = {"40029": BadLoginCode, "40163": BadLoginCode, "40226": LoginBlocked}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be sent; ``body`` is what ``requests`` takes besides (``data``, ``files``)."""

    method: str
    path: str
    params: Mapping[str, Any]
    body: Mapping[str, Any]

    def with_token(self, token: str) -> "Call":
        return replace(self, params={**self.params, "access_token": token})


class MiniProgramClient(WeChatClient):  # type: ignore[misc]  # wechatpy carries no types
    """Every method of wechatpy works on it; each arrives in ``_request`` with the official address."""

    def __init__(
        self,
        *,
        appid: str,
        secret: str,
        store: AccessTokenStore,
        link: Link,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        super().__init__(appid, secret, auto_retry=False)
        self._store = store
        self._link = link
        self._now = now
        self._pause = pause

    @property
    def access_token(self) -> str:
        held = self._store.get()
        return held.value if held is not None and self._lasts(held) else self.fetch_access_token()

    def fetch_access_token(self, stale: str | None = None) -> str:
        """Fetch a token, or take the one that somebody else has fetched since ``stale`` was refused."""
        with self._store.lock():
            held = self._store.get()
            if held is not None and held.value != stale and self._lasts(held):
                return held.value
            token = self._stable_token()
            self._store.set(token)
            return token.value

    def _stable_token(self) -> AccessToken:
        grant = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": False}
        answer = self._try(Call("post", "/cgi-bin/stable_token", {}, {"data": _json_bytes(grant)}))
        value, life_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not isinstance(life_s, int):
            raise WxUnavailable("stable_token answered without a token")
        return AccessToken(value, self._now() + timedelta(seconds=life_s))

    def _lasts(self, token: AccessToken) -> bool:
        return token.expires_at - self._now() > TOKEN_MARGIN

    def _request(self, method: str, url_or_endpoint: str, **asked: Any) -> Any:
        """Stands in for wechatpy's own: the address is ours, the token is renewed at most once."""
        process = asked.pop("result_processor", None)
        base_url = asked.pop("api_base_url", self.API_BASE_URL)
        params = asked.pop("params", None) or {}
        if isinstance(asked.get("data"), dict):
            asked["data"] = _json_bytes(asked["data"])
        answer = self._ask(Call(method, _path(base_url, url_or_endpoint), params, asked))
        return process(answer) if process else answer

    def _ask(self, call: Call) -> Any:
        """Paths under ``/sns/`` take the app secret; a token there would only leak into the address."""
        if call.path.startswith("/sns/"):
            return self._try(call)
        token = self.access_token
        try:
            return self._try(call.with_token(token))
        except WxMisconfigured as refusal:
            if int(refusal.wx_code) not in TOKEN_REFUSED:
                raise
        return self._try(call.with_token(self.fetch_access_token(stale=token)))

    def _try(self, call: Call) -> Any:
        """Send up to three times; never again after a timeout, when a code may be spent and somebody waits."""
        for pause_s in TRY_PAUSES_S:
            try:
                return self._once(call)
            except WxUnavailable as trouble:
                if trouble.timed_out:
                    raise
            self._pause(pause_s)
        return self._once(call)

    def _once(self, call: Call) -> Any:
        headers = {"Content-Type": "application/json"} if isinstance(call.body.get("data"), bytes) else {}
        answer = self._link.send(call.method, call.path, headers=headers, params=dict(call.params), **call.body)
        if answer.status_code != requests.codes.ok:
            raise WxUnavailable(f"http {answer.status_code}")
        if answer.headers.get("Content-Type", "").startswith("image/"):
            return answer
        return _document(answer)

    def disconnect(self) -> None:
        self._link.close()


class LiveMiniProgram:
    """``core.ports.MiniProgram`` over WeChat."""

    def __init__(self, client: MiniProgramClient) -> None:
        self._client = client

    @property
    def appid(self) -> str:
        return str(self._client.appid)

    def login(self, code: str) -> WxIdentity:
        try:
            answer = self._client.wxa.code_to_session(code)
        except WxRejected as refusal:
            known = LOGIN_REFUSALS.get(refusal.wx_code)
            if known is None:
                raise
            raise known from refusal
        openid, unionid = answer.get("openid"), answer.get("unionid")
        if not isinstance(openid, str) or not openid:
            raise WxUnavailable("jscode2session answered without an openid")
        return WxIdentity(openid=openid, unionid=unionid if isinstance(unionid, str) else None)

    def phone(self, code: str, *, openid: str) -> str:
        """Both arguments come from the caller, so any definite refusal is about them.

        WeChat publishes no number for a code that belongs to somebody else; 40013 is one of another program.
        """
        _ = self._client.access_token  # fetched first: a wrong appid of ours is 40013 as well, and shows here
        try:
            answer = self._client.post(PHONE_URL, data={"code": code, "openid": openid})
        except WxRejected as refusal:
            if isinstance(refusal, WxMisconfigured) and refusal.wx_code != WRONG_APPID:
                raise
            raise BadPhoneCode from refusal
        return self._phone_number(answer)

    def _phone_number(self, answer: Mapping[str, Any]) -> str:
        info = answer.get("phone_info")
        if not isinstance(info, dict) or not isinstance(info.get("phoneNumber"), str):
            raise WxUnavailable("getuserphonenumber answered without a number")
        watermark = info.get("watermark")
        if isinstance(watermark, dict) and watermark.get("appid") != self.appid:
            raise BadPhoneCode
        return str(info["phoneNumber"])

    def disconnect(self) -> None:
        """Let go of the pooled connections."""
        self._client.disconnect()


def _path(base_url: str, url_or_endpoint: str) -> str:
    """The path of an official address. wechatpy also knows other hosts; those would be sent our token."""
    url = url_or_endpoint if url_or_endpoint.startswith("http") else base_url + url_or_endpoint
    if not url.startswith(f"{OFFICIAL_URL}/"):
        raise ValueError(f"not an address of the mini-program interface: {url}")
    return url.removeprefix(OFFICIAL_URL)


def _json_bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _document(answer: Answer) -> dict[str, Any]:
    """WeChat names its JSON ``text/plain`` at times, so the type is not asked."""
    try:
        document = json.loads(answer.content)
    except ValueError:
        raise WxUnavailable("the answer is not JSON") from None
    if not isinstance(document, dict):
        raise WxUnavailable("the answer is not an object")
    errcode = document.get("errcode", 0)
    if errcode != 0:
        _refuse(errcode, str(document.get("errmsg", "")))
    return document


def _refuse(errcode: object, message: str) -> None:
    if not isinstance(errcode, int):
        raise WxUnavailable("errcode is not a number")
    if errcode in BUSY:
        raise WxUnavailable(f"{errcode} {message}")
    if errcode in RATE_LIMITED:
        raise WxRateLimited(f"{errcode} {message}")
    kind = WxMisconfigured if errcode in MISCONFIGURED else WxRejected
    raise kind(str(errcode), message, requests.codes.ok)
