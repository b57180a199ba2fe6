"""Campaigns (认种认捐项目), the payees that receive the money, and the authorities that issue certificates."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, EnumText, HasId, one_of


class LegalBasis(StrEnum):
    """On what ground a campaign may take money (慈善法; 广东省全民义务植树条例)."""

    GREENING_COMMITTEE = "greening_committee"  # 条例第十五条: 绿委依法接受社会捐赠
    ADOPTION_AGREEMENT = "adoption_agreement"  # 条例第十六条: 认种认养协议
    CHARITY_OWN_SITE = "charity_own_site"  # 慈善法第二十七条: 具有公开募捐资格的慈善组织
    UNIT_INTERNAL = "unit_internal"  # 慈善法第一百二十二条: 单位内部


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    ONLINE = "online"
    SUSPENDED = "suspended"
    CLOSED = "closed"


CAMPAIGN_MOVES: Mapping[CampaignStatus, frozenset[CampaignStatus]] = MappingProxyType(
    {
        CampaignStatus.DRAFT: frozenset({CampaignStatus.REVIEW}),
        CampaignStatus.REVIEW: frozenset({CampaignStatus.ONLINE, CampaignStatus.DRAFT}),
        CampaignStatus.ONLINE: frozenset({CampaignStatus.SUSPENDED, CampaignStatus.CLOSED}),
        CampaignStatus.SUSPENDED: frozenset({CampaignStatus.ONLINE, CampaignStatus.CLOSED}),
        CampaignStatus.CLOSED: frozenset(),
    }
)


class Payee(HasId, Base):
    """The organisation whose own merchant number receives the money (收款主体)."""

    __tablename__ = "payee"

    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    mchid: Mapped[str]
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    qualification: Mapped[str | None]


class Issuer(HasId, Base):
    """The authority whose name and seal stand on certificates of a county (发证机关). No seal: 样例 stands across."""

    __tablename__ = "issuer"

    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"), unique=True)
    name: Mapped[str]
    seal_key: Mapped[str | None]


class Campaign(HasId, Base):
    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint(one_of("status", CampaignStatus), name="status"),
        CheckConstraint(f"legal_basis IS NULL OR {one_of('legal_basis', LegalBasis)}", name="legal_basis"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
        CheckConstraint(
            "status IN ('draft', 'closed') OR (payee_id IS NOT NULL AND legal_basis IS NOT NULL"
            " AND filing_number IS NOT NULL)",
            name="grounds_before_online",
        ),
    )

    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    summary: Mapped[str]
    county_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    payee_id: Mapped[int | None] = mapped_column(ForeignKey("payee.id"))
    legal_basis: Mapped[LegalBasis | None] = mapped_column(EnumText(LegalBasis))
    filing_number: Mapped[str | None]
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    status: Mapped[CampaignStatus] = mapped_column(EnumText(CampaignStatus), default=CampaignStatus.DRAFT)
    created_at: Mapped[datetime]
