"""Writing the trail: one row in the transaction of the act itself."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import insert
from sqlalchemy.orm import Session

from models import AuditEntry
from wxbackend.core.caller import Caller

#: Services take a ``Caller`` from here: they know no policies.
__all__ = ["Caller", "record"]


def record(
    session: Session, *, caller: Caller | None, action: str, on: tuple[str, str], now: datetime, **details: Any
) -> None:
    """Note that ``caller`` (``None``: the system itself) did ``action`` to ``on`` = (kind, key).

    ``details`` are plain JSON and carry no personal data: the trail outlives an erasure.
    """
    session.execute(
        insert(AuditEntry).values(
            at=now,
            actor_kind=caller.kind if caller else "system",
            actor_id=caller.id if caller else None,
            action=action,
            object_kind=on[0],
            object_key=on[1],
            details=details,
            request_id=structlog.contextvars.get_contextvars().get("request_id"),
        )
    )
