"""Questions about pictures, and the address from which WeChat fetches one."""

from typing import Annotated

from pydantic import Field

from wxbackend.content.avatars import CheckAddress
from wxbackend.core.schema import Schema


class PictureQuery(Schema):
    """Both are given by WeChat alone, while it judges."""

    until: Annotated[int, Field(ge=0, le=10**11)] | None = None
    seal: Annotated[str, Field(max_length=64)] | None = None

    def address(self) -> CheckAddress | None:
        return CheckAddress(self.until, self.seal) if self.until is not None and self.seal else None
