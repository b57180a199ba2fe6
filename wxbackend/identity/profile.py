"""What a resident told us about themselves: name, nickname and phone number, sealed; and what was found of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Avatar, ContentReview, ContentSubject, Resident, ResidentStatus, ReviewStatus
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.errors import NotSignedIn


@dataclass(frozen=True, slots=True)
class Profile:
    """``row_key`` is the row's own name: what was found of its texts is kept under it."""

    name: str | None
    nickname: str | None
    phone: str | None
    created_at: datetime
    row_key: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found of name, nickname and newest picture; ``avatar_token`` is that of the picture to show."""

    name: ReviewStatus | None
    nickname: ReviewStatus | None
    avatar: ReviewStatus | None
    avatar_token: str | None


def profile_of(resident: Resident, *, safe: Vault) -> Profile:
    """Open the sealed fields of a row."""
    return Profile(
        name=safe.open_optional(resident.name_sealed, place=_place(resident, "name")),
        nickname=safe.open_optional(resident.nickname_sealed, place=_place(resident, "nickname")),
        phone=safe.open_optional(resident.phone_sealed, place=_place(resident, "phone")),
        created_at=resident.created_at,
        row_key=resident.row_key,
    )


def read_profile(session: Session, *, resident_id: int, safe: Vault) -> Profile:
    return profile_of(session.get_one(Resident, resident_id), safe=safe)


def read_standing(session: Session, *, resident_id: int) -> Standing:
    """Two statements."""
    texts = select(ContentReview.subject, ContentReview.status).where(
        ContentReview.resident_id == resident_id,
        ContentReview.subject.in_((ContentSubject.PROFILE_NAME, ContentSubject.NICKNAME)),
    )
    found = dict(session.execute(texts).all())
    pictures = select(Avatar.status, Avatar.token).where(Avatar.resident_id == resident_id).order_by(Avatar.id.desc())
    avatars = session.execute(pictures).all()
    return Standing(
        name=found.get(ContentSubject.PROFILE_NAME),
        nickname=found.get(ContentSubject.NICKNAME),
        avatar=avatars[0].status if avatars else None,
        avatar_token=next((token for status, token in avatars if status is ReviewStatus.APPROVED), None),
    )


def change_texts(session: Session, *, resident_id: int, texts: Mapping[str, str | None], safe: Vault) -> Profile:
    """Keep ``name`` and ``nickname`` as given (see ``rules``), those of them that ``texts`` has; ``None`` forgets."""
    resident = lock_active(session, resident_id=resident_id)
    if "name" in texts:
        resident.name_sealed = _sealed(resident, "name", texts["name"], safe)
    if "nickname" in texts:
        resident.nickname_sealed = _sealed(resident, "nickname", texts["nickname"], safe)
    return profile_of(resident, safe=safe)


def _sealed(resident: Resident, column: str, text: str | None, safe: Vault) -> str | None:
    return safe.seal(text, place=_place(resident, column)) if text else None


def phone_index(phone: str, *, safe: Vault) -> str:
    """By this a person is found again by their phone; nobody reads the number from it."""
    return safe.index.of(phone, purpose="phone")


def set_phone(session: Session, *, resident_id: int, phone: str, safe: Vault) -> Profile:
    """Keep the number that WeChat vouched for."""
    resident = lock_active(session, resident_id=resident_id)
    resident.phone_sealed = safe.seal(phone, place=_place(resident, "phone"))
    resident.phone_index = phone_index(phone, safe=safe)
    return profile_of(resident, safe=safe)


def index_phones(session: Session, *, after_id: int, limit: int, safe: Vault) -> tuple[int, int | None]:
    """Index the next ``limit`` phones that were bound before there was an index: how many, and where to go on."""
    unindexed = Resident.phone_sealed.is_not(None), Resident.phone_index.is_(None), Resident.id > after_id
    query = select(Resident).where(*unindexed).order_by(Resident.id).limit(limit).with_for_update()
    rows = session.scalars(query).all()
    for resident in rows:
        phone = safe.open(resident.phone_sealed or "", place=_place(resident, "phone"))
        resident.phone_index = phone_index(phone, safe=safe)
    return len(rows), rows[-1].id if len(rows) == limit else None


def lock_active(session: Session, *, resident_id: int) -> Resident:
    """The locked row. ``NotSignedIn``: an erasure that got there first has ended the session of this request."""
    query = select(Resident).where(Resident.id == resident_id, Resident.status == ResidentStatus.ACTIVE)
    resident = session.scalar(query.with_for_update())
    if resident is None:
        raise NotSignedIn
    return resident


def _place(resident: Resident, column: str) -> str:
    return place_of("resident", column, resident.row_key)
