"""The mini-program's server interface: wechatpy with its token handling and transport replaced."""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import requests
from wechatpy import WeChatClient

from wxbackend.core.faults import MINI_CREDENTIALS, AppWatch, FaultWatch
from wxbackend.core.ports import dice, utc_now
from wxbackend.wechat.errors import WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.tokens import AccessToken, AccessTokenStore
from wxbackend.wechat.transport import Answer, Deadline, Link, try_thrice

OFFICIAL_URL = "https://api.weixin.qq.com"
TOKEN_MARGIN = timedelta(seconds=120)  # WeChat issues the next token 300 s early, and both work until the end

TOKEN_REFUSED = frozenset({40001, 40014, 42001})
BUSY = frozenset({-1})
RATE_LIMITED = frozenset({45009, 45011})
MISCONFIGURED = TOKEN_REFUSED | {40002, 40013, 40125, 40164, 41002, 41004, 48001, 50002, 61004}

#: What says that no call of ours can succeed: 40013 and 40125 only where appid and secret themselves are sent.
CREDENTIALS = TOKEN_REFUSED | {40164, 50002, 61004}
OWN_CREDENTIALS = CREDENTIALS | {40002, 40013, 40125, 41002, 41004}
REFUSED_FOR = timedelta(seconds=60)  # so long no token is fetched after WeChat refused one for good

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be sent; ``body`` is what ``requests`` takes besides (``data``, ``files``).

    One that must not arrive twice is repeated only when WeChat said that it did nothing.
    """

    method: str
    path: str
    params: Mapping[str, Any]
    body: Mapping[str, Any]
    once_only: bool = False

    @property
    def shows_credentials(self) -> bool:
        """Paths under ``/sns/`` take the app secret; a token there would only leak into the address."""
        return self.path.startswith("/sns/")

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
        jitter: Callable[[], float] = dice,
        watch: FaultWatch | None = None,
    ) -> None:
        super().__init__(appid, secret, auto_retry=False)
        self._store = store
        self._link = link
        self._now = now
        self._pause = pause
        self._jitter = jitter
        self._watch = watch or AppWatch()
        self._refused: tuple[datetime, WxMisconfigured] | None = None

    @property
    def access_token(self) -> str:
        return self._token(self._link.deadline())

    def _token(self, deadline: Deadline) -> str:
        held = self._store.get()
        return held.value if held is not None and self._lasts(held) else self._fetched(deadline)

    def fetch_access_token(self) -> str:
        """As of the library."""
        return self._fetched(self._link.deadline())

    def _fetched(self, deadline: Deadline, stale: str | None = None) -> str:
        """Fetch a token, or take the one that somebody else has fetched since ``stale`` was refused."""
        with self._store.lock():
            held = self._store.get()
            if held is not None and held.value != stale and self._lasts(held):
                return held.value
            self._refuse_at_once()
            token = self._stable_token(deadline)
            self._store.set(token)
            return token.value

    def _stable_token(self, deadline: Deadline) -> AccessToken:
        grant = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": False}
        call = Call("post", "/cgi-bin/stable_token", {}, {"data": _json_bytes(grant)})
        try:
            answer = self._try(call, deadline)
        except WxMisconfigured as refusal:
            self._note(refusal, among=OWN_CREDENTIALS)
            raise
        value, life_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not isinstance(life_s, int):
            raise WxUnavailable("stable_token answered without a token")
        return AccessToken(value, self._now() + timedelta(seconds=life_s))

    def _lasts(self, token: AccessToken) -> bool:
        return token.expires_at - self._now() > TOKEN_MARGIN

    def _refuse_at_once(self) -> None:
        """What was refused for good is not asked again at every call: tokens are counted, and the answer is known."""
        if self._refused is not None and self._now() < self._refused[0]:
            raise WxMisconfigured(self._refused[1].wx_code, "refused a moment ago", self._refused[1].http)

    def _note(self, refusal: WxMisconfigured, *, among: Container[int]) -> None:
        """Never again while it is remembered, or calls that are refused from memory would prolong the memory."""
        remembered = self._refused is not None and self._now() < self._refused[0]
        if int(refusal.wx_code) in among and not remembered:
            self._refused = (self._now() + REFUSED_FOR, refusal)
            self._watch.failed(MINI_CREDENTIALS, f"errcode {refusal.wx_code}")

    def _request(self, method: str, url_or_endpoint: str, **asked: Any) -> Any:
        """Stands in for wechatpy's own: the address is ours, the token is renewed at most once."""
        process = asked.pop("result_processor", None)
        base_url = asked.pop("api_base_url", self.API_BASE_URL)
        params = asked.pop("params", None) or {}
        once_only = asked.pop("once_only", False)
        if isinstance(asked.get("data"), dict):
            asked["data"] = _json_bytes(asked["data"])
        answer = self._ask(Call(method, _path(base_url, url_or_endpoint), params, asked, once_only))
        return process(answer) if process else answer

    def _ask(self, call: Call) -> Any:
        try:
            answer = self._asked(call, self._link.deadline())
        except WxMisconfigured as refusal:
            self._note(refusal, among=OWN_CREDENTIALS if call.shows_credentials else CREDENTIALS)
            raise
        except WxRejected:
            self._tell_it_works(call)  # it was let in, and refused for another reason
            raise
        self._tell_it_works(call)
        return answer

    def _tell_it_works(self, call: Call) -> None:
        """Not after a login: that works without the token, and from any address."""
        if not call.shows_credentials:
            self._refused = None
            self._watch.worked(MINI_CREDENTIALS)

    def _asked(self, call: Call, deadline: Deadline) -> Any:
        if call.shows_credentials:
            return self._try(call, deadline)
        token = self._token(deadline)
        try:
            return self._try(call.with_token(token), deadline)
        except WxMisconfigured as refusal:
            if int(refusal.wx_code) not in TOKEN_REFUSED:
                raise
        return self._try(call.with_token(self._fetched(deadline, stale=token)), deadline)

    def _try(self, call: Call, deadline: Deadline) -> Any:
        """Up to three times; never again after a timeout, when a code may be spent and somebody waits."""
        return try_thrice(
            lambda: self._once(call, deadline),
            host="mini",
            deadline=deadline,
            pause=self._pause,
            jitter=self._jitter,
            again=lambda trouble: trouble.busy or not (trouble.timed_out or call.once_only),
        )

    def _once(self, call: Call, deadline: Deadline) -> Any:
        """A picture is told by its first bytes: WeChat names its errors a picture at times, and JSON a text."""
        headers = {"Content-Type": "application/json"} if isinstance(call.body.get("data"), bytes) else {}
        answer = self._link.send(
            call.method, call.path, headers=headers, deadline=deadline, params=dict(call.params), **call.body
        )
        if answer.status_code != requests.codes.ok:
            raise WxUnavailable(f"http {answer.status_code}")
        return answer if answer.content.startswith(PICTURES) else _document(answer)

    def disconnect(self) -> None:
        self._link.close()


def _path(base_url: str, url_or_endpoint: str) -> str:
    """The path of an official address. wechatpy also knows other hosts; those would be sent our token."""
    url = url_or_endpoint if url_or_endpoint.startswith("http") else base_url + url_or_endpoint
    if not url.startswith(f"{OFFICIAL_URL}/"):
        raise ValueError(f"not an address of the mini-program interface: {url}")
    return url.removeprefix(OFFICIAL_URL)


def _json_bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
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
        raise WxUnavailable(f"{errcode} {message}", busy=True)
    if errcode in RATE_LIMITED:
        raise WxRateLimited(f"{errcode} {message}")
    kind = WxMisconfigured if errcode in MISCONFIGURED else WxRejected
    raise kind(str(errcode), message, requests.codes.ok)
