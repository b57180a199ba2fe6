"""The worker asks WeChat for codes that somebody looked for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from wxbackend.codes import service as codes
from wxbackend.codes.minting import mint
from wxbackend.codes.rules import MINT, CodeWish
from wxbackend.core import outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem, TooMany, UpstreamFailed
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports
from wxbackend.core.wxmini import PageUnpublished

#: A refusal that asks for this much patience is a quota: it passes by waiting, and is no failed attempt.
QUOTA_WAIT_S = 60
log = structlog.get_logger()


def mint_code(payload: Mapping[str, Any]) -> None:
    """One code, unless it is kept. A quota puts the wish back; an unpublished page leaves the plain code for today."""
    wish = CodeWish(payload["scene"], payload["page"], payload["width_px"])
    with reading() as session:
        if codes.find_code(session, wish=wish) is not None:
            return
    try:
        mint(wish)
    except PageUnpublished:
        log.warning("page of mini-program codes not published", page=wish.page)
    except (TooMany, UpstreamFailed) as refusal:
        _put_back(wish, refusal)


def _put_back(wish: CodeWish, refusal: Problem) -> None:
    """Raises what is no quota: the outbox counts it as an attempt."""
    if (refusal.retry_after_s or 0) < QUOTA_WAIT_S:
        raise refusal
    now, wait = ports().now(), timedelta(seconds=refusal.retry_after_s or 0)
    with transaction() as session:
        outbox.enqueue_all(session, works=[wish.work_later(key=f"{now:%Y%m%d%H%M%S}", wait=wait)], now=now)


HANDLERS: tuple[tuple[str, Handler], ...] = ((MINT, mint_code),)
