"""Structured logs: one JSON object a line, with the request's id and without anybody's secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

HIDDEN = "***"
#: Names whose values never reach a log, wherever they are nested.
SECRET_NAMES = re.compile(
    r"token|secret|password|openid|unionid|phone|session_key|authorization|cookie|signature|code$|_name$|name_|totp|body",
    re.IGNORECASE,
)
SAFE_NAMES = frozenset({"code", "error_code", "status_code", "wx_code"})
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
BEARER = re.compile(r"(?i)bearer\s+\S+")
#: PostgreSQL quotes the offending row or key in these lines of a message.
ROW_IN_MESSAGE = re.compile(r"(?m)^(DETAIL|CONTEXT|HINT): .*$")


def scrub(text: str) -> str:
    """``text`` without phone numbers, bearer tokens and the database's quotations of rows."""
    return ROW_IN_MESSAGE.sub(HIDDEN, BEARER.sub(HIDDEN, PHONE.sub(HIDDEN, text)))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: HIDDEN if _is_secret(str(key)) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _is_secret(name: str) -> bool:
    return name not in SAFE_NAMES and SECRET_NAMES.search(name) is not None


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: hide values by their name, and phone numbers and bearer tokens by their shape."""
    return {key: HIDDEN if _is_secret(key) else _clean(value) for key, value in event.items()}


def configure_logs(*, as_json: bool) -> None:
    """Everything to stderr; the standard library's records pass through the same processors."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.INFO)  # below it, whole addresses with their secrets
