"""The worker asks WeChat for codes that somebody looked for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from wxbackend.codes import service as codes
from wxbackend.codes.minting import mint
from wxbackend.codes.rules import MINT, CodeWish
from wxbackend.core.db import reading
from wxbackend.core.errors import TooMany, UpstreamFailed
from wxbackend.core.outbox import Handler, Postpone
from wxbackend.core.wxmini import PageUnpublished

#: A refusal that asks for this much patience is a quota: it passes by waiting, and is no failed attempt.
QUOTA_WAIT_S = 60
log = structlog.get_logger()


def mint_code(payload: Mapping[str, Any]) -> None:
    """One code, unless it is kept. A quota lets the wish rest; an unpublished page leaves the plain code for today."""
    wish = CodeWish(payload["scene"], payload["page"], payload["width_px"])
    with reading() as session:
        if codes.find_code(session, wish=wish) is not None:
            return
    try:
        mint(wish)
    except PageUnpublished:
        log.warning("page of mini-program codes not published", page=wish.page)
    except (TooMany, UpstreamFailed) as refusal:
        wait_s = refusal.retry_after_s or 0
        if wait_s < QUOTA_WAIT_S:
            raise
        raise Postpone(wait=timedelta(seconds=wait_s), reason=refusal.code) from refusal


HANDLERS: tuple[tuple[str, Handler], ...] = ((MINT, mint_code),)
