"""Messages for a resident, and the door that WeChat pushes to."""

import structlog
from flask import Blueprint, Response, current_app, request
from flask_openapi import APIBlueprint

from wxbackend.core.counters import NOTICES
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import InvalidInput
from wxbackend.core.health import alarm
from wxbackend.core.http import answer, no_content
from wxbackend.core.idempotency import answer_once
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, current_caller, resident, wechat
from wxbackend.core.ports import ports
from wxbackend.core.schema import NewestFirstQuery, cut_page
from wxbackend.core.wxmini import BadPush, PushEvent
from wxbackend.core.wxpay import WrongRecipient
from wxbackend.messages import pushes
from wxbackend.messages import service as messages
from wxbackend.messages.schemas import (
    ConsentsAnswer,
    ConsentsBody,
    InboxAnswer,
    MessageAnswer,
    MessagePath,
    TemplatesAnswer,
)
from wxbackend.messages.templates import Templates

bp = APIBlueprint("messages", __name__)
callbacks = Blueprint("wxpush", __name__)
DOOR = "push"
log = structlog.get_logger()


def _templates() -> Templates:
    found: Templates = current_app.extensions["xiangshu.templates"]
    return found


@bp.get("/v1/me/messages", operation_id="listMyMessages", responses={200: InboxAnswer})
@allow(resident)
def list_my_messages(query: NewestFirstQuery) -> Response:
    """My messages, newest first, and how many I have not read."""
    with reading() as session:
        rows, unread = messages.inbox(
            session, resident_id=current_caller().id, before_id=query.before_id(), limit=query.limit + 1
        )
    page, cursor = cut_page(rows, query.limit, position=lambda row: (row.id,))
    return answer(InboxAnswer(items=[MessageAnswer.of(row) for row in page], next_cursor=cursor, unread=unread))


@bp.post("/v1/me/messages/<string:message_id>/read", operation_id="readMessage", responses={204: None})
@allow(resident)
def read_message(path: MessagePath) -> Response:
    """I have read it."""
    with transaction() as session:
        messages.read_message(session, resident_id=current_caller().id, public_id=path.message_id, now=ports().now())
    return no_content()


@bp.post("/v1/me/messages/read-all", operation_id="readAllMessages", responses={204: None})
@allow(resident)
def read_all_messages() -> Response:
    """I have read them all."""
    with transaction() as session:
        messages.read_all(session, resident_id=current_caller().id, now=ports().now())
    return no_content()


@bp.get("/v1/message-templates", operation_id="listMessageTemplates", responses={200: TemplatesAnswer})
@allow(resident)
def list_message_templates() -> Response:
    """What to ask consent for before paying: one consent is one message."""
    return answer(TemplatesAnswer.of(_templates()))


@bp.post("/v1/me/message-consents", operation_id="giveMessageConsents", responses={201: ConsentsAnswer})
@limiter.limit("60/minute")
@allow(resident)
def give_message_consents(body: ConsentsBody) -> Response:
    """Count what I have just accepted in WeChat's own dialogue."""
    caller, known = current_caller(), _templates()
    if unknown := [at for at, kind in enumerate(body.accepted) if kind not in known]:
        raise InvalidInput.at(f"/body/accepted/{unknown[0]}", "该类消息没有订阅模板")
    with transaction() as session, answer_once(session, caller=caller) as kept:
        counts = messages.give_consents(session, resident_id=caller.id, kinds=body.accepted, now=ports().now())
        kept.keep(ConsentsAnswer.of(counts), 201)
    return kept.response()


def _text(words: str) -> Response:
    return Response(words, content_type="text/plain; charset=utf-8")


@callbacks.get("/wx/push")
@limiter.limit("600/minute")
@allow(wechat)
def push_address() -> Response:
    """WeChat tries the address once, when it is configured: it hears its own words."""
    return _text(ports().push.echo(request.args.to_dict()))


@callbacks.post("/wx/push")
@limiter.limit("6000/minute")
@allow(wechat)
def push() -> Response:
    """A message push. Verified and decrypted here, noted and taken in one transaction, nobody called."""
    event = _opened()
    with transaction() as session:
        state = pushes.take(session, event=event, takers=current_app.extensions["xiangshu.pushes"], now=ports().now())
    NOTICES.labels(DOOR, state or "repeated").inc()
    log.info("push taken", event_type=event.event, state=state or "repeated")
    return _text("success")


def _opened() -> PushEvent:
    """Raises ``BadPush``; a genuine one for somebody else's appid alarms: keys are configured crosswise."""
    ask = ports()
    try:
        event = ask.push.open(query=request.args.to_dict(), body=request.get_data())
        pushes.check_fresh(event, now=ask.now())
    except BadPush:
        NOTICES.labels(DOOR, BadPush.code).inc()
        raise
    except WrongRecipient:
        NOTICES.labels(DOOR, WrongRecipient.code).inc()
        alarm("wrong-recipient", door=DOOR)
        raise
    return event
