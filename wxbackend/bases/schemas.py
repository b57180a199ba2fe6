"""Questions and answers about bases."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models import BaseStatus, PledgeKind, PointsRule
from wxbackend.bases.listing import After, BaseFilter, BaseView, Near
from wxbackend.bases.rules import BASE_STATUS_WORDS, KIND_WORDS, MICRO, Position, why_closed
from wxbackend.campaigns.schemas import CampaignAnswer, PayeeAnswer
from wxbackend.campaigns.service import CampaignView
from wxbackend.core.schema import Answer, PageQuery, Schema
from wxbackend.regions.rules import prefix_of
from wxbackend.regions.schemas import RegionCode

PublicId = Annotated[str, Field(min_length=1, max_length=40)]
PublicStatus = Literal["online", "suspended", "full", "planting_due", "planted", "accepted", "care", "closed"]
MAX_LATITUDE, MAX_LONGITUDE = 90, 180


def _parse_position(text: str) -> str:
    """``纬度,经度`` in degrees."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("应为“纬度,经度”，如 23.30,116.17") from None
    if not (abs(latitude) <= MAX_LATITUDE and abs(longitude) <= MAX_LONGITUDE):
        raise ValueError("纬度应在±90之间，经度应在±180之间")
    return text


class BasesQuery(PageQuery):
    """``near`` is ``latitude,longitude`` (GCJ-02) and orders by distance; ``region`` is a region of any level."""

    region: RegionCode | None = None
    status: PublicStatus | None = None
    species: PublicId | None = None
    campaign: PublicId | None = None
    q: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    near: Annotated[str, Field(max_length=40), AfterValidator(_parse_position)] | None = None
    within_km: Annotated[int, Field(ge=1, le=500)] | None = None

    @model_validator(mode="after")
    def _distance_from_somewhere(self) -> Self:
        if self.within_km is not None and self.near is None:
            raise ValueError("within_km 须与 near 一起使用")
        return self

    def want(self) -> BaseFilter:
        return BaseFilter(
            region_prefix=prefix_of(self.region) if self.region else None,
            status=BaseStatus(self.status) if self.status else None,
            species_id=self.species,
            campaign_id=self.campaign,
            name=self.q,
            near=Near(here, self.within_km) if (here := self.here()) else None,
        )

    def here(self) -> Position | None:
        if self.near is None:
            return None
        latitude, longitude = (round(float(part) * MICRO) for part in self.near.split(","))
        return Position(latitude, longitude)

    def position(self) -> After | None:
        found = self.after(int, int)
        return (found[0], found[1]) if found else None


class BasePath(Schema):
    base_id: PublicId


class BaseSpeciesAnswer(Answer):
    id: str
    name: str
    latin: str | None


class BaseCampaignAnswer(Answer):
    id: str
    name: str
    payee: PayeeAnswer


class BaseAnswer(Answer):
    """Prices are fen a tree; ``adopt_price_fen`` is for the whole of ``term_months``. Positions are GCJ-02."""

    id: str
    name: str
    status: BaseStatus
    status_text: str
    county_code: str
    county_name: str
    village_code: str
    village_name: str
    address: str
    latitude: float | None
    longitude: float | None
    distance_m: int | None
    price_fen: int
    adopt_price_fen: int | None
    term_months: int
    capacity: int
    places_left: int
    species: BaseSpeciesAnswer
    campaign: BaseCampaignAnswer

    @classmethod
    def of(cls, view: BaseView, *, here: Position | None = None) -> "BaseAnswer":
        campaign = BaseCampaignAnswer(
            id=view.campaign.public_id, name=view.campaign.name, payee=PayeeAnswer.of(view.payee)
        )
        return cls(**_facts(view, here), campaign=campaign)


def _facts(view: BaseView, here: Position | None) -> dict[str, Any]:
    base, at = view.base, view.position
    return {
        "id": base.public_id,
        "name": base.name,
        "status": base.status,
        "status_text": BASE_STATUS_WORDS[base.status],
        "county_code": base.county_code,
        "county_name": view.county_name,
        "village_code": base.village_code,
        "village_name": view.village_name,
        "address": base.address,
        "latitude": at.latitude_e6 / MICRO if at else None,
        "longitude": at.longitude_e6 / MICRO if at else None,
        "distance_m": here.distance_m(at) if here and at else None,
        "price_fen": base.price_fen,
        "adopt_price_fen": base.adopt_price_fen,
        "term_months": base.term_months,
        "capacity": base.capacity,
        "places_left": view.places_left,
        "species": BaseSpeciesAnswer(id=view.species.public_id, name=view.species.name, latin=view.species.latin),
    }


class PledgeKindAnswer(Answer):
    """Whether a kind of pledge is open now; ``reason`` says in words why not."""

    kind: PledgeKind
    name: str
    open: bool
    reason: str | None


class PointsPreviewAnswer(Answer):
    """What a payment earns today; ``fen_per_green`` is null where money earns no redeemable points."""

    sentence: str
    fen_per_green: int | None
    fen_per_honour: int

    @classmethod
    def of(cls, rule: PointsRule | None) -> "PointsPreviewAnswer | None":
        if rule is None:
            return None
        return cls(sentence=rule.sentence, fen_per_green=rule.fen_per_green, fen_per_honour=rule.fen_per_honour)


class BaseDetailAnswer(Answer):
    """A base with everything a resident should know before pledging."""

    id: str
    name: str
    status: BaseStatus
    status_text: str
    county_code: str
    county_name: str
    village_code: str
    village_name: str
    address: str
    latitude: float | None
    longitude: float | None
    distance_m: int | None
    price_fen: int
    adopt_price_fen: int | None
    term_months: int
    capacity: int
    places_left: int
    trees_open: int
    species: BaseSpeciesAnswer
    campaign: CampaignAnswer
    kinds: list[PledgeKindAnswer]
    points: PointsPreviewAnswer | None

    @classmethod
    def of(cls, view: BaseView, *, rule: PointsRule | None, today: date) -> "BaseDetailAnswer":
        campaign = CampaignView(view.campaign, view.county_name, view.payee)
        return cls(
            **_facts(view, None),
            trees_open=view.trees_open,
            campaign=CampaignAnswer.of(campaign, today=today),
            kinds=[_kind(kind, view, today) for kind in PledgeKind],
            points=PointsPreviewAnswer.of(rule),
        )


def _kind(kind: PledgeKind, view: BaseView, today: date) -> PledgeKindAnswer:
    reason = why_closed(kind, view.standing(), today=today)
    return PledgeKindAnswer(kind=kind, name=KIND_WORDS[kind], open=reason is None, reason=reason)
