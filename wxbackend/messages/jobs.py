"""What the worker does about messages: tell residents, and take pushes that came too early."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from models import MessageKind
from wxbackend.core import outbox
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.core.health import alarm
from wxbackend.core.news import TELL
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports, vault
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.core.wxmini import Delivery
from wxbackend.messages import pushes
from wxbackend.messages import service as messages
from wxbackend.messages.facts import read_news
from wxbackend.messages.service import Letter

BATCH = 200
#: Says once a day that a template is refused: it is wrong for everybody until somebody mends it.
TEMPLATE_REFUSED = "message.template-refused"


def tell(payload: Mapping[str, Any]) -> None:
    """The inbox first, in a transaction of its own, and then WeChat. A crash in between sends once more at most."""
    ask, kind = ports(), MessageKind(payload["kind"])
    template = current_app.extensions["xiangshu.templates"].get(kind)
    with transaction() as session:
        item = read_news(session, kind=kind, document=payload["document"], now=ask.now())
        letter = item and messages.tell(
            session, item=item, template=template, public_id=ask.new_id(), safe=vault(), now=ask.now()
        )
    if letter:
        _send(letter)


def _send(letter: Letter) -> None:
    """While WeChat is away the letter stays due: the outbox tries again."""
    ask = ports()
    outcome = ask.mini.send_message(
        openid=letter.openid, template_id=letter.template_id, fields=letter.fields, page=letter.page
    )
    with transaction() as session:
        messages.note_delivery(session, message_id=letter.message_id, outcome=outcome, now=ask.now())
        if outcome is Delivery.INVALID:
            _report_template(session, template_id=letter.template_id, now=ask.now())


def _report_template(session: Session, *, template_id: str, now: datetime) -> None:
    key = f"{template_id}:{china_date(now)}"
    outbox.enqueue(session, topic=TEMPLATE_REFUSED, key=key, payload={"template_id": template_id}, now=now)


def report_template(payload: Mapping[str, Any]) -> None:
    alarm("message-template", template_id=payload["template_id"])


def take_waiting_pushes() -> None:
    """Give pushes another try that came before what they speak of. A fault of one stops no other."""
    now = ports().now()
    with reading() as session:
        keys = pushes.waiting(session, now=now, limit=BATCH)
    one_by_one("waiting push", keys, _take_again)


def _take_again(key: str) -> None:
    with transaction() as session:
        pushes.take_again(session, key=key, takers=current_app.extensions["xiangshu.pushes"], now=ports().now())


HANDLERS: tuple[tuple[str, Handler], ...] = ((TELL, tell), (TEMPLATE_REFUSED, report_template))
TIMETABLE = (Timed("waiting-pushes", timedelta(minutes=1), take_waiting_pushes),)
