"""Administrative regions (行政区划): the national 12-digit codes, whose prefixes are the tree."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, one_of


class RegionLevel(StrEnum):
    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


#: Leading digits that a level and everything below it share.
PREFIX_LENGTH = {RegionLevel.CITY: 4, RegionLevel.COUNTY: 6, RegionLevel.TOWN: 9, RegionLevel.VILLAGE: 12}


class Region(Base):
    __tablename__ = "region"
    __table_args__ = (
        CheckConstraint("length(code) = 12", name="code_length"),
        CheckConstraint(one_of("level", RegionLevel), name="level"),
        CheckConstraint("(parent_code IS NULL) = (level = 'city')", name="parent"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[RegionLevel] = mapped_column(EnumText(RegionLevel))
    name: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"), index=True)
