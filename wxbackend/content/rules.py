"""What a verdict means, how long things wait for one, and whose name may be shown. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from models import ContentSubject, DedicationStatus, ReviewStatus
from wxbackend.core.wxmini import Suggestion, TextScene, Verdict

#: All checks of one request; what is left then is treated as unavailable.
BUDGET = timedelta(seconds=4)
#: WeChat judges only for somebody who used the mini-program within two hours.
FRESH = timedelta(hours=2)
RECHECK_EVERY = timedelta(minutes=10)
#: WeChat promises the verdict on a picture within half an hour.
RESULT_WAIT = timedelta(minutes=30)
MOST_SUBMISSIONS = 2
#: How long the address that WeChat fetches a picture from is good.
CHECK_ADDRESS_LIFE = timedelta(hours=1)

PASSED, DOUBTED, RISKY = "pass", "review", "risky"
UNAVAILABLE, NO_RESULT, BY_STAFF = "unavailable", "no_result", "staff"

SCENES: Mapping[ContentSubject, TextScene] = MappingProxyType(
    {
        ContentSubject.DEDICATION: TextScene.COMMENT,
        ContentSubject.HOLDER_NAME: TextScene.PROFILE,
        ContentSubject.PLATE_TEXT: TextScene.PROFILE,
        ContentSubject.PROFILE_NAME: TextScene.PROFILE,
        ContentSubject.NICKNAME: TextScene.PROFILE,
        ContentSubject.AVATAR: TextScene.PROFILE,
    }
)
#: These decide what a certificate prints.
NAMES = frozenset({ContentSubject.HOLDER_NAME, ContentSubject.PROFILE_NAME})
#: These tell who somebody is: staff read them for a reason.
PERSONAL = NAMES | {ContentSubject.NICKNAME}
#: WeChat's numbers for the kinds of content.
LABELS: Mapping[int, str] = MappingProxyType(
    {
        100: "正常",
        10001: "广告",
        20001: "时政",
        20002: "色情",
        20003: "辱骂",
        20006: "违法犯罪",
        20008: "欺诈",
        20012: "低俗",
        20013: "版权",
        21000: "其他",
    }
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text that somebody sent; ``field`` is its JSON pointer in the request."""

    subject: ContentSubject
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found, and why (see ``ContentReview.cause``); ``label`` is WeChat's."""

    status: ReviewStatus
    cause: str
    label: int | None = None


#: WeChat did not say: nothing is shown until somebody does.
UNHEARD = Opinion(ReviewStatus.PENDING, UNAVAILABLE)
_OPINIONS = MappingProxyType(
    {
        Suggestion.PASS: (ReviewStatus.APPROVED, PASSED),
        Suggestion.REVIEW: (ReviewStatus.PENDING, DOUBTED),
        Suggestion.RISKY: (ReviewStatus.REJECTED, RISKY),
    }
)


@dataclass(frozen=True, slots=True)
class Checked:
    said: Said
    opinion: Opinion


def opinion_of(verdict: Verdict) -> Opinion:
    return judged(verdict.suggestion, verdict.label)


def judged(suggestion: Suggestion, label: int | None) -> Opinion:
    status, cause = _OPINIONS[suggestion]
    return Opinion(status, cause, label)


def next_check(opinion: Opinion, *, created_at: datetime, now: datetime) -> datetime | None:
    """When to ask again; ``None`` where a person has to decide, or nothing is left to decide."""
    later = now + RECHECK_EVERY
    waits = opinion.status is ReviewStatus.PENDING and opinion.cause == UNAVAILABLE
    return later if waits and later < created_at + FRESH else None


def dedication_status(status: ReviewStatus) -> DedicationStatus:
    return DedicationStatus(str(status))


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a person gave, and what was found of it; ``None``: nobody looked yet."""

    text: str
    status: ReviewStatus | None


@dataclass(frozen=True, slots=True)
class NameChoice:
    """The name to print or show. While it ``waits`` for a decision it may be neither."""

    name: Name | None
    subject: ContentSubject | None

    @property
    def waits(self) -> bool:
        return self.name is not None and self.name.status is not ReviewStatus.APPROVED

    @property
    def approved(self) -> str | None:
        return None if self.name is None or self.waits else self.name.text


NOBODY = NameChoice(None, None)


def choose_name(given: Name | None, profile: Name | None) -> NameChoice:
    """The name given with a pledge, else that of the profile; a rejected one stands nowhere.

    A decision on the given name is awaited. Once it is rejected, the profile's counts if it is approved already.
    """
    if given is not None and given.status is not ReviewStatus.REJECTED:
        return NameChoice(given, ContentSubject.HOLDER_NAME)
    if profile is None or profile.status is ReviewStatus.REJECTED:
        return NOBODY
    if given is not None and profile.status is not ReviewStatus.APPROVED:
        return NOBODY
    return NameChoice(profile, ContentSubject.PROFILE_NAME)
