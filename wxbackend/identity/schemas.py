"""Questions and answers about a resident."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from models import LegalText, ResidentSession, ReviewStatus
from wxbackend.core.schema import Answer, Moment, Schema
from wxbackend.identity.legal import ConsentStanding, ConsentState
from wxbackend.identity.profile import Profile, Standing
from wxbackend.identity.rules import mask_phone

Code = Annotated[str, Field(min_length=1, max_length=128)]


class SignInBody(Schema):
    """``code`` is what ``wx.login`` gave the client."""

    code: Code


class PhoneBody(Schema):
    """``code`` is what the phone number button gave the client."""

    code: Code


class ProfileBody(Schema):
    """Only what is sent is changed; null forgets it.

    ``name`` is what certificates print unless a pledge says otherwise; ``nickname`` is what WeChat's form field gave.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    nickname: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("请提供 name 或 nickname")
        return self


class ConsentBody(Schema):
    text: Annotated[str, Field(min_length=1, max_length=30)]
    version: Annotated[str, Field(min_length=1, max_length=20)]


class UserAnswer(Answer):
    name: str | None
    nickname: str | None
    phone_masked: str | None
    created_at: Moment

    @classmethod
    def of(cls, profile: Profile) -> "UserAnswer":
        masked = mask_phone(profile.phone) if profile.phone else None
        return cls(name=profile.name, nickname=profile.nickname, phone_masked=masked, created_at=profile.created_at)


class ProfileAnswer(UserAnswer):
    """What I said of myself, and what was found of it: pending, approved, rejected, or null for nothing said.

    ``avatar_url`` is that of the picture others may see; ``avatar_status`` is of the newest, which may wait.
    """

    name_status: ReviewStatus | None
    nickname_status: ReviewStatus | None
    avatar_url: str | None
    avatar_status: ReviewStatus | None

    @classmethod
    def with_standing(cls, profile: Profile, standing: Standing, *, base_url: str) -> "ProfileAnswer":
        token = standing.avatar_token
        return cls(
            **dict(UserAnswer.of(profile)),
            name_status=standing.name,
            nickname_status=standing.nickname,
            avatar_url=f"{base_url.rstrip('/')}/media/{token}" if token else None,
            avatar_status=standing.avatar,
        )


class ConsentStateAnswer(Answer):
    """``version`` is the current one; ``state`` is outdated when ``accepted_version`` is an earlier one."""

    text: str
    title: str
    version: str
    state: ConsentState
    accepted_version: str | None
    given_at: Moment | None


class MeAnswer(ProfileAnswer):
    consents: list[ConsentStateAnswer]

    @classmethod
    def with_consents(cls, profile: ProfileAnswer, standings: Sequence[ConsentStanding]) -> "MeAnswer":
        consents = [
            ConsentStateAnswer(
                text=found.text,
                title=found.title,
                version=found.version,
                state=found.state,
                accepted_version=found.accepted_version,
                given_at=found.given_at,
            )
            for found in standings
        ]
        return cls(**dict(profile), consents=consents)


class PhoneAnswer(Answer):
    phone_masked: str


class LegalTextAnswer(Answer):
    text: str
    version: str
    title: str
    body: str
    in_force_from: Moment


class LegalAnswer(Answer):
    items: list[LegalTextAnswer]

    @classmethod
    def of(cls, rows: Sequence[LegalText]) -> "LegalAnswer":
        return cls(
            items=[
                LegalTextAnswer(
                    text=row.text,
                    version=row.version,
                    title=row.title,
                    body=row.body,
                    in_force_from=row.in_force_from,
                )
                for row in rows
            ]
        )


class ConsentAnswer(Answer):
    text: str
    version: str
    given_at: Moment


class ExportAnswer(Answer):
    """Everything stored about the caller, by section (``profile``, ``consents``, ``pledges``, …)."""

    exported_at: Moment
    sections: dict[str, Any]


class SessionAnswer(Answer):
    """The token is shown this once; it opens everything that is the resident's."""

    token: str
    expires_at: Moment
    user: UserAnswer


class DeviceAnswer(Answer):
    id: str
    device: str
    created_at: Moment
    expires_at: Moment
    current: bool


class DevicesAnswer(Answer):
    items: list[DeviceAnswer]

    @classmethod
    def of(cls, rows: Sequence[ResidentSession], *, current_id: int) -> "DevicesAnswer":
        return cls(
            items=[
                DeviceAnswer(
                    id=row.public_id,
                    device=row.device,
                    created_at=row.created_at,
                    expires_at=row.expires_at,
                    current=row.id == current_id,
                )
                for row in rows
            ]
        )


class SessionPath(Schema):
    session_id: Annotated[str, Field(min_length=1, max_length=40)]
