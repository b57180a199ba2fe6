"""What is open at a base, how far it is, and what it lacks. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from models import BaseStatus, CampaignStatus, PledgeKind
from wxbackend.campaigns.rules import why_no_money

BASE_STATUS_WORDS: Mapping[BaseStatus, str] = MappingProxyType(
    {
        BaseStatus.DRAFT: "草稿",
        BaseStatus.REVIEW: "待审核",
        BaseStatus.ONLINE: "认种中",
        BaseStatus.SUSPENDED: "已暂停",
        BaseStatus.FULL: "名额已满",
        BaseStatus.PLANTING_DUE: "待组织种植",
        BaseStatus.PLANTED: "已种植",
        BaseStatus.ACCEPTED: "已验收",
        BaseStatus.CARE: "管护中",
        BaseStatus.CLOSED: "已关闭",
    }
)
#: What nobody outside may see.
HIDDEN = (BaseStatus.DRAFT, BaseStatus.REVIEW)
#: In these a base takes donations and adoptions; new places are taken while ONLINE only.
TAKING = (BaseStatus.ONLINE, BaseStatus.FULL)
KIND_WORDS: Mapping[PledgeKind, str] = MappingProxyType(
    {PledgeKind.PLANT: "认种", PledgeKind.DONATE: "认捐", PledgeKind.ADOPT: "认养"}
)
EARTH_RADIUS_M = 6_371_000
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a base takes pledges. ``trees_open`` counts trees that may be adopted now."""

    status: BaseStatus
    campaign_status: CampaignStatus
    starts_on: date
    ends_on: date
    places_left: int
    held: int
    adopt_price_fen: int | None
    trees_open: int


def why_closed(kind: PledgeKind, at: Standing, *, today: date) -> str | None:
    """Why the base takes no pledge of this kind today; ``None`` when it does."""
    if at.status not in TAKING:
        return f"基地{BASE_STATUS_WORDS[at.status]}"
    if reason := why_no_money(at.campaign_status, at.starts_on, at.ends_on, today=today):
        return reason
    if kind is PledgeKind.PLANT:
        return _why_no_place(at)
    return _why_no_tree(at) if kind is PledgeKind.ADOPT else None


def _why_no_place(at: Standing) -> str | None:
    if at.status is BaseStatus.ONLINE and at.places_left > 0:
        return None
    return "剩余名额正在被他人支付，请稍后再看" if at.held else "认种名额已满"


def _why_no_tree(at: Standing) -> str | None:
    if at.adopt_price_fen is None:
        return "该基地未开放认养"
    return None if at.trees_open else "暂无可认养的树木"


@dataclass(frozen=True, slots=True)
class Position:
    """A point in millionths of a degree (GCJ-02)."""

    latitude_e6: int
    longitude_e6: int

    def distance_m(self, other: "Position") -> int:
        """Metres along the ground (haversine)."""
        lat, other_lat = math.radians(self.latitude_e6 / MICRO), math.radians(other.latitude_e6 / MICRO)
        by_lng = math.sin(math.radians((other.longitude_e6 - self.longitude_e6) / MICRO) / 2) ** 2
        h = math.sin((other_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(other_lat) * by_lng
        return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(h)))

    def longitude_per_mille(self) -> int:
        """How long a degree of longitude is here, in thousandths of a degree of latitude."""
        return round(math.cos(math.radians(self.latitude_e6 / MICRO)) * 1000)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a base brings along when it wants to go online."""

    capacity: int
    price_fen: int
    same_county: bool
    campaign_status: CampaignStatus
    campaign_ends_on: date


def missing_for_review(base: Readiness) -> list[str]:
    """What keeps a base from being reviewed, in words."""
    faults = {
        "认种名额为零": base.capacity < 1,
        "未设置认种单价": base.price_fen < 1,
        "基地与所属项目不在同一县（市、区）": not base.same_county,
    }
    return [words for words, wrong in faults.items() if wrong]


def missing_to_go_online(base: Readiness, *, today: date) -> list[str]:
    """What keeps a reviewed base from taking pledges, in words."""
    faults = {
        "所属项目尚未上线": base.campaign_status is not CampaignStatus.ONLINE,
        "所属项目已过结束日期": base.campaign_ends_on < today,
    }
    return missing_for_review(base) + [words for words, wrong in faults.items() if wrong]
