"""The texts that residents agree to, version by version, and who agreed to which (同意记录).

A version that was published is never edited: a changed text is a new version, and everybody is asked again.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models import Consent, LegalText
from wxbackend.core.dates import CHINA
from wxbackend.core.errors import Conflict, InvalidInput
from wxbackend.core.schema import Schema
from wxbackend.core.sql import insert_into

TEXTS_DIR = Path(__file__).parent / "texts"


class NotCurrentVersion(Conflict):
    code, title = "not-current-version", "文本已更新，请阅读并同意最新版本"


class PublishedVersion(Conflict):
    code, title = "published-version", "已发布的文本版本不得修改，请使用新的版本号"


class LegalDocument(Schema):
    """One version of a text as a TOML file holds it. It is in force from the first minute of a day in China."""

    text: Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,29}$")]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,19}$")]
    title: Annotated[str, Field(min_length=1, max_length=40)]
    in_force_from: date
    body: Annotated[str, Field(min_length=1, max_length=100_000)]


def read_document(path: Path) -> LegalDocument:
    return LegalDocument.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def supplied_documents() -> list[LegalDocument]:
    """The texts that come with the program. Whoever runs it has them reviewed, and loads their own."""
    return [read_document(path) for path in sorted(TEXTS_DIR.glob("*.toml"))]


def load(session: Session, *, documents: Iterable[LegalDocument]) -> int:
    """Publish documents; how many were new. Raises ``PublishedVersion`` for a changed text under an old version."""
    return sum(_publish(session, document) for document in documents)


def _publish(session: Session, document: LegalDocument) -> bool:
    row = {
        **document.model_dump(),
        "in_force_from": datetime.combine(document.in_force_from, time(), tzinfo=CHINA),
    }
    statement = insert_into(session, LegalText).values(row).on_conflict_do_nothing().returning(LegalText.id)
    if session.scalar(statement) is not None:
        return True
    known = _version(session, text=document.text, version=document.version)
    if (known.title, known.body, known.in_force_from) != (document.title, document.body, row["in_force_from"]):
        raise PublishedVersion(f"{document.text} {document.version}")
    return False


def _version(session: Session, *, text: str, version: str) -> LegalText:
    return session.scalars(select(LegalText).where(LegalText.text == text, LegalText.version == version)).one()


def current_texts(session: Session, *, now: datetime) -> Sequence[LegalText]:
    """The version in force of every text. One statement."""
    newest_first = (LegalText.in_force_from.desc(), LegalText.id.desc())
    ranked = (
        select(LegalText.id, func.row_number().over(partition_by=LegalText.text, order_by=newest_first).label("rank"))
        .where(LegalText.in_force_from <= now)
        .subquery()
    )
    query = select(LegalText).join(ranked, ranked.c.id == LegalText.id).where(ranked.c.rank == 1)
    return session.scalars(query.order_by(LegalText.text)).all()


@dataclass(frozen=True, slots=True)
class Given:
    """A consent; ``is_new`` unless it had been given before."""

    at: datetime
    is_new: bool


def give_consent(session: Session, *, resident_id: int, text: str, version: str, now: datetime) -> Given:
    """Accept the current version, once. Raises ``NotCurrentVersion``."""
    current = next((found for found in current_texts(session, now=now) if found.text == text), None)
    if current is None:
        raise InvalidInput.at("/body/text", "没有这份文本")
    if current.version != version:
        raise NotCurrentVersion(current_version=current.version)
    row = {"resident_id": resident_id, "legal_text_id": current.id, "given_at": now}
    statement = insert_into(session, Consent).values(row).on_conflict_do_nothing().returning(Consent.id)
    is_new = session.scalar(statement) is not None
    given = Consent.resident_id == resident_id, Consent.legal_text_id == current.id
    return Given(session.scalars(select(Consent.given_at).where(*given)).one(), is_new)


class ConsentState(StrEnum):
    GIVEN = "given"
    OUTDATED = "outdated"  # an earlier version was accepted
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """How a resident stands to one text; ``version`` is the current one, the other two are of the last accepted."""

    text: str
    title: str
    version: str
    state: ConsentState
    accepted_version: str | None
    given_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Version:
    text: str
    title: str
    version: str
    given_at: datetime | None


def consents_of(session: Session, *, resident_id: int, now: datetime) -> list[ConsentStanding]:
    """The resident's standing to every text in force. One statement, which reads no body."""
    mine = and_(Consent.legal_text_id == LegalText.id, Consent.resident_id == resident_id)
    rows = session.execute(
        select(LegalText.text, LegalText.title, LegalText.version, Consent.given_at)
        .outerjoin(Consent, mine)
        .where(LegalText.in_force_from <= now)
        .order_by(LegalText.text, LegalText.in_force_from, LegalText.id)
    )
    versions = [_Version(*row) for row in rows]
    return [_standing(list(group)) for _, group in groupby(versions, key=lambda version: version.text)]


def _standing(versions: Sequence[_Version]) -> ConsentStanding:
    """``versions`` of one text, the current one last."""
    current = versions[-1]
    accepted = next((version for version in reversed(versions) if version.given_at), None)
    state = ConsentState.GIVEN if accepted is current else ConsentState.OUTDATED if accepted else ConsentState.MISSING
    return ConsentStanding(
        text=current.text,
        title=current.title,
        version=current.version,
        state=state,
        accepted_version=accepted.version if accepted else None,
        given_at=accepted.given_at if accepted else None,
    )
