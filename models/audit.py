"""The trail of what people did (审计). Append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from models.base import Base, HasId


class AuditEntry(HasId, Base):
    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("actor_kind IN ('resident', 'staff', 'system')", name="actor_kind"),
        Index("ix_audit_entry_object", "object_kind", "object_key", "id"),
        Index("ix_audit_entry_actor", "actor_kind", "actor_id", "id"),
    )

    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_key: Mapped[str]
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str | None]
