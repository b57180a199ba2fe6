"""How message push, and moderation in search of a picture, reach the outside: once, straight, with little patience."""

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit

LARGEST_ANSWER = 65536
FETCH_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """``body`` is cut at the limit of the question; ``media_type`` is empty when none was told."""

    status: int
    body: bytes
    media_type: str = ""


def ask(
    method: str,
    url: str,
    *,
    query: dict[str, str] | None = None,
    body: bytes | None = None,
    patience_s: float = FETCH_PATIENCE_S,
    largest: int = LARGEST_ANSWER,
) -> OutsideAnswer:
    """One request without redirects, proxies or retries. Raises OSError or HTTPException, also for a bad address."""
    try:
        parts = urlsplit(url)
        connection = _connection(parts, patience_s=patience_s)
    except ValueError as error:
        raise http.client.InvalidURL(str(error)) from error
    words = "&".join(part for part in (parts.query, urlencode(query or {})) if part)
    headers = {"User-Agent": "Mozilla/4.0", "Accept": "*/*"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, (parts.path or "/") + (f"?{words}" if words else ""), body=body, headers=headers)
        answer = connection.getresponse()
        return OutsideAnswer(answer.status, answer.read(largest), answer.headers.get_content_type())
    except UnicodeError as error:
        raise http.client.InvalidURL(str(error)) from error
    finally:
        connection.close()


def _connection(parts: SplitResult, *, patience_s: float) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=patience_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=patience_s)
