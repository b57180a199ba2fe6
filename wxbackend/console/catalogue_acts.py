"""What staff do to campaigns and bases: alone where it takes something away, by a second person where it adds."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from models import BaseStatus, Campaign, CampaignStatus, PlantingBase
from wxbackend.bases import service as bases
from wxbackend.campaigns import service as campaigns
from wxbackend.console import words
from wxbackend.core.caller import Caller
from wxbackend.core.errors import IllegalMove
from wxbackend.staff import approvals
from wxbackend.staff.approvals import Wish
from wxbackend.staff.errors import ConfirmationNeeded

Thing = Campaign | PlantingBase
Do = Callable[[Session, Thing, Caller, datetime], None]


@dataclass(frozen=True, slots=True)
class Act:
    """A button: its words, what it does, and what is said afterwards. ``once_asked`` ones vanish while one waits."""

    title: str
    done: str
    do: Do
    once_asked: bool = False
    grave: bool = False


def _kind(thing: Thing) -> str:
    return "campaign" if isinstance(thing, Campaign) else "base"


def _wish_for(what: str, *, only_from: Collection[CampaignStatus | BaseStatus]) -> Do:
    """Ask a second person. What the state forbids is not asked: nobody could ever grant it."""

    def ask(session: Session, thing: Thing, caller: Caller, now: datetime) -> None:
        kind = _kind(thing)
        action = f"{kind}.{what}"
        session.refresh(thing, ("status",), with_for_update=True)  # as it is now, and stays until this is asked
        if thing.status not in only_from:
            said = f"当前状态为“{words.title(thing.status)}”，不能申请{words.action(action)}"
            raise IllegalMove(said, current=str(thing.status))
        wish = Wish(action, kind, thing.id, thing.county_code, {"public_id": thing.public_id})
        approvals.request(session, wish=wish, caller=caller, now=now)

    return ask


_ask_to_go_online = _wish_for("online", only_from=(CampaignStatus.REVIEW, BaseStatus.REVIEW))
_ask_to_resume = _wish_for("resume", only_from=(CampaignStatus.SUSPENDED, BaseStatus.SUSPENDED))


def _submit(session: Session, thing: Thing, caller: Caller, now: datetime) -> None:
    """Complete enough for a review, and asked for: one press, one transaction."""
    if isinstance(thing, Campaign):
        campaigns.submit_for_review(session, campaign_id=thing.public_id, caller=caller, now=now)
    else:
        bases.submit_for_review(session, base_id=thing.public_id, caller=caller, now=now)
    _ask_to_go_online(session, thing, caller, now)


def _suspend(session: Session, thing: Thing, caller: Caller, now: datetime) -> None:
    if isinstance(thing, Campaign):
        campaigns.suspend(session, campaign_id=thing.public_id, caller=caller, now=now)
    else:
        bases.suspend(session, base_id=thing.public_id, caller=caller, now=now)


def _close(session: Session, thing: Thing, caller: Caller, now: datetime) -> None:
    """For good, hence with a fresh code."""
    if not caller.confirmed:
        raise ConfirmationNeeded
    if isinstance(thing, Campaign):
        campaigns.close(session, campaign_id=thing.public_id, caller=caller, now=now)
    else:
        bases.close(session, base_id=thing.public_id, caller=caller, now=now)


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "submit": Act("提交复核", "已提交，请另一位管理员复核上线", _submit, once_asked=True),
        "ask": Act("申请上线", "已提交，请另一位管理员复核上线", _ask_to_go_online, once_asked=True),
        "suspend": Act("暂停", "已暂停，不再接受新的认种认捐", _suspend),
        "resume": Act("申请恢复", "已提交，请另一位管理员复核恢复", _ask_to_resume, once_asked=True),
        "close": Act("关闭", "已关闭", _close, grave=True),
    }
)
CAMPAIGN_ACTS: Mapping[CampaignStatus, tuple[str, ...]] = MappingProxyType(
    {
        CampaignStatus.DRAFT: ("submit",),
        CampaignStatus.REVIEW: ("ask",),
        CampaignStatus.ONLINE: ("suspend", "close"),
        CampaignStatus.SUSPENDED: ("resume", "close"),
        CampaignStatus.CLOSED: (),
    }
)
BASE_ACTS: Mapping[BaseStatus, tuple[str, ...]] = MappingProxyType(
    {
        BaseStatus.DRAFT: ("submit",),
        BaseStatus.REVIEW: ("ask",),
        BaseStatus.ONLINE: ("suspend", "close"),
        BaseStatus.SUSPENDED: ("resume", "close"),
        BaseStatus.FULL: ("close",),
        BaseStatus.PLANTING_DUE: (),
        BaseStatus.PLANTED: (),
        BaseStatus.ACCEPTED: (),
        BaseStatus.CARE: ("close",),
        BaseStatus.CLOSED: (),
    }
)


def acts_of(thing: Thing, *, asked: bool) -> Mapping[str, Act]:
    """The buttons a row shows."""
    names = CAMPAIGN_ACTS[thing.status] if isinstance(thing, Campaign) else BASE_ACTS[thing.status]
    return {name: ACTS[name] for name in names if not (asked and ACTS[name].once_asked)}
