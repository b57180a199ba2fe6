"""Filters in the URL of each list. An empty field is no filter."""

from datetime import date
from typing import Annotated

from pydantic import Field

from models import (
    BaseStatus,
    CampaignStatus,
    CertificateStatus,
    ContentSubject,
    PledgeKind,
    PledgeStatus,
    ReceiptStatus,
    RefundStatus,
    ReviewStatus,
)
from wxbackend.core.schema import PageQuery

Text = Annotated[str, Field(max_length=64)]


class ListQuery(PageQuery):
    @property
    def after_id(self) -> int | None:
        """The id after which this page begins. Raises ``InvalidInput``."""
        position = self.after(int)
        return position[0] if position else None


class PledgeQuery(ListQuery):
    q: Text | None = None
    status: PledgeStatus | None = None
    kind: PledgeKind | None = None


class RefundQuery(ListQuery):
    q: Text | None = None
    status: RefundStatus | None = None
    stuck: bool = False


class ReceiptQuery(ListQuery):
    q: Text | None = None
    status: ReceiptStatus | None = None


class ContentQuery(ListQuery):
    status: ReviewStatus = ReviewStatus.PENDING
    subject: ContentSubject | None = None


class CertificateQuery(ListQuery):
    q: Text | None = None
    status: CertificateStatus | None = None
    issued_from: date | None = None
    issued_to: date | None = None


class CampaignQuery(ListQuery):
    status: CampaignStatus | None = None


class BaseQuery(ListQuery):
    status: BaseStatus | None = None
    name: Text | None = None


class ApprovalQuery(ListQuery):
    decided: bool = False


class TrailQuery(ListQuery):
    action: Text | None = None
    key: Text | None = None
