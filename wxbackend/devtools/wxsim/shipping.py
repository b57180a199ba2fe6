"""发货信息管理: what was reported of which payment, and when its frozen money is let go."""

from dataclasses import dataclass, field
from enum import IntEnum

from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.shipping_form import Logistics, OrderKey, ShippingForm
from wxbackend.devtools.wxsim.wire import Json

DAY_S = 86400
SETTLED_AFTER_S = {
    Logistics.EXPRESS: 10 * DAY_S,
    Logistics.LOCAL: 2 * DAY_S,
    Logistics.VIRTUAL: 2 * DAY_S,
    Logistics.PICKUP: 2 * DAY_S,
}
MOST_FINISHES = 2
SHOWN_DESC = 120


class OrderState(IntEnum):
    """``order_state`` of get_order."""

    TO_SHIP = 1
    SHIPPED = 2
    CONFIRMED = 3
    DONE = 4
    REFUNDED = 5


class Receipt(IntEnum):
    """``confirm_receive_method``."""

    BY_ITSELF = 1
    BY_USER = 2


@dataclass(slots=True)
class Shipment:
    """The report of one payment; ``settles_at`` is by the business clock."""

    form: ShippingForm
    shipped_at: float
    settles_at: float
    finish_count: int = 0
    confirmed_at: float | None = None
    receipt: Receipt | None = None
    settled_at: float | None = None

    @property
    def is_finished(self) -> bool:
        return self.finish_count > 0

    @property
    def state(self) -> OrderState:
        if self.settled_at is not None:
            return OrderState.DONE
        if self.confirmed_at is not None:
            return OrderState.CONFIRMED
        return OrderState.SHIPPED if self.is_finished else OrderState.TO_SHIP

    def correct(self, form: ShippingForm, *, now: float) -> None:
        """Take a later report in: a finished one may be replaced once, with other content and a newer time."""
        if self.state not in {OrderState.TO_SHIP, OrderState.SHIPPED}:
            raise MiniRefusal(10060004, "the order is in a state that cannot be shipped")
        if self.finish_count >= MOST_FINISHES:
            raise MiniRefusal(10060003, "the only chance to ship again was used")
        if form.content == self.form.content:
            raise MiniRefusal(10060023, "shipping info not changed")
        if form.uploaded_at <= self.form.uploaded_at:
            raise MiniRefusal(10060014, "upload_time must be later than that of the last upload")
        self.form, self.shipped_at = form, now
        self._finish(now=now)

    def _finish(self, *, now: float) -> None:
        if self.form.is_all_delivered:
            self.finish_count += 1
            self.settles_at = now + SETTLED_AFTER_S[self.form.logistics]

    def confirm(self, receipt: Receipt, *, now: float) -> None:
        """Received, as far as anybody says; only the first word on it counts."""
        if self.confirmed_at is None:
            self.receipt, self.confirmed_at = receipt, now

    def settle(self, receipt: Receipt, *, now: float) -> bool:
        """Confirm, if nobody did, and pay out; False when that was done before."""
        if self.settled_at is not None:
            return False
        self.confirm(receipt, now=now)
        self.settled_at = now
        return True

    def facts(self) -> Json:
        form = self.form
        return {
            "delivery_mode": form.delivery.value,
            "logistics_type": form.logistics.value,
            "finish_shipping": self.is_finished,
            "finish_shipping_count": self.finish_count,
            "goods_desc": shown_description(form),
            "shipping_list": [
                {
                    "tracking_no": parcel.tracking_no,
                    "express_company": parcel.express_company,
                    "goods_desc": parcel.item_desc,
                    "upload_time": int(self.shipped_at),
                }
                for parcel in form.parcels
            ],
        }


def first_shipment(form: ShippingForm, *, now: float) -> Shipment:
    shipment = Shipment(form, shipped_at=now, settles_at=now + SETTLED_AFTER_S[form.logistics])
    shipment.finish_count = int(form.is_all_delivered)
    return shipment


def shown_description(form: ShippingForm) -> str:
    whole = ";".join(parcel.item_desc for parcel in form.parcels)
    return whole if len(whole) <= SHOWN_DESC else whole[:SHOWN_DESC] + "..."


@dataclass(slots=True)
class ShippingDesk:
    """All reports by transaction id; the caller holds the world's lock.

    A payment becomes known here ``known_after_s`` after it was made: at the real host the two systems are apart.
    """

    managed: bool = True
    known_after_s: float = 0.0
    shipments: dict[str, Shipment] = field(default_factory=dict)


def named_key(body: Json) -> OrderKey:
    """The payment that get_order asks for; raises MiniRefusal 10060014."""
    number, mchid, own = (body.get(name) for name in ("transaction_id", "merchant_id", "merchant_trade_no"))
    if isinstance(number, str) and number:
        return OrderKey(number)
    if isinstance(mchid, str) and isinstance(own, str) and mchid and own:
        return OrderKey(None, mchid, own)
    raise MiniRefusal(10060014, "give transaction_id, or merchant_id and merchant_trade_no")
