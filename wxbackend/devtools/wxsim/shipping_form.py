"""Parameter checks of POST wxa/sec/order/upload_shipping_info, with the error codes of the real host."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeVar

from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.wire import Json

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
LONGEST_DESC = 120
LONGEST_CARRIER = 128
MOST_PARCELS = 10
BAD_ARGUMENT = 10060014

KindT = TypeVar("KindT", bound=IntEnum)


class Logistics(IntEnum):
    EXPRESS = 1
    LOCAL = 2
    VIRTUAL = 3
    PICKUP = 4


class Delivery(IntEnum):
    UNIFIED = 1
    SPLIT = 2


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One payment, named by WeChat's number or by the merchant's own two."""

    transaction_id: str | None
    mchid: str | None = None
    out_trade_no: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    item_desc: str
    tracking_no: str
    express_company: str


@dataclass(frozen=True, slots=True)
class ShippingForm:
    """A report that passed the parameter checks; ``uploaded_at`` is the caller's own clock."""

    key: OrderKey
    openid: str
    logistics: Logistics
    delivery: Delivery
    parcels: tuple[Parcel, ...]
    is_all_delivered: bool
    uploaded_at: float

    @property
    def content(self) -> tuple[object, ...]:
        """What may not be the same when the report is corrected."""
        return (self.logistics, self.delivery, self.parcels, self.is_all_delivered)


def read_shipping_form(body: Json) -> ShippingForm:
    """Raises MiniRefusal with the code of the first field that is wrong."""
    key = _order_key(body.get("order_key"))
    logistics = _one_of(Logistics, body.get("logistics_type"), MiniRefusal(10060005, "logistics_type invalid"))
    delivery = _one_of(Delivery, body.get("delivery_mode"), MiniRefusal(268485224, "delivery_mode invalid"))
    parcels = _parcels(body.get("shipping_list"), logistics=logistics, delivery=delivery)
    return ShippingForm(
        key=key,
        openid=_openid(body.get("payer")),
        logistics=logistics,
        delivery=delivery,
        parcels=parcels,
        is_all_delivered=_all_delivered(body, delivery=delivery, logistics=logistics),
        uploaded_at=_upload_time(body.get("upload_time")),
    )


def _order_key(given: object) -> OrderKey:
    key = given if isinstance(given, dict) else {}
    match key.get("order_number_type"):
        case 2:
            number = _some_text(key.get("transaction_id"), MiniRefusal(268485195, "transaction_id empty"))
            return OrderKey(number)
        case 1:
            mchid = _some_text(key.get("mchid"), MiniRefusal(268485196, "mchid empty"))
            return OrderKey(None, mchid, _some_text(key.get("out_trade_no"), MiniRefusal(268485197, "trade_no empty")))
    raise MiniRefusal(268485194, "order_number_type invalid")


def _parcels(given: object, *, logistics: Logistics, delivery: Delivery) -> tuple[Parcel, ...]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise MiniRefusal(BAD_ARGUMENT, "shipping_list invalid")
    if delivery is Delivery.UNIFIED and len(given) != 1:
        raise MiniRefusal(268485228, "shipping_list must have exactly one item in unified delivery")
    if not 1 <= len(given) <= MOST_PARCELS:
        raise MiniRefusal(10060024, "shipping_list too long")
    return tuple(_parcel(item, logistics=logistics) for item in given)


def _parcel(item: Json, *, logistics: Logistics) -> Parcel:
    desc = _some_text(item.get("item_desc"), MiniRefusal(10060008, "item_desc empty"))
    if len(desc) > LONGEST_DESC:
        raise MiniRefusal(10060009, "item_desc too long")
    tracking_no, company = item.get("tracking_no") or "", item.get("express_company") or ""
    if logistics is Logistics.EXPRESS:
        tracking_no = _some_text(tracking_no, MiniRefusal(268485226, "tracking_no empty"))
        company = _some_text(company, MiniRefusal(268485227, "express_company empty"))
    if not isinstance(tracking_no, str) or len(tracking_no) > LONGEST_CARRIER:
        raise MiniRefusal(10060026, "tracking_no too long")
    if not isinstance(company, str) or len(company) > LONGEST_CARRIER:
        raise MiniRefusal(10060025, "express_company too long")
    return Parcel(desc, tracking_no, company)


def _all_delivered(body: Json, *, delivery: Delivery, logistics: Logistics) -> bool:
    """Unified delivery is all of it."""
    if delivery is Delivery.UNIFIED:
        return True
    if logistics is not Logistics.EXPRESS:
        raise MiniRefusal(10060006, "only express can be split")
    given = body.get("is_all_delivered")
    if not isinstance(given, bool):
        raise MiniRefusal(10060007, "is_all_delivered missing in split delivery")
    return given


def _openid(payer: object) -> str:
    openid = payer.get("openid") if isinstance(payer, dict) else None
    return _some_text(openid, MiniRefusal(BAD_ARGUMENT, "payer.openid missing"))


def _upload_time(given: object) -> float:
    refusal = MiniRefusal(268485216, "upload_time invalid, must be RFC 3339")
    text = _some_text(given, refusal)
    if RFC3339.fullmatch(text) is None:
        raise refusal
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise refusal from None


def _some_text(given: object, refusal: MiniRefusal) -> str:
    if not isinstance(given, str) or not given:
        raise refusal
    return given


def _one_of(kind: type[KindT], given: object, refusal: MiniRefusal) -> KindT:
    if not isinstance(given, int) or isinstance(given, bool) or given not in set(kind):
        raise refusal
    return kind(given)
