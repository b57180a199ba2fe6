"""Names with what was found of them, for whatever prints or shows one. No statement of its own."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_
from sqlalchemy.orm import aliased

from models import ContentReview, ContentSubject, Pledge, Resident, ReviewStatus
from wxbackend.content.rules import Name, NameChoice, choose_name
from wxbackend.core.crypto import Vault, place_of

_OfHolder, _OfProfile = aliased(ContentReview, name="holder_review"), aliased(ContentReview, name="profile_review")


def with_names(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Add what was found of the name with the pledge, and of the one in the profile: two columns, last."""
    holder = and_(_OfHolder.subject == ContentSubject.HOLDER_NAME, _OfHolder.key == Pledge.number)
    profile = and_(_OfProfile.subject == ContentSubject.PROFILE_NAME, _OfProfile.key == Resident.row_key)
    joined = query.outerjoin(_OfHolder, holder).outerjoin(_OfProfile, profile)
    return joined.add_columns(_OfHolder.status.label("holder_status"), _OfProfile.status.label("profile_status"))


def name_of(
    pledge: Pledge,
    resident: Resident,
    *,
    statuses: Sequence[ReviewStatus | None],
    safe: Vault,
) -> NameChoice:
    """The name of a giver; never the nickname of WeChat. ``statuses`` as ``with_names`` adds them."""
    of_holder, of_profile = statuses
    given = safe.open_optional(pledge.holder_name_sealed, place=place_of("pledge", "holder_name", pledge.row_key))
    profile = safe.open_optional(resident.name_sealed, place=place_of("resident", "name", resident.row_key))
    return choose_name(
        Name(given, of_holder) if given else None,
        Name(profile, of_profile) if profile else None,
    )
