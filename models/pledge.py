"""Pledges (认种 plant · 认捐 donate · 认养 adopt), their history, and the trees bound to them."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import ADDED_LATER, Base, EnumText, HasId, one_of


class PledgeKind(StrEnum):
    PLANT = "plant"
    DONATE = "donate"
    ADOPT = "adopt"


class PledgeStatus(StrEnum):
    PENDING = "pending"
    FUNDED = "funded"
    ALLOCATED = "allocated"
    PLANTED = "planted"
    ACTIVE = "active"
    ENDED = "ended"
    RENEWED = "renewed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


#: Every allowed move; EXPIRED | CANCELLED → FUNDED is money that arrives late. REFUNDING goes back to where it came
#: from when the refund is refused, fails, or takes only some of the trees.
PLEDGE_MOVES: Mapping[PledgeStatus, frozenset[PledgeStatus]] = MappingProxyType(
    {
        PledgeStatus.PENDING: frozenset({PledgeStatus.FUNDED, PledgeStatus.CANCELLED, PledgeStatus.EXPIRED}),
        PledgeStatus.FUNDED: frozenset({PledgeStatus.ALLOCATED, PledgeStatus.REFUNDING}),
        PledgeStatus.ALLOCATED: frozenset({PledgeStatus.PLANTED, PledgeStatus.ACTIVE, PledgeStatus.REFUNDING}),
        PledgeStatus.PLANTED: frozenset({PledgeStatus.ACTIVE, PledgeStatus.REFUNDING}),
        PledgeStatus.ACTIVE: frozenset({PledgeStatus.ENDED, PledgeStatus.RENEWED, PledgeStatus.REFUNDING}),
        PledgeStatus.ENDED: frozenset(),
        PledgeStatus.RENEWED: frozenset(),
        PledgeStatus.CANCELLED: frozenset({PledgeStatus.FUNDED}),
        PledgeStatus.EXPIRED: frozenset({PledgeStatus.FUNDED}),
        PledgeStatus.REFUNDING: frozenset(
            {
                PledgeStatus.FUNDED,
                PledgeStatus.ALLOCATED,
                PledgeStatus.PLANTED,
                PledgeStatus.ACTIVE,
                PledgeStatus.REFUNDED,
            }
        ),
        PledgeStatus.REFUNDED: frozenset(),
    }
)


class Display(StrEnum):
    """How public pages and boards may show the giver; the default shows nothing."""

    ANONYMOUS = "anonymous"
    NAME = "name"
    NAME_AND_AMOUNT = "name_and_amount"


class Reward(StrEnum):
    """What the giver chose: redeemable points, or the right to a receipt (a receipt forbids a gain)."""

    POINTS = "points"
    RECEIPT = "receipt"


class DedicationStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Pledge(HasId, Base):
    __tablename__ = "pledge"
    __table_args__ = (
        CheckConstraint(one_of("kind", PledgeKind), name="kind"),
        CheckConstraint(one_of("status", PledgeStatus), name="status"),
        CheckConstraint(one_of("display", Display), name="display"),
        CheckConstraint(one_of("reward", Reward), name="reward"),
        CheckConstraint(
            f"dedication_status IS NULL OR {one_of('dedication_status', DedicationStatus)}", name="dedication_status"
        ),
        CheckConstraint("(kind = 'donate') = (tree_count IS NULL)", name="trees_unless_donation"),
        CheckConstraint("tree_count IS NULL OR tree_count BETWEEN 1 AND 100", name="tree_count"),
        CheckConstraint("(dedication IS NULL) = (dedication_status IS NULL)", name="dedication_is_reviewed"),
        CheckConstraint("amount_fen BETWEEN 1 AND 10000000000", name="amount"),
        CheckConstraint("unit_price_fen IS NULL OR amount_fen = unit_price_fen * tree_count", name="price_times_trees"),
        CheckConstraint("(kind = 'donate') = (unit_price_fen IS NULL)", name="price_unless_donation"),
        CheckConstraint(
            "(status IN ('pending', 'cancelled', 'expired')) = (paid_at IS NULL)", name="paid_at_when_paid"
        ),
        CheckConstraint("refunded_fen BETWEEN 0 AND amount_fen", name="refunded"),
        CheckConstraint("refunded_tree_count BETWEEN 0 AND coalesce(tree_count, 0)", name="refunded_trees"),
        Index("ix_pledge_resident_id", "resident_id", "id"),
        Index("ix_pledge_base_id", "base_id", "id"),
        Index(
            "ix_pledge_pending",
            "hold_expires_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        Index(
            "ix_pledge_funded",
            "id",
            postgresql_where=text("status = 'funded' AND kind <> 'donate'"),
            sqlite_where=text("status = 'funded' AND kind <> 'donate'"),
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[PledgeKind] = mapped_column(EnumText(PledgeKind))
    status: Mapped[PledgeStatus] = mapped_column(EnumText(PledgeStatus), default=PledgeStatus.PENDING)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    base_id: Mapped[int] = mapped_column(ForeignKey("planting_base.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    tree_count: Mapped[int | None]
    unit_price_fen: Mapped[int | None]
    amount_fen: Mapped[int]
    display: Mapped[Display] = mapped_column(EnumText(Display), default=Display.ANONYMOUS)
    reward: Mapped[Reward] = mapped_column(EnumText(Reward), default=Reward.POINTS)
    #: The rule that was shown at pledging, and by which the paid pledge earns.
    points_rule_id: Mapped[int | None] = mapped_column(ForeignKey("points_rule.id"))
    occasion: Mapped[str | None]
    dedication: Mapped[str | None] = mapped_column(info={"pii": "P1"})
    dedication_status: Mapped[DedicationStatus | None] = mapped_column(EnumText(DedicationStatus))
    row_key: Mapped[str] = mapped_column(unique=True)
    holder_name_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    created_at: Mapped[datetime]
    hold_expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    active_until: Mapped[date | None] = mapped_column(Date)
    #: What went back to the payer, and how many trees with it. What was pledged stays as it was.
    refunded_fen: Mapped[int] = mapped_column(default=0, server_default="0", sort_order=ADDED_LATER)
    refunded_tree_count: Mapped[int] = mapped_column(default=0, server_default="0", sort_order=ADDED_LATER)


class PledgeMove(HasId, Base):
    """The history of a pledge, one row a move. Append-only."""

    __tablename__ = "pledge_move"
    __table_args__ = (Index("ix_pledge_move_pledge_id", "pledge_id", "id"),)

    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"))
    from_status: Mapped[PledgeStatus | None] = mapped_column(EnumText(PledgeStatus))
    to_status: Mapped[PledgeStatus] = mapped_column(EnumText(PledgeStatus))
    cause: Mapped[str]
    at: Mapped[datetime]


class PledgeTree(Base):
    """A tree bound to a pledge. One open binding a tree: two adoptions at once cannot be written."""

    __tablename__ = "pledge_tree"
    __table_args__ = (
        Index(
            "uq_pledge_tree_open",
            "tree_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledge.id"), primary_key=True)
    tree_id: Mapped[int] = mapped_column(ForeignKey("tree.id"), primary_key=True)
    ended_at: Mapped[datetime | None]
