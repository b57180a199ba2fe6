"""Rate limits. Counted in Redis where there is one; while it is away, in the process: never unlimited."""

from flask import g
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address


def by_caller() -> str:
    """Count per signed-in person, else per address."""
    caller = g.get("caller")
    return f"{caller.kind}:{caller.id}" if caller else get_remote_address()


# The fallback is explicit: by default a Redis that is away turns every request into a 500.
limiter = Limiter(
    key_func=by_caller,
    default_limits=["600/minute"],
    in_memory_fallback_enabled=True,
    headers_enabled=True,
    strategy="fixed-window",
)
by_address = get_remote_address
