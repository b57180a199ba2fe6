"""Trees (一树一码) with their two life lines, and the counter that numbers them."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class TreeLife(StrEnum):
    PLANNED = "planned"
    PIT_DUG = "pit_dug"
    PLANTED = "planted"
    ACCEPTED = "accepted"
    ALIVE = "alive"
    WEAK = "weak"
    SICK = "sick"
    DEAD = "dead"
    MISSING = "missing"
    REMOVED = "removed"


_ENDS = frozenset({TreeLife.DEAD, TreeLife.MISSING, TreeLife.REMOVED})

TREE_LIFE_MOVES: Mapping[TreeLife, frozenset[TreeLife]] = MappingProxyType(
    {
        TreeLife.PLANNED: frozenset({TreeLife.PIT_DUG, TreeLife.PLANTED, TreeLife.REMOVED}),
        TreeLife.PIT_DUG: frozenset({TreeLife.PLANTED, TreeLife.REMOVED}),
        TreeLife.PLANTED: frozenset({TreeLife.ACCEPTED}) | _ENDS,
        TreeLife.ACCEPTED: frozenset({TreeLife.ALIVE}) | _ENDS,
        TreeLife.ALIVE: frozenset({TreeLife.WEAK, TreeLife.SICK}) | _ENDS,
        TreeLife.WEAK: frozenset({TreeLife.ALIVE, TreeLife.SICK}) | _ENDS,
        TreeLife.SICK: frozenset({TreeLife.ALIVE, TreeLife.WEAK}) | _ENDS,
        TreeLife.DEAD: frozenset(),
        TreeLife.MISSING: frozenset({TreeLife.ALIVE}),
        TreeLife.REMOVED: frozenset(),
    }
)


class TreeAdoption(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HELD = "held"
    ADOPTED = "adopted"
    ENDED = "ended"


TREE_ADOPTION_MOVES: Mapping[TreeAdoption, frozenset[TreeAdoption]] = MappingProxyType(
    {
        TreeAdoption.CLOSED: frozenset({TreeAdoption.OPEN}),
        TreeAdoption.OPEN: frozenset({TreeAdoption.HELD, TreeAdoption.CLOSED}),
        TreeAdoption.HELD: frozenset({TreeAdoption.ADOPTED, TreeAdoption.OPEN}),
        TreeAdoption.ADOPTED: frozenset({TreeAdoption.ENDED}),
        TreeAdoption.ENDED: frozenset({TreeAdoption.OPEN}),
    }
)


class Tree(HasId, Base):
    """A tree or its planned place. ``number`` is printed and read aloud, ``token`` is in the code."""

    __tablename__ = "tree"
    __table_args__ = (
        CheckConstraint(one_of("life", TreeLife), name="life"),
        CheckConstraint(one_of("adoption", TreeAdoption), name="adoption"),
        CheckConstraint("length(number) = 20", name="number_length"),
        CheckConstraint("length(token) = 14", name="token_length"),
        CheckConstraint("life <> 'planned' OR planted_on IS NULL", name="planned_has_no_date"),
        Index("ix_tree_base_id", "base_id", "id"),
        Index(
            "ix_tree_open",
            "base_id",
            "id",
            postgresql_where=text("adoption = 'open'"),
            sqlite_where=text("adoption = 'open'"),
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    base_id: Mapped[int] = mapped_column(ForeignKey("planting_base.id"))
    species_id: Mapped[int] = mapped_column(ForeignKey("species.id"))
    life: Mapped[TreeLife] = mapped_column(EnumText(TreeLife))
    adoption: Mapped[TreeAdoption] = mapped_column(EnumText(TreeAdoption))
    planted_on: Mapped[date | None] = mapped_column(Date)
    latitude_e6: Mapped[int | None]
    longitude_e6: Mapped[int | None]
    created_at: Mapped[datetime]


class TreeCounter(Base):
    """The last tree number given out in a village in a year (five digits)."""

    __tablename__ = "tree_counter"
    __table_args__ = (CheckConstraint("last BETWEEN 1 AND 99999", name="five_digits"),)

    village_code: Mapped[str] = mapped_column(ForeignKey("region.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
