"""Requests for receipts, for the finance office."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from models import AuditEntry, Campaign, Payee, Pledge, ReceiptRequest, ReceiptStatus, Staff
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.core.errors import NotFound
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """``text`` is the number of a pledge or of a receipt."""

    text: str | None = None
    status: ReceiptStatus | None = None


def list_receipts(session: Session, *, want: ReceiptFilter, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(request, number of its pledge), newest first; one statement."""
    query = (
        select(ReceiptRequest, Pledge.number)
        .join(Pledge, Pledge.id == ReceiptRequest.pledge_id)
        .where(under(ReceiptRequest.county_code, prefixes))
    )
    if want.text:
        upper = want.text.upper()
        query = query.where(or_(Pledge.number == upper, ReceiptRequest.receipt_number == upper))
    if want.status:
        query = query.where(ReceiptRequest.status == want.status)
    return newest_first(session, query, ReceiptRequest.id, after=after)


def count_waiting(counted: Select[int], prefixes: Sequence[str]) -> Select[int]:
    requested = ReceiptRequest.status == ReceiptStatus.REQUESTED
    return counted.select_from(ReceiptRequest).where(requested, under(ReceiptRequest.county_code, prefixes))


@dataclass(frozen=True, slots=True)
class ReceiptSheet:
    """One request with the gift it is for. The title stays sealed."""

    request: ReceiptRequest
    pledge: Pledge
    campaign: Campaign
    payee: Payee | None
    decided_by: str | None
    reversed_by: str | None
    trail: Sequence[Any]


def read_receipt(session: Session, *, public_id: str, prefixes: Sequence[str]) -> ReceiptSheet:
    """Two statements. Raises ``NotFound`` outside ``prefixes``."""
    decider, reverser = aliased(Staff), aliased(Staff)
    row = session.execute(
        select(ReceiptRequest, Pledge, Campaign, Payee, decider.display_name, reverser.display_name)
        .join(Pledge, Pledge.id == ReceiptRequest.pledge_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .outerjoin(Payee, Payee.id == Campaign.payee_id)
        .outerjoin(decider, decider.id == ReceiptRequest.decided_by)
        .outerjoin(reverser, reverser.id == ReceiptRequest.reversed_by)
        .where(ReceiptRequest.public_id == public_id, under(ReceiptRequest.county_code, prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound("没有这份票据申请，或不在管辖范围内")
    return ReceiptSheet(*row, _trail(session, public_id))


def _trail(session: Session, public_id: str) -> Sequence[Any]:
    """(entry, name of the staff member), newest first."""
    return session.execute(
        select(AuditEntry, Staff.display_name)
        .outerjoin(Staff, (Staff.id == AuditEntry.actor_id) & (AuditEntry.actor_kind == "staff"))
        .where(AuditEntry.object_kind == "receipt", AuditEntry.object_key == public_id)
        .order_by(AuditEntry.id.desc())
    ).all()
