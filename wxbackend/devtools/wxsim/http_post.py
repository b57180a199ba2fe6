"""How a notification travels over HTTP: once, straight, and with five seconds of patience."""

import http.client
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

ANSWER_LIMIT_S = 5.0
LARGEST_ANSWER = 65536

Poster = Callable[[str, dict[str, str], bytes], int]
"""Posts (url, headers, body) and tells the HTTP status.

Raises OSError or HTTPException when none came in time, ValueError when the address is none.
"""


def post_over_http(url: str, headers: dict[str, str], body: bytes, *, limit_s: float = ANSWER_LIMIT_S) -> int:
    """One POST without redirects, proxies or retries, as WeChat does it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=limit_s, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=limit_s)
    )
    try:
        connection.request("POST", parts.path or "/", body=body, headers=headers)
        answer = connection.getresponse()
        answer.read(LARGEST_ANSWER)
        return answer.status
    finally:
        connection.close()
