"""What a campaign must have before it may ask for money. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from models import CampaignStatus, LegalBasis

#: As residents read it; the law stands beside the words.
LEGAL_BASIS_WORDS: Mapping[LegalBasis, str] = MappingProxyType(
    {
        LegalBasis.GREENING_COMMITTEE: "绿化委员会依法接受社会捐赠（广东省全民义务植树条例第十五条）",
        LegalBasis.ADOPTION_AGREEMENT: "认种认养协议（广东省全民义务植树条例第十六条）",
        LegalBasis.CHARITY_OWN_SITE: "具有公开募捐资格的慈善组织在自有平台募捐（慈善法第二十七条）",
        LegalBasis.UNIT_INTERNAL: "单位内部互助募捐（慈善法第一百二十二条）",
    }
)
CAMPAIGN_STATUS_WORDS: Mapping[CampaignStatus, str] = MappingProxyType(
    {
        CampaignStatus.DRAFT: "草稿",
        CampaignStatus.REVIEW: "待审核",
        CampaignStatus.ONLINE: "进行中",
        CampaignStatus.SUSPENDED: "已暂停",
        CampaignStatus.CLOSED: "已结束",
    }
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """On what a campaign stands. ``mchid`` is that of its payee."""

    mchid: str | None
    legal_basis: LegalBasis | None
    filing_number: str | None
    starts_on: date
    ends_on: date


def missing_for_review(grounds: Grounds, *, today: date) -> list[str]:
    """What keeps a campaign from being reviewed, in words."""
    faults = {
        "未指定收款主体": grounds.mchid is None,
        "未填写法律依据": grounds.legal_basis is None,
        "未填写备案号": not (grounds.filing_number or "").strip(),
        "结束日期早于开始日期": grounds.ends_on < grounds.starts_on,
        "已过结束日期": grounds.ends_on < today,
    }
    return [words for words, wrong in faults.items() if wrong]


def missing_to_go_online(grounds: Grounds, *, merchants: Collection[str], today: date) -> list[str]:
    """What keeps a reviewed campaign from taking money, in words."""
    unconfigured = grounds.mchid is not None and grounds.mchid not in merchants
    return missing_for_review(grounds, today=today) + (["收款主体的商户号未在系统中配置"] if unconfigured else [])


def why_no_money(status: CampaignStatus, starts_on: date, ends_on: date, *, today: date) -> str | None:
    """Why a campaign takes no money today (a date in China); ``None`` when it does."""
    if status is not CampaignStatus.ONLINE:
        return f"项目{CAMPAIGN_STATUS_WORDS[status]}"
    if today < starts_on:
        return f"项目将于{starts_on:%Y-%m-%d}开始"
    return f"项目已于{ends_on:%Y-%m-%d}结束" if today > ends_on else None
