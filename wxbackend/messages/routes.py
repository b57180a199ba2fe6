"""Messages for a resident, and the door that WeChat pushes to."""

import structlog
from flask import Blueprint, Response, current_app, request

from wxbackend.core.db import transaction
from wxbackend.core.health import alarm
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, wechat
from wxbackend.core.ports import ports
from wxbackend.core.wxmini import PushEvent
from wxbackend.core.wxpay import WrongRecipient
from wxbackend.messages import pushes

callbacks = Blueprint("wxpush", __name__)
log = structlog.get_logger()


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
    log.info("push taken", event_type=event.event, state=state or "repeated")
    return _text("success")


def _opened() -> PushEvent:
    """Raises ``BadPush``; a genuine one for somebody else's appid alarms: keys are configured crosswise."""
    try:
        return ports().push.open(query=request.args.to_dict(), body=request.get_data())
    except WrongRecipient:
        alarm("wrong-recipient", door="push")
        raise
