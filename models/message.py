"""Messages to residents: the inbox in the mini-program, and the consents that WeChat's subscribe messages use up."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class MessageKind(StrEnum):
    PAID = "paid"
    CERTIFICATE_ISSUED = "certificate_issued"
    REFUND = "refund"
    PLANTED = "planted"
    TREE_NEWS = "tree_news"
    POINTS_EXPIRING = "points_expiring"


class MessageDelivery(StrEnum):
    """What became of the subscribe message that goes with an inbox message."""

    NONE = "none"  # no consent, or no template: the inbox has it
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    INVALID = "invalid"


class InboxMessage(HasId, Base):
    """One message to one resident; ``key`` names what it is about, so that it is written once."""

    __tablename__ = "inbox_message"
    __table_args__ = (
        UniqueConstraint("resident_id", "kind", "key"),
        CheckConstraint(one_of("kind", MessageKind), name="kind"),
        CheckConstraint(one_of("delivery", MessageDelivery), name="delivery"),
        Index("ix_inbox_message_resident_id", "resident_id", "id"),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    kind: Mapped[MessageKind] = mapped_column(EnumText(MessageKind))
    key: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    #: The page of the mini-program that a tap opens.
    page: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    delivery: Mapped[MessageDelivery] = mapped_column(EnumText(MessageDelivery), default=MessageDelivery.NONE)


class MessageConsent(Base):
    """How many subscribe messages of a kind a resident still allows: one consent, one message; WeChat tells none."""

    __tablename__ = "message_consent"
    __table_args__ = (
        CheckConstraint(one_of("kind", MessageKind), name="kind"),
        CheckConstraint("remaining >= 0", name="remaining"),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    kind: Mapped[MessageKind] = mapped_column(EnumText(MessageKind), primary_key=True)
    remaining: Mapped[int]
    updated_at: Mapped[datetime]
