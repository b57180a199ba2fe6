"""By the clock: a second look at what was not judged. By push: what WeChat found of a picture."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from models import ContentSubject, PushState, ReviewStatus
from wxbackend.content import avatars, rechecks
from wxbackend.content.rechecks import Due
from wxbackend.content.rules import SCENES, judged
from wxbackend.content.screening import ask
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import TooMany, UpstreamFailed
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.push import PushTaken
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.core.wxmini import PushEvent, Suggestion

BATCH = 50
TRACE_LENGTH = 128
log = structlog.get_logger()


def look_again() -> None:
    """Everything that is due, each by itself: a fault of one stops no other."""
    with reading() as session:
        waiting = rechecks.due(session, now=ports().now(), limit=BATCH)
    one_by_one("content", waiting, lambda due: _look(*due))


def _look(public_id: str, seen: datetime) -> None:
    now = ports().now()
    with transaction() as session:
        found = rechecks.take(session, public_id=public_id, seen=seen, safe=vault(), now=now)
        if found is not None and found.is_hopeless(now):
            rechecks.leave_to_staff(session, public_id=public_id)
            return
    if found is None:
        return
    if found.subject is ContentSubject.AVATAR:
        hand_in(found.key, openid=found.openid)
    else:
        _ask_again(found)


def _ask_again(found: Due) -> None:
    opinion = ask(found.subject, found.text, mini=ports().mini, openid=found.openid)
    with transaction() as session:
        rechecks.heard(
            session, public_id=found.public_id, created_at=found.created_at, opinion=opinion, now=ports().now()
        )


def hand_in(token: str, *, openid: str) -> None:
    """Give WeChat the address of a picture. What fails is tried again by the clock."""
    asked, safe, base_url = ports(), vault(), settings().public_base_url
    url = avatars.check_url(token, base_url=base_url, safe=safe, now=asked.now())
    try:
        trace = asked.mini.submit_image(url, openid=openid, scene=SCENES[ContentSubject.AVATAR])
    except (UpstreamFailed, TooMany) as error:
        log.warning("picture not handed in", kind=type(error).__name__)
        return
    with transaction() as session:
        avatars.note_submission(session, token=token, trace_id=trace, now=asked.now())


def take_media_check(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """wxa_media_check: what WeChat found of a picture. It may come before we noted under which trace we asked."""
    facts = _facts(event)
    trace_id = facts["trace_id"]
    if not trace_id:
        return PushTaken(PushState.IGNORED)
    review = rechecks.picture_of(session, trace_id=trace_id)
    if review is None:
        return PushTaken(PushState.WAITING, facts)
    if review.status is ReviewStatus.PENDING:
        found = facts["result"]
        if facts["errcode"] or found["suggest"] not in set(Suggestion):
            rechecks.hand_in_again(session, review=review, now=now)
        else:
            opinion = judged(Suggestion(found["suggest"]), found["label"])
            rechecks.heard(session, public_id=review.public_id, created_at=review.created_at, opinion=opinion, now=now)
    return PushTaken(PushState.DONE, facts)


def _facts(event: PushEvent) -> dict[str, Any]:
    """The part of the event that decides, in WeChat's own names, whatever else stands in it."""
    told = event.document
    result = told.get("result")
    result = result if isinstance(result, dict) else {}
    trace, errcode, label = told.get("trace_id"), told.get("errcode", 0), result.get("label")
    return {
        "trace_id": trace if isinstance(trace, str) and len(trace) <= TRACE_LENGTH else "",
        "errcode": errcode if isinstance(errcode, int) else -1,
        "result": {"suggest": str(result.get("suggest", "")), "label": label if isinstance(label, int) else None},
    }


PUSHES = {"wxa_media_check": take_media_check}
TIMETABLE = (Timed("look-again-at-content", timedelta(minutes=1), look_again),)
