"""Rate limits. Counted in Redis where there is one; while it is away, in the process: never unlimited."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import current_app, g
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse

from wxbackend.core.errors import NotSignedIn, TooMany

log = structlog.get_logger()


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
#: How often an address may be told to sign in, over all doors: for tokens that were guessed, and for none at all.
REJECTIONS = parse("60/minute")


@contextmanager
def rejections_counted() -> Iterator[None]:
    """Count every ``NotSignedIn`` per address; ``TooMany``, before anybody is looked up, once there were enough.

    The limits of views count per caller, so they come after the policies, and never see who was turned away there.
    """
    if not current_app.config.get("RATELIMIT_ENABLED"):
        yield
        return
    if not _has_room(by_address()):
        raise TooMany
    try:
        yield
    except NotSignedIn:
        _has_room(by_address(), use_up=True)
        raise


def _has_room(address: str, *, use_up: bool = False) -> bool:
    """Whether the address may be rejected once more. The limiter moves into the process if its storage is away."""
    counter = limiter.limiter
    try:
        return (counter.hit if use_up else counter.test)(REJECTIONS, "rejected", address)
    except limiter.storage.base_exceptions as error:
        log.warning("limits counted in the process", kind=type(error).__name__)
        # What the limiter does itself, and has no other name for. Its own checks find the storage again.
        limiter._storage_dead = True  # noqa: SLF001
        counter = limiter.limiter
        return (counter.hit if use_up else counter.test)(REJECTIONS, "rejected", address)
