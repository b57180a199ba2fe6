"""What people write of themselves, judged: kept with what was found, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from models import ContentSubject, ReviewStatus
from wxbackend.content.rules import Checked, Said
from wxbackend.content.service import NAME_DECIDED, Whose, record
from wxbackend.core import outbox
from wxbackend.core.crypto import Vault
from wxbackend.identity.forgetting import drop_reviews
from wxbackend.identity.profile import Profile, change_texts

#: The fields of a profile that others may come to see.
FIELDS: Mapping[str, ContentSubject] = MappingProxyType(
    {"name": ContentSubject.PROFILE_NAME, "nickname": ContentSubject.NICKNAME}
)


def said(texts: Mapping[str, str | None]) -> list[Said]:
    return [Said(FIELDS[field], f"/body/{field}", text) for field, text in texts.items() if text]


def change(
    session: Session,
    *,
    resident_id: int,
    texts: Mapping[str, str | None],
    checked: Sequence[Checked],
    safe: Vault,
    now: datetime,
) -> Profile:
    """Keep or forget what ``texts`` has. Raises ``NotSignedIn`` after an erasure."""
    mine = change_texts(session, resident_id=resident_id, texts=texts, safe=safe)
    forgotten = {FIELDS[field] for field, text in texts.items() if not text}
    if forgotten:
        drop_reviews(session, resident_id=resident_id, subjects=forgotten)
    record(session, checked=checked, whose=Whose(mine.row_key, resident_id), safe=safe, now=now)
    if ContentSubject.PROFILE_NAME in forgotten | _decided(checked):
        key = f"{resident_id} {now:%Y%m%d%H%M%S%f}"
        outbox.enqueue(session, topic=NAME_DECIDED, key=key, payload={"resident": resident_id}, now=now)
    return mine


def _decided(checked: Sequence[Checked]) -> set[ContentSubject]:
    return {each.said.subject for each in checked if each.opinion.status is not ReviewStatus.PENDING}
