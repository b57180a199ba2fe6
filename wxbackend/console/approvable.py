"""Everything that needs a second person, and the feature that then does it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from models import Approval, Campaign, Certificate, PlantingBase
from wxbackend.bases import service as bases
from wxbackend.campaigns import service as campaigns
from wxbackend.core.caller import Caller
from wxbackend.core.ports import ports
from wxbackend.honours import service as honours
from wxbackend.honours.tools import issuing_tools
from wxbackend.staff.approvals import Approvable


def _serial(session: Session, wish: Approval) -> str:
    return session.get_one(Certificate, wish.object_id).serial or ""


def _campaign(session: Session, wish: Approval) -> str:
    return session.get_one(Campaign, wish.object_id).public_id


def _base(session: Session, wish: Approval) -> str:
    return session.get_one(PlantingBase, wish.object_id).public_id


def _revoke(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    honours.revoke(session, serial=_serial(session, wish), reason=wish.details["reason"], caller=caller, now=now)


def _supersede(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    honours.supersede(
        session,
        serial=_serial(session, wish),
        reason=wish.details["reason"],
        caller=caller,
        tools=issuing_tools(),
        now=now,
    )


def _campaign_online(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    merchants = ports().pay.merchants()
    campaigns.go_online(session, campaign_id=_campaign(session, wish), merchants=merchants, caller=caller, now=now)


def _campaign_back(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    campaigns.return_to_draft(session, campaign_id=_campaign(session, wish), caller=caller, now=now)


def _campaign_resume(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    merchants = ports().pay.merchants()
    campaigns.resume(session, campaign_id=_campaign(session, wish), merchants=merchants, caller=caller, now=now)


def _base_online(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    bases.go_online(session, base_id=_base(session, wish), caller=caller, now=now)


def _base_back(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    bases.return_to_draft(session, base_id=_base(session, wish), caller=caller, now=now)


def _base_resume(session: Session, wish: Approval, caller: Caller, now: datetime) -> None:
    bases.resume(session, base_id=_base(session, wish), caller=caller, now=now)


APPROVABLE: Mapping[str, Approvable] = MappingProxyType(
    {
        "certificate.revoke": Approvable("吊销证书", "certificates.approve", _revoke),
        "certificate.supersede": Approvable("换发证书", "certificates.approve", _supersede),
        "campaign.online": Approvable("项目上线", "catalogue.approve", _campaign_online, _campaign_back),
        "campaign.resume": Approvable("项目恢复上线", "catalogue.approve", _campaign_resume),
        "base.online": Approvable("基地上线", "catalogue.approve", _base_online, _base_back),
        "base.resume": Approvable("基地恢复上线", "catalogue.approve", _base_resume),
    }
)
