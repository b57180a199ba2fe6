"""Asking WeChat what it thinks of texts: by entry points, between transactions, never inside one."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog

from models import ContentSubject, ReviewStatus
from wxbackend.content.rules import BUDGET, RISKY, SCENES, UNHEARD, Checked, Opinion, Said, opinion_of
from wxbackend.core.errors import InvalidInput, TooMany, UpstreamFailed
from wxbackend.core.wxmini import MiniProgram

log = structlog.get_logger()


class ContentRisky(InvalidInput):
    code, title = "content-risky", "内容不符合平台规范，请修改后再提交"


def screen(
    said: Sequence[Said], *, mini: MiniProgram, openid: str, clock: Callable[[], datetime]
) -> tuple[Checked, ...]:
    """One call a text. What WeChat does not say in time waits for a second look; it is not the writer's fault."""
    ends_at = clock() + BUDGET
    return tuple(
        Checked(each, ask(each.subject, each.text, mini=mini, openid=openid) if clock() < ends_at else UNHEARD)
        for each in said
    )


def ask(subject: ContentSubject, text: str, *, mini: MiniProgram, openid: str) -> Opinion:
    nickname = text if subject is ContentSubject.NICKNAME else None
    try:
        return opinion_of(mini.check_text(text, openid=openid, scene=SCENES[subject], nickname=nickname))
    except (UpstreamFailed, TooMany) as error:
        log.warning("text not judged", subject=str(subject), kind=type(error).__name__)
        return UNHEARD


def refuse_risky(checked: Iterable[Checked]) -> None:
    """Raises ``ContentRisky`` that names every such field. Inside the transaction, so that a repeated request gets
    its first answer whatever WeChat says now."""
    risky = [each.said.field for each in checked if each.opinion.cause == RISKY]
    if risky:
        message = ContentRisky.title
        raise ContentRisky(errors=[{"field": field, "message": message} for field in risky])


def status_of(checked: Iterable[Checked], subject: ContentSubject) -> ReviewStatus:
    """What was found of the text of ``subject``; PENDING if none was sent."""
    found = [each.opinion.status for each in checked if each.said.subject is subject]
    return found[0] if found else ReviewStatus.PENDING
