"""One pooled HTTP connection to a WeChat host: timeouts, no cookies, no redirects, typed failures without secrets."""

import logging
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from wxbackend.wechat.errors import WxUnavailable

POOL_SIZE = 16
FAILURES_BEFORE_SWAP = 2
TRY_PAUSES_S = (0.1, 0.3)  # before the second and the third try; there is no fourth

log = logging.getLogger(__name__)


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
    """Threads may share it. Nothing is opened before the first ``send``."""

    def __init__(self, hosts: Hosts, *, timeout_s: tuple[float, float]) -> None:
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._session = _new_session()

    def send(self, method: str, path: str, *, headers: Mapping[str, str], **asked: Any) -> requests.Response:
        """Send once; ``asked`` is what ``requests`` takes (``params``, ``data``, ``files``). Raises ``WxUnavailable``.

        Causes are cut off: their texts quote the URL, and ours carry the app secret or the access token.
        """
        url = self._hosts.current()
        try:
            answer = self._session.request(
                method, url + path, headers=dict(headers), timeout=self._timeout_s, allow_redirects=False, **asked
            )
        except requests.ReadTimeout:
            raise WxUnavailable("no answer in time", timed_out=True) from None
        except requests.ConnectionError as error:
            self._hosts.missed(url)
            raise WxUnavailable(f"no connection: {type(error).__name__}") from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise WxUnavailable(f"answer cut short: {type(error).__name__}") from None
        self._hosts.reached(url)
        return answer

    def close(self) -> None:
        """Let go of the pooled connections; the next ``send`` opens new ones."""
        self._session.close()


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
