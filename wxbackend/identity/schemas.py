"""Questions and answers about a resident."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models import Resident, ResidentSession
from wxbackend.core.schema import Answer, Moment, Schema


class SignInBody(Schema):
    """``code`` is what ``wx.login`` gave the client."""

    code: Annotated[str, Field(min_length=1, max_length=128)]


class UserAnswer(Answer):
    name: str | None
    phone_masked: str | None
    created_at: Moment


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


def user_answer(resident: Resident) -> UserAnswer:
    return UserAnswer(name=None, phone_masked=None, created_at=resident.created_at)
