"""Work to do after a transaction (outbox), the leader's lease, and the answers of idempotent requests."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class OutboxStatus(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class OutboxMessage(HasId, Base):
    """One piece of work, inserted in the transaction that caused it; ``key`` makes it unique within its topic."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        CheckConstraint(one_of("status", OutboxStatus), name="status"),
        CheckConstraint("(status = 'leased') = (lease_until IS NOT NULL)", name="lease"),
        Index(
            "ix_outbox_message_due",
            "run_after",
            "id",
            postgresql_where=text("status IN ('ready', 'leased')"),
            sqlite_where=text("status IN ('ready', 'leased')"),
        ),
    )

    topic: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]]
    status: Mapped[OutboxStatus] = mapped_column(EnumText(OutboxStatus), default=OutboxStatus.READY)
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class JobLease(Base):
    """Who leads a timetable until when: one worker runs it, another takes over when the lease runs out."""

    __tablename__ = "job_lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class IdempotencyKey(Base):
    """The first answer to a request with an ``Idempotency-Key``; the body is sealed, the row lives 7 days."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_expires_at", "expires_at"),)

    scope: Mapped[str] = mapped_column(primary_key=True)  # resident:42 POST /v1/pledges
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    answer_status: Mapped[int | None]
    answer_sealed: Mapped[str | None] = mapped_column(info={"pii": "P2"})
    expires_at: Mapped[datetime]
