"""Questions and answers about regions."""

from typing import Annotated

from pydantic import Field

from models import Region, RegionLevel
from wxbackend.core.schema import Answer, PageQuery
from wxbackend.regions.service import RegionFilter

RegionCode = Annotated[str, Field(pattern=r"^[0-9]{12}$")]


class RegionsQuery(PageQuery):
    """``parent`` alone lists its children; with ``level`` everything of that level below it; neither: the roots."""

    parent: RegionCode | None = None
    level: RegionLevel | None = None

    def want(self) -> RegionFilter:
        return RegionFilter(parent=self.parent, level=self.level)


class RegionAnswer(Answer):
    code: str
    level: RegionLevel
    name: str
    parent: str | None

    @classmethod
    def of(cls, row: Region) -> "RegionAnswer":
        return cls(code=row.code, level=row.level, name=row.name, parent=row.parent_code)
