"""Questions and answers about campaigns."""

from datetime import date

from models import CampaignStatus, LegalBasis, Payee
from wxbackend.campaigns.rules import CAMPAIGN_STATUS_WORDS, LEGAL_BASIS_WORDS, why_no_money
from wxbackend.campaigns.service import CampaignView
from wxbackend.core.schema import Answer, PageQuery
from wxbackend.regions.schemas import RegionCode


class CampaignsQuery(PageQuery):
    """``region`` of any level: campaigns of its county, or of every county below it."""

    region: RegionCode | None = None


class PayeeAnswer(Answer):
    """The organisation that receives the money; the operator of this program never holds it."""

    name: str
    qualification: str | None

    @classmethod
    def of(cls, payee: Payee) -> "PayeeAnswer":
        return cls(name=payee.name, qualification=payee.qualification)


class LegalBasisAnswer(Answer):
    code: LegalBasis
    text: str

    @classmethod
    def of(cls, basis: LegalBasis | None) -> "LegalBasisAnswer | None":
        return cls(code=basis, text=LEGAL_BASIS_WORDS[basis]) if basis else None


class CampaignAnswer(Answer):
    """``takes_money`` is whether today lies in its dates; both dates are included and are those of China."""

    id: str
    name: str
    summary: str
    status: CampaignStatus
    status_text: str
    county_code: str
    county_name: str
    payee: PayeeAnswer
    legal_basis: LegalBasisAnswer | None
    filing_number: str | None
    starts_on: date
    ends_on: date
    takes_money: bool

    @classmethod
    def of(cls, view: CampaignView, *, today: date) -> "CampaignAnswer":
        campaign = view.campaign
        return cls(
            id=campaign.public_id,
            name=campaign.name,
            summary=campaign.summary,
            status=campaign.status,
            status_text=CAMPAIGN_STATUS_WORDS[campaign.status],
            county_code=campaign.county_code,
            county_name=view.county_name,
            payee=PayeeAnswer.of(view.payee),
            legal_basis=LegalBasisAnswer.of(campaign.legal_basis),
            filing_number=campaign.filing_number,
            starts_on=campaign.starts_on,
            ends_on=campaign.ends_on,
            takes_money=why_no_money(campaign.status, campaign.starts_on, campaign.ends_on, today=today) is None,
        )
