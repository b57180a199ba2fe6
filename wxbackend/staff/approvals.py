"""What one person asks for and another decides (双人复核). The act runs in the deciding transaction, or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, update
from sqlalchemy.orm import Session

from models import Approval, ApprovalStatus
from wxbackend.core import audit
from wxbackend.core.caller import Caller
from wxbackend.core.errors import NotAllowed, NotFound
from wxbackend.core.sql import insert_into
from wxbackend.regions.service import under
from wxbackend.staff.errors import AlreadyAsked, AlreadyDecided, ConfirmationNeeded, SamePerson

#: Carries out what was approved. Raises a problem if it is no longer possible: then nothing is decided.
CarryOut = Callable[[Session, Approval, Caller, datetime], None]
Scopes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Approvable:
    """An action that needs a second person: how staff call it, what the second must hold, and the act itself.

    ``turn_down`` is what else happens when it is refused.
    """

    title: str
    permission: str
    carry_out: CarryOut
    turn_down: CarryOut | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``details`` are plain JSON without personal data."""

    action: str
    object_kind: str
    object_id: int
    county_code: str
    details: Mapping[str, Any]


def request(session: Session, *, wish: Wish, caller: Caller, now: datetime) -> int:
    """Ask. Raises ``AlreadyAsked`` while the same wish is open: the unique index decides."""
    added = session.scalar(
        insert_into(session, Approval)
        .values(
            action=wish.action,
            object_kind=wish.object_kind,
            object_id=wish.object_id,
            county_code=wish.county_code,
            details=dict(wish.details),
            status=ApprovalStatus.OPEN,
            requested_by=caller.id,
            requested_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Approval.id)
    )
    if added is None:
        raise AlreadyAsked
    on = ("approval", str(added))
    audit.record(session, caller=caller, action="approval.request", on=on, now=now, wish=wish.action)
    return int(added)


def decide(
    session: Session,
    *,
    approval_id: int,
    approve: bool,
    note: str,
    caller: Caller,
    scopes: Scopes,
    approvable: Mapping[str, Approvable],
    now: datetime,
) -> Approval:
    """Decide as the second person, by one guarded statement; an approved act is carried out at once.

    ``scopes`` are the regions in which ``caller`` holds each permission. Raises ``ConfirmationNeeded``,
    ``SamePerson``, ``AlreadyDecided``, ``NotFound`` (out of scope), ``NotAllowed``, and whatever the act raises.
    """
    if not caller.confirmed:
        raise ConfirmationNeeded
    status = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
    decided: Approval | None = session.scalar(
        update(Approval)
        .where(Approval.id == approval_id, Approval.status == ApprovalStatus.OPEN)
        .where(Approval.requested_by != caller.id, may_decide(scopes, approvable))
        .values(status=status, decided_by=caller.id, decided_at=now, note=note or None)
        .returning(Approval)
    )
    if decided is None:
        raise _why_not(session, approval_id=approval_id, caller=caller, scopes=scopes, approvable=approvable)
    kind = approvable[decided.action]
    act = kind.carry_out if approve else kind.turn_down
    if act is not None:
        act(session, decided, replace(caller, prefixes=scopes[kind.permission]), now)
    on, verb = ("approval", str(approval_id)), "approval.approve" if approve else "approval.reject"
    audit.record(session, caller=caller, action=verb, on=on, now=now, wish=decided.action)
    return decided


def may_decide(scopes: Scopes, approvable: Mapping[str, Approvable]) -> ColumnElement[bool]:
    """The approvals that somebody with these scopes could decide, were they not their own."""
    return or_(
        false(),
        *(
            and_(Approval.action == action, under(Approval.county_code, scopes.get(kind.permission, ())))
            for action, kind in approvable.items()
        ),
    )


def _why_not(
    session: Session, *, approval_id: int, caller: Caller, scopes: Scopes, approvable: Mapping[str, Approvable]
) -> Exception:
    found = session.get(Approval, approval_id)
    if found is None:
        return NotFound()
    if found.requested_by == caller.id:
        return SamePerson()
    if found.status is not ApprovalStatus.OPEN:
        return AlreadyDecided()
    kind = approvable.get(found.action)
    return NotFound() if kind is None or kind.permission in scopes else NotAllowed()
