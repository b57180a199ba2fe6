"""Review planting bases, put them online, suspend, resume and close them.

Every move is one guarded statement; only when it changed nothing is the row read, to say why. ONLINE ⇄ FULL is not
here: it follows the places sold, in the statement that sells them.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, select, true, update
from sqlalchemy.orm import Session

from models import BASE_MOVES, BaseStatus, Campaign, CampaignStatus, PlantingBase
from wxbackend.bases.rules import BASE_STATUS_WORDS, Readiness, missing_for_review, missing_to_go_online
from wxbackend.campaigns.service import CannotGoOnline
from wxbackend.core.audit import record
from wxbackend.core.caller import Caller
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict, IllegalMove, NotFound
from wxbackend.core.states import sources
from wxbackend.regions.service import under


@dataclass(frozen=True, slots=True)
class Step:
    """One move along the state table, and its name in the trail."""

    action: str
    frm: tuple[BaseStatus, ...]
    to: BaseStatus

    def __post_init__(self) -> None:
        assert all(self.to in BASE_MOVES[status] for status in self.frm), self


SUBMIT = Step("base.submit", (BaseStatus.DRAFT,), BaseStatus.REVIEW)
RETURN = Step("base.return", (BaseStatus.REVIEW,), BaseStatus.DRAFT)
GO_ONLINE = Step("base.online", (BaseStatus.REVIEW,), BaseStatus.ONLINE)
SUSPEND = Step("base.suspend", (BaseStatus.ONLINE,), BaseStatus.SUSPENDED)
RESUME = Step("base.resume", (BaseStatus.SUSPENDED,), BaseStatus.ONLINE)
CLOSE = Step("base.close", sources(BaseStatus.CLOSED, BASE_MOVES), BaseStatus.CLOSED)


def submit_for_review(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """DRAFT → REVIEW. Raises ``CannotGoOnline``, ``IllegalMove``, ``NotFound``.

    Here and below ``base_id`` is the public id, and ``caller`` must have the county in reach (``None``: the system
    itself); a base outside it does not exist for them.
    """
    if not _took(session, SUBMIT, base_id=base_id, caller=caller, now=now, guard=_complete()):
        raise CannotGoOnline(missing_for_review(_explain(session, SUBMIT, base_id=base_id, caller=caller)))


def return_to_draft(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """REVIEW → DRAFT: the reviewer wants changes."""
    _take(session, RETURN, base_id=base_id, caller=caller, now=now)


def go_online(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """REVIEW → ONLINE, once a second person approved. Its campaign must be online, in the same county, not past."""
    _open(session, GO_ONLINE, base_id=base_id, caller=caller, now=now)


def suspend(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """ONLINE → SUSPENDED: no new pledge and no new prepay; money already on its way is still taken."""
    _take(session, SUSPEND, base_id=base_id, caller=caller, now=now)


def resume(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """SUSPENDED → ONLINE, and on to FULL if its last place was sold meanwhile. Conditions as for going online."""
    _open(session, RESUME, base_id=base_id, caller=caller, now=now)


def close(session: Session, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    """End a base for good, from every state that allows it."""
    _take(session, CLOSE, base_id=base_id, caller=caller, now=now)


class AlreadyProcured(Conflict):
    code, title = "already-procured", "该基地的苗木已登记采购"


def mark_procured(session: Session, *, base_id: str, caller: Caller, now: datetime) -> None:
    """The seedlings are bought: from now on a change of mind is no ground for a refund. For good.

    Raises ``AlreadyProcured``, ``NotFound``.
    """
    marked = session.scalar(
        update(PlantingBase)
        .where(PlantingBase.public_id == base_id, PlantingBase.procured_at.is_(None), _in_reach(caller))
        .values(procured_at=now)
        .returning(PlantingBase.id)
        .execution_options(synchronize_session=False)
    )
    if marked is None:
        known = select(PlantingBase.id).where(PlantingBase.public_id == base_id, _in_reach(caller))
        raise AlreadyProcured if session.scalar(known) else NotFound("基地不存在")
    record(session, caller=caller, action="base.procure", on=("base", base_id), now=now)


def _open(session: Session, step: Step, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    today = china_date(now)
    ready = and_(_complete(), _campaign_is(Campaign.status == CampaignStatus.ONLINE, Campaign.ends_on >= today))
    if not _took(session, step, base_id=base_id, caller=caller, now=now, guard=ready):
        readiness = _explain(session, step, base_id=base_id, caller=caller)
        raise CannotGoOnline(missing_to_go_online(readiness, today=today))


def _complete() -> ColumnElement[bool]:
    """``missing_for_review`` as the database sees it; the price has a CHECK."""
    return and_(PlantingBase.capacity > 0, _campaign_is(Campaign.county_code == PlantingBase.county_code))


def _campaign_is(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Campaign.id == PlantingBase.campaign_id, *conditions)


def _take(session: Session, step: Step, *, base_id: str, caller: Caller | None, now: datetime) -> None:
    if not _took(session, step, base_id=base_id, caller=caller, now=now):
        _explain(session, step, base_id=base_id, caller=caller)
        raise IllegalMove  # somebody moved it away and back between the two statements


def _took(
    session: Session,
    step: Step,
    *,
    base_id: str,
    caller: Caller | None,
    now: datetime,
    guard: ColumnElement[bool] | None = None,
) -> bool:
    """Make the move and write it into the trail, if the base is in reach, in ``step.frm``, and passes the guard."""
    moved = session.scalar(
        update(PlantingBase)
        .where(PlantingBase.public_id == base_id, PlantingBase.status.in_(step.frm), _in_reach(caller))
        .where(true() if guard is None else guard)
        .values(status=_target(step))
        .returning(PlantingBase.status)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        return False
    record(session, caller=caller, action=step.action, on=("base", base_id), now=now, to=moved)
    return True


def _target(step: Step) -> ColumnElement[BaseStatus] | BaseStatus:
    """A base that opens with every place sold is at once what the sale of its last place would have made it."""
    if step.to is not BaseStatus.ONLINE:
        return step.to
    return case((PlantingBase.sold == PlantingBase.capacity, BaseStatus.FULL), else_=BaseStatus.ONLINE)


def _explain(session: Session, step: Step, *, base_id: str, caller: Caller | None) -> Readiness:
    """Why nothing moved: not in reach, or in another state; else what it brings, where the reason is."""
    row = session.execute(
        select(PlantingBase, Campaign)
        .join(Campaign, Campaign.id == PlantingBase.campaign_id)
        .where(PlantingBase.public_id == base_id, _in_reach(caller))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound("基地不存在")
    base, campaign = row
    if base.status not in step.frm:
        raise IllegalMove(f"{BASE_STATUS_WORDS[base.status]}的基地不能进行该操作", current=str(base.status))
    return _readiness(base, campaign)


def _readiness(base: PlantingBase, campaign: Campaign) -> Readiness:
    return Readiness(
        capacity=base.capacity,
        price_fen=base.price_fen,
        same_county=base.county_code == campaign.county_code,
        campaign_status=campaign.status,
        campaign_ends_on=campaign.ends_on,
    )


def _in_reach(caller: Caller | None) -> ColumnElement[bool]:
    return true() if caller is None else under(PlantingBase.village_code, caller.prefixes)
