"""Questions about mini-program codes."""

from typing import Annotated, Literal

from pydantic import Field

from wxbackend.codes.rules import DEFAULT_WIDTH_PX
from wxbackend.core.schema import Schema


class TreePath(Schema):
    token: Annotated[str, Field(min_length=1, max_length=40)]


class MiniCodeQuery(Schema):
    """``width`` is pixels."""

    width: Literal["280", "430", "860", "1280"] = str(DEFAULT_WIDTH_PX)  # type: ignore[assignment]
