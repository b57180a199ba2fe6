"""Campaigns: read the public ones; review them, put them online, suspend, resume and close them.

Every move is one guarded statement; only when it changed nothing is the row read, to say why.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, select, true, update
from sqlalchemy.orm import Session

from models import CAMPAIGN_MOVES, Campaign, CampaignStatus, Payee, Region
from wxbackend.campaigns.rules import CAMPAIGN_STATUS_WORDS, Grounds, missing_for_review, missing_to_go_online
from wxbackend.core.audit import record
from wxbackend.core.caller import Caller
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict, IllegalMove, NotFound
from wxbackend.regions.service import under


class CannotGoOnline(Conflict):
    """``missing`` lists what is missing, in words."""

    code, title = "cannot-go-online", "尚不具备上线条件"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("；".join(missing), missing=list(missing))


@dataclass(frozen=True, slots=True)
class CampaignView:
    campaign: Campaign
    county_name: str
    payee: Payee


def online_campaigns(
    session: Session, *, region_prefix: str | None, before_id: int | None, limit: int
) -> Sequence[CampaignView]:
    """Online campaigns, newest first; one statement."""
    query = (
        select(Campaign, Region.name, Payee)
        .join(Region, Region.code == Campaign.county_code)
        .join(Payee, Payee.id == Campaign.payee_id)
        .where(Campaign.status == CampaignStatus.ONLINE)
        .where(under(Campaign.county_code, [region_prefix]) if region_prefix else true())
        .where(Campaign.id < before_id if before_id is not None else true())
        .order_by(Campaign.id.desc())
        .limit(limit)
    )
    return [CampaignView(campaign, county, payee) for campaign, county, payee in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Step:
    """One move along the state table, and its name in the trail."""

    action: str
    frm: CampaignStatus
    to: CampaignStatus

    def __post_init__(self) -> None:
        assert self.to in CAMPAIGN_MOVES[self.frm], self


SUBMIT = Step("campaign.submit", CampaignStatus.DRAFT, CampaignStatus.REVIEW)
RETURN = Step("campaign.return", CampaignStatus.REVIEW, CampaignStatus.DRAFT)
GO_ONLINE = Step("campaign.online", CampaignStatus.REVIEW, CampaignStatus.ONLINE)
SUSPEND = Step("campaign.suspend", CampaignStatus.ONLINE, CampaignStatus.SUSPENDED)
RESUME = Step("campaign.resume", CampaignStatus.SUSPENDED, CampaignStatus.ONLINE)
CLOSE_ONLINE = Step("campaign.close", CampaignStatus.ONLINE, CampaignStatus.CLOSED)
CLOSE_SUSPENDED = Step("campaign.close", CampaignStatus.SUSPENDED, CampaignStatus.CLOSED)


def submit_for_review(session: Session, *, campaign_id: str, caller: Caller | None, now: datetime) -> None:
    """DRAFT → REVIEW. Raises ``CannotGoOnline``, ``IllegalMove``, ``NotFound``.

    Here and below ``campaign_id`` is the public id, and ``caller`` must have the county in reach (``None``: the
    system itself); one outside it does not exist for them.
    """
    ready = _ready(today=china_date(now))
    if not _took(session, SUBMIT, campaign_id=campaign_id, caller=caller, now=now, guard=ready):
        grounds = _explain(session, SUBMIT, campaign_id=campaign_id, caller=caller)
        raise CannotGoOnline(missing_for_review(grounds, today=china_date(now)))


def return_to_draft(session: Session, *, campaign_id: str, caller: Caller | None, now: datetime) -> None:
    """REVIEW → DRAFT: the reviewer wants changes."""
    _take(session, RETURN, campaign_id=campaign_id, caller=caller, now=now)


def go_online(
    session: Session, *, campaign_id: str, merchants: Collection[str], caller: Caller | None, now: datetime
) -> None:
    """REVIEW → ONLINE, once a second person approved. ``merchants`` are the configured merchant numbers."""
    _open(session, GO_ONLINE, campaign_id=campaign_id, merchants=merchants, caller=caller, now=now)


def suspend(session: Session, *, campaign_id: str, caller: Caller | None, now: datetime) -> None:
    """ONLINE → SUSPENDED: no new pledge and no new prepay; money already on its way is still taken."""
    _take(session, SUSPEND, campaign_id=campaign_id, caller=caller, now=now)


def resume(
    session: Session, *, campaign_id: str, merchants: Collection[str], caller: Caller | None, now: datetime
) -> None:
    """SUSPENDED → ONLINE, under the conditions of going online."""
    _open(session, RESUME, campaign_id=campaign_id, merchants=merchants, caller=caller, now=now)


def close(session: Session, *, campaign_id: str, caller: Caller | None, now: datetime) -> None:
    """ONLINE | SUSPENDED → CLOSED, for good."""
    if not _took(session, CLOSE_ONLINE, campaign_id=campaign_id, caller=caller, now=now):
        _take(session, CLOSE_SUSPENDED, campaign_id=campaign_id, caller=caller, now=now)


def _open(
    session: Session,
    step: Step,
    *,
    campaign_id: str,
    merchants: Collection[str],
    caller: Caller | None,
    now: datetime,
) -> None:
    payable = Campaign.payee_id.in_(select(Payee.id).where(Payee.mchid.in_(merchants)))
    ready = and_(_ready(today=china_date(now)), payable)
    if not _took(session, step, campaign_id=campaign_id, caller=caller, now=now, guard=ready):
        grounds = _explain(session, step, campaign_id=campaign_id, caller=caller)
        raise CannotGoOnline(missing_to_go_online(grounds, merchants=merchants, today=china_date(now)))


def _ready(*, today: date) -> ColumnElement[bool]:
    """``missing_for_review`` as the database sees it."""
    return and_(
        Campaign.payee_id.is_not(None),
        Campaign.legal_basis.is_not(None),
        func.trim(Campaign.filing_number) != "",
        Campaign.ends_on >= Campaign.starts_on,
        Campaign.ends_on >= today,
    )


def _take(session: Session, step: Step, *, campaign_id: str, caller: Caller | None, now: datetime) -> None:
    if not _took(session, step, campaign_id=campaign_id, caller=caller, now=now):
        _explain(session, step, campaign_id=campaign_id, caller=caller)
        raise IllegalMove  # the row is what the step wants by now: another person was faster and has moved it back


def _took(
    session: Session,
    step: Step,
    *,
    campaign_id: str,
    caller: Caller | None,
    now: datetime,
    guard: ColumnElement[bool] | None = None,
) -> bool:
    """Make the move and write it into the trail, if the row is in reach, in ``step.frm``, and passes the guard."""
    moved = session.scalar(
        update(Campaign)
        .where(Campaign.public_id == campaign_id, Campaign.status == step.frm, _in_reach(caller))
        .where(true() if guard is None else guard)
        .values(status=step.to)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        return False
    on = ("campaign", campaign_id)
    record(session, caller=caller, action=step.action, on=on, now=now, frm=step.frm, to=step.to)
    return True


def _explain(session: Session, step: Step, *, campaign_id: str, caller: Caller | None) -> Grounds:
    """Why nothing moved: not in reach, or in another state; else the grounds, among which the reason is."""
    row = session.execute(
        select(
            Campaign.status,
            Payee.mchid,
            Campaign.legal_basis,
            Campaign.filing_number,
            Campaign.starts_on,
            Campaign.ends_on,
        )
        .join(Payee, Payee.id == Campaign.payee_id, isouter=True)
        .where(Campaign.public_id == campaign_id, _in_reach(caller))
    ).one_or_none()
    if row is None:
        raise NotFound("项目不存在")
    if row.status is not step.frm:
        raise IllegalMove(f"{CAMPAIGN_STATUS_WORDS[row.status]}的项目不能进行该操作", current=str(row.status))
    return Grounds(row.mchid, row.legal_basis, row.filing_number, row.starts_on, row.ends_on)


def _in_reach(caller: Caller | None) -> ColumnElement[bool]:
    return true() if caller is None else under(Campaign.county_code, caller.prefixes)
