"""One pooled HTTP connection to a WeChat host: deadlines, no cookies, no redirects, typed failures without secrets."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from time import perf_counter
from typing import Any, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

from wxbackend.core.counters import counted_call
from wxbackend.wechat.errors import WxUnavailable

POOL_SIZE = 16
FAILURES_BEFORE_SWAP = 2
TRY_PAUSES_S = (0.1, 0.3)  # before the second and the third try; there is no fourth
PIECE_BYTES = 65_536
LONGEST_ANSWER_BYTES = 4_000_000

T = TypeVar("T")

log = logging.getLogger(__name__)


class Deadline:
    """Until when one call may take in all, over its tries and its pauses."""

    def __init__(self, within_s: float, *, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._ends_at = clock() + within_s

    def left_s(self) -> float:
        return self._ends_at - self._clock()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. ``headers`` may be asked in any letter case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """As of ``requests``: the libraries ask for it."""
        return json.loads(self.content)


class Hosts:
    """The address in use and its stand-in: they change places after two connect failures in a row."""

    def __init__(self, base_url: str, backup_url: str | None = None) -> None:
        self._urls = [url.rstrip("/") for url in (base_url, backup_url) if url]
        self._failures = 0
        self._lock = Lock()

    def current(self) -> str:
        with self._lock:
            return self._urls[0]

    def reached(self, url: str) -> None:
        with self._lock:
            if url == self._urls[0]:
                self._failures = 0

    def missed(self, url: str) -> None:
        with self._lock:
            if url != self._urls[0]:
                return  # another thread has swapped already
            self._failures += 1
            if len(self._urls) > 1 and self._failures == FAILURES_BEFORE_SWAP:
                self._failures = 0
                self._urls.reverse()
                log.warning("WeChat host %s is out of reach, using %s", url, self._urls[0])


class Link:
    """Threads may share it. Nothing is opened before the first ``send``.

    ``timeout_s`` is how long to wait for a connection and for a sign of life; ``within_s`` is how long one call may
    take in all.
    """

    def __init__(self, hosts: Hosts, *, timeout_s: tuple[float, float], within_s: float = 15) -> None:
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._within_s = within_s
        self._session = _new_session()

    def deadline(self) -> Deadline:
        return Deadline(self._within_s)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        deadline: Deadline | None = None,
        longest: int = LONGEST_ANSWER_BYTES,
        **asked: Any,
    ) -> Answer:
        """Send once; ``asked`` is what ``requests`` takes (``params``, ``data``, ``files``). Raises ``WxUnavailable``.

        Causes are cut off: their texts quote the URL, and ours carry the app secret or the access token.
        """
        url, until = self._hosts.current(), deadline or self.deadline()
        try:
            answer = self._session.request(
                method,
                url + path,
                headers=dict(headers),
                timeout=_within(self._timeout_s, until),
                allow_redirects=False,
                stream=True,
                **asked,
            )
            with answer:
                whole = Answer(answer.status_code, answer.headers, _read(answer, until, longest))
        except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
            raise WxUnavailable("no answer in time", timed_out=True) from None
        except requests.ConnectionError as error:
            self._hosts.missed(url)
            raise WxUnavailable(f"no connection: {type(error).__name__}") from None
        except urllib3.exceptions.HTTPError as error:
            raise WxUnavailable(f"answer cut short: {type(error).__name__}") from None
        self._hosts.reached(url)
        return whole

    def close(self) -> None:
        """Let go of the pooled connections; the next ``send`` opens new ones."""
        self._session.close()


def try_thrice(
    once: Callable[[], T],
    *,
    host: str,
    deadline: Deadline,
    pause: Callable[[float], None],
    jitter: Callable[[], float],
    again: Callable[[WxUnavailable], bool],
) -> T:
    """Call up to three times while there is reason to and time is left; a pause varies by half of itself.

    Each try is counted under ``host``.
    """
    for pause_s in TRY_PAUSES_S:
        try:
            return counted_call(host, once)
        except WxUnavailable as trouble:
            varied_s = pause_s * (0.5 + jitter())
            if not again(trouble) or deadline.left_s() <= varied_s:
                raise
        pause(varied_s)
    return counted_call(host, once)


def _within(timeout_s: tuple[float, float], until: Deadline) -> tuple[float, float]:
    left_s = until.left_s()
    if left_s <= 0:
        raise WxUnavailable("no time left", timed_out=True)
    connect_s, read_s = timeout_s
    return min(connect_s, left_s), min(read_s, left_s)


def _read(answer: requests.Response, until: Deadline, longest: int) -> bytes:
    """Piece by piece: a host that sends a byte a second would never run into the timeout of one read."""
    pieces, size = [], 0
    while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > longest:
            raise WxUnavailable("answer too long")
        if until.left_s() <= 0:
            raise WxUnavailable("answer too slow", timed_out=True)
    return b"".join(pieces)


def _new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=POOL_SIZE))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _keep_authorization
    return session


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Our own header stands: without this, an entry in the operator's ``.netrc`` would replace it."""
    return request
