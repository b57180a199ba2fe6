"""The inbox, and the consents that subscribe messages use up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from models import InboxMessage, MessageConsent, MessageDelivery, MessageKind, Resident, ResidentStatus
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import NotFound
from wxbackend.core.sql import insert_into
from wxbackend.core.wxmini import Delivery
from wxbackend.identity.service import openid_place
from wxbackend.messages.facts import News
from wxbackend.messages.rules import CONSENTS_KEPT, WORDINGS
from wxbackend.messages.templates import Template


@dataclass(frozen=True, slots=True)
class Letter:
    """A subscribe message that is due; what WeChat says of it is noted on inbox row ``message_id``."""

    message_id: int
    openid: str
    template_id: str
    fields: Mapping[str, str]
    page: str


def tell(
    session: Session, *, item: News, template: Template | None, public_id: str, safe: Vault, now: datetime
) -> Letter | None:
    """Write the inbox row once, taking one consent with it; the letter to send, if one is due.

    Told again before the letter's fate was noted, it gives the same letter and takes no second consent. Whoever has
    left is told nothing.
    """
    resident = session.execute(
        select(Resident.row_key, Resident.openid_sealed).where(
            Resident.id == item.resident_id, Resident.status == ResidentStatus.ACTIVE
        )
    ).one_or_none()
    if resident is None or resident.openid_sealed is None:
        return None
    message_id = _write(session, item=item, public_id=public_id, now=now)
    if message_id is not None:
        due = template is not None and _take_consent(session, item=item, message_id=message_id, now=now)
    else:
        message_id = _undelivered(session, item=item)
        due = message_id is not None
    if template is None or not due or message_id is None:
        return None
    return Letter(
        message_id=message_id,
        openid=safe.open(resident.openid_sealed, place=openid_place(resident.row_key)),
        template_id=template.id,
        fields=template.filled(item.facts),
        page=_page(template.page, item),
    )


def _page(pattern: str, item: News) -> str:
    return pattern.replace("{document}", item.document).replace("{token}", item.facts.get("token", ""))


def _write(session: Session, *, item: News, public_id: str, now: datetime) -> int | None:
    """The id of the new row; ``None`` if it was told before."""
    wording = WORDINGS[item.kind]
    row = {
        "public_id": public_id,
        "resident_id": item.resident_id,
        "kind": item.kind,
        "key": item.key,
        "title": wording.title(item.facts),
        "body": wording.body.format_map(item.facts),
        "page": _page(wording.page, item),
        "created_at": now,
        "delivery": MessageDelivery.NONE,
    }
    once = insert_into(session, InboxMessage).values(row)
    once = once.on_conflict_do_nothing(index_elements=["resident_id", "kind", "key"])
    written: int | None = session.execute(once.returning(InboxMessage.id)).scalar()
    return written


def _take_consent(session: Session, *, item: News, message_id: int, now: datetime) -> bool:
    """Use one consent up, if there is one; one statement decides between two messages for the last."""
    taken = session.scalar(
        update(MessageConsent)
        .where(
            MessageConsent.resident_id == item.resident_id,
            MessageConsent.kind == item.kind,
            MessageConsent.remaining > 0,
        )
        .values(remaining=MessageConsent.remaining - 1, updated_at=now)
        .returning(MessageConsent.remaining)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        return False
    _set_delivery(session, message_id=message_id, frm=MessageDelivery.NONE, to=MessageDelivery.WAITING)
    return True


def _undelivered(session: Session, *, item: News) -> int | None:
    """The row of a letter that was due, and of which nothing was noted."""
    return session.scalar(
        select(InboxMessage.id).where(
            InboxMessage.resident_id == item.resident_id,
            InboxMessage.kind == item.kind,
            InboxMessage.key == item.key,
            InboxMessage.delivery == MessageDelivery.WAITING,
        )
    )


def _set_delivery(
    session: Session, *, message_id: int, frm: MessageDelivery, to: MessageDelivery
) -> tuple[int, MessageKind] | None:
    """(resident, kind) of the message; ``None`` if it was not ``frm``."""
    row = session.execute(
        update(InboxMessage)
        .where(InboxMessage.id == message_id, InboxMessage.delivery == frm)
        .values(delivery=to)
        .returning(InboxMessage.resident_id, InboxMessage.kind)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return (row.resident_id, row.kind) if row else None


def note_delivery(session: Session, *, message_id: int, outcome: Delivery, now: datetime) -> None:
    """What WeChat said. Refused means that no consent is left there, whatever we counted."""
    to = MessageDelivery(outcome.value)
    noted = _set_delivery(session, message_id=message_id, frm=MessageDelivery.WAITING, to=to)
    if noted is not None and outcome is Delivery.REFUSED:
        resident_id, kind = noted
        session.execute(
            update(MessageConsent)
            .where(MessageConsent.resident_id == resident_id, MessageConsent.kind == kind)
            .values(remaining=0, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def give_consents(
    session: Session, *, resident_id: int, kinds: Collection[MessageKind], now: datetime
) -> Mapping[MessageKind, int]:
    """Count one more consent of each kind; how many there are of each now."""
    rows = [
        {"resident_id": resident_id, "kind": kind, "remaining": 1, "updated_at": now} for kind in sorted(set(kinds))
    ]
    counted = insert_into(session, MessageConsent).values(rows)
    more = case((MessageConsent.remaining < CONSENTS_KEPT, MessageConsent.remaining + 1), else_=CONSENTS_KEPT)
    counted = counted.on_conflict_do_update(
        index_elements=["resident_id", "kind"], set_={"remaining": more, "updated_at": now}
    )
    found = session.execute(counted.returning(MessageConsent.kind, MessageConsent.remaining))
    return {row.kind: row.remaining for row in found}


def inbox(
    session: Session, *, resident_id: int, before_id: int | None, limit: int
) -> tuple[Sequence[InboxMessage], int]:
    """Newest first, below ``before_id``; and how many of all are unread."""
    mine = InboxMessage.resident_id == resident_id
    query = select(InboxMessage).where(mine)
    if before_id is not None:
        query = query.where(InboxMessage.id < before_id)
    rows = session.scalars(query.order_by(InboxMessage.id.desc()).limit(limit)).all()
    unread = session.scalar(select(func.count()).select_from(InboxMessage).where(mine, InboxMessage.read_at.is_(None)))
    return rows, unread or 0


def read_message(session: Session, *, resident_id: int, public_id: str, now: datetime) -> None:
    """The first reading counts. Raises ``NotFound``, also for what is somebody else's."""
    found = session.scalar(
        update(InboxMessage)
        .where(InboxMessage.public_id == public_id, InboxMessage.resident_id == resident_id)
        .values(read_at=func.coalesce(InboxMessage.read_at, now))
        .returning(InboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    if found is None:
        raise NotFound("消息不存在")


def read_all(session: Session, *, resident_id: int, now: datetime) -> None:
    session.execute(
        update(InboxMessage)
        .where(InboxMessage.resident_id == resident_id, InboxMessage.read_at.is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )


def erase_messages(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    """Inbox and consents go: they say what somebody did, and serve nobody else."""
    session.execute(delete(InboxMessage).where(InboxMessage.resident_id == resident_id))
    session.execute(delete(MessageConsent).where(MessageConsent.resident_id == resident_id))
