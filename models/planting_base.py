"""Species (树种) and planting bases (义务植树基地)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import ADDED_LATER, Base, EnumText, HasId, one_of


class Species(HasId, Base):
    """``latin`` and ``native`` stay empty while unknown; ``source`` says where they were read."""

    __tablename__ = "species"

    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    latin: Mapped[str | None]
    native: Mapped[bool | None]
    use: Mapped[str | None]
    source: Mapped[str | None]


class BaseStatus(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    ONLINE = "online"
    SUSPENDED = "suspended"
    FULL = "full"
    PLANTING_DUE = "planting_due"
    PLANTED = "planted"
    ACCEPTED = "accepted"
    CARE = "care"
    CLOSED = "closed"


BASE_MOVES: Mapping[BaseStatus, frozenset[BaseStatus]] = MappingProxyType(
    {
        BaseStatus.DRAFT: frozenset({BaseStatus.REVIEW}),
        BaseStatus.REVIEW: frozenset({BaseStatus.ONLINE, BaseStatus.DRAFT}),
        BaseStatus.ONLINE: frozenset({BaseStatus.SUSPENDED, BaseStatus.FULL, BaseStatus.CLOSED}),
        BaseStatus.SUSPENDED: frozenset({BaseStatus.ONLINE, BaseStatus.CLOSED}),
        BaseStatus.FULL: frozenset({BaseStatus.ONLINE, BaseStatus.PLANTING_DUE, BaseStatus.CLOSED}),
        BaseStatus.PLANTING_DUE: frozenset({BaseStatus.PLANTED}),
        BaseStatus.PLANTED: frozenset({BaseStatus.ACCEPTED}),
        BaseStatus.ACCEPTED: frozenset({BaseStatus.CARE}),
        BaseStatus.CARE: frozenset({BaseStatus.CLOSED}),
        BaseStatus.CLOSED: frozenset(),
    }
)


class PlantingBase(HasId, Base):
    """Places for new trees (``capacity`` = ``held`` + ``sold`` + free) and, if ``adopt_price_fen`` is set, old trees.

    Prices are fen per tree; ``adopt_price_fen`` is for the whole of ``term_months``. The position is in millionths of
    a degree (GCJ-02, as WeChat's maps use).
    """

    __tablename__ = "planting_base"
    __table_args__ = (
        CheckConstraint(one_of("status", BaseStatus), name="status"),
        CheckConstraint("capacity >= 0", name="capacity_not_negative"),
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("sold >= 0", name="sold_not_negative"),
        CheckConstraint("held + sold <= capacity", name="within_capacity"),
        CheckConstraint("price_fen >= 1", name="price"),
        CheckConstraint("adopt_price_fen IS NULL OR adopt_price_fen >= 1", name="adopt_price"),
        CheckConstraint("term_months BETWEEN 1 AND 60", name="term"),
        Index("ix_planting_base_status", "status", "id"),
        Index("ix_planting_base_village_code", "village_code"),
        Index("ix_planting_base_campaign_id", "campaign_id"),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    species_id: Mapped[int] = mapped_column(ForeignKey("species.id"))
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    village_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    address: Mapped[str]
    latitude_e6: Mapped[int | None]
    longitude_e6: Mapped[int | None]
    price_fen: Mapped[int]
    adopt_price_fen: Mapped[int | None]
    term_months: Mapped[int]
    capacity: Mapped[int]
    held: Mapped[int] = mapped_column(default=0)
    sold: Mapped[int] = mapped_column(default=0)
    status: Mapped[BaseStatus] = mapped_column(EnumText(BaseStatus), default=BaseStatus.DRAFT)
    created_at: Mapped[datetime]
    #: When finance bought the seedlings: from then on a change of mind is no ground for a refund.
    procured_at: Mapped[datetime | None] = mapped_column(sort_order=ADDED_LATER)
