"""Wishes that wait for a second person, and those that were decided."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session, aliased

from models import Approval, ApprovalStatus, Campaign, Certificate, PlantingBase, Region, Staff
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.staff.approvals import Approvable, Scopes, may_decide


def list_approvals(
    session: Session,
    *,
    is_open: bool,
    staff_id: int,
    scopes: Scopes,
    approvable: Mapping[str, Approvable],
    after: int | None,
) -> Sheet[Any]:
    """(approval, who asked, who decided, county, what it is about); one's own and those one could decide."""
    asker, decider, waiting = aliased(Staff), aliased(Staff), Approval.status == ApprovalStatus.OPEN
    about = case(
        (Approval.object_kind == "certificate", Certificate.serial),
        (Approval.object_kind == "campaign", Campaign.name),
        else_=PlantingBase.name,
    )
    query = (
        select(
            Approval,
            asker.display_name.label("asked_by"),
            decider.display_name.label("decided_by"),
            Region.name.label("county"),
            about.label("about"),
        )
        .join(asker, asker.id == Approval.requested_by)
        .outerjoin(decider, decider.id == Approval.decided_by)
        .join(Region, Region.code == Approval.county_code)
        .outerjoin(Certificate, (Approval.object_kind == "certificate") & (Certificate.id == Approval.object_id))
        .outerjoin(Campaign, (Approval.object_kind == "campaign") & (Campaign.id == Approval.object_id))
        .outerjoin(PlantingBase, (Approval.object_kind == "base") & (PlantingBase.id == Approval.object_id))
        .where(waiting if is_open else ~waiting)
        .where(or_(Approval.requested_by == staff_id, may_decide(scopes, approvable)))
    )
    return newest_first(session, query, Approval.id, after=after)
