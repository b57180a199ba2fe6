"""What goes between WeChat and us, counted by its end: each fault has a count of its own."""

from collections.abc import Callable
from typing import TypeVar

from prometheus_client import Counter

from wxbackend.core.errors import Problem

T = TypeVar("T")

#: ``door`` is pay or push; ``outcome`` what became of it, or the code of the problem it was refused with.
NOTICES = Counter("xiangshu_wechat_notices_total", "What WeChat sent us, by its end.", ["door", "outcome"])
#: ``host`` is pay or mini; ``outcome`` is ok or the code of the problem. Each try counts.
CALLS = Counter("xiangshu_wechat_calls_total", "What we asked of WeChat, by its end.", ["host", "outcome"])


def counted_call(host: str, once: Callable[[], T]) -> T:
    """Do it, and count how it ended."""
    try:
        answer = once()
    except Problem as problem:
        CALLS.labels(host, problem.code).inc()
        raise
    CALLS.labels(host, "ok").inc()
    return answer
