"""Shipping information (发货信息管理): trees and gifts are delivered without a parcel, in one piece."""

from typing import Any
from zoneinfo import ZoneInfo

from wxbackend.core.wxmini import Shipment, ShippingState

CHINA = ZoneInfo("Asia/Shanghai")
BY_TRANSACTION, VIRTUAL, IN_ONE_PIECE = 2, 3, 1
LONGEST_DESCRIPTION = 120

UNKNOWN_ORDER = "10060001"
#: Shipped before, corrected before, in a state that cannot be shipped any more, nothing changed.
DONE_BEFORE = frozenset({"10060002", "10060003", "10060004", "10060023"})
STATES = {
    1: ShippingState.WAITING,
    2: ShippingState.SHIPPED,
    3: ShippingState.CONFIRMED,
    4: ShippingState.SETTLED,
    5: ShippingState.REFUNDED,
    6: ShippingState.CONFIRMED,  # 资金待结算: what remains is WeChat's
}


def report_document(shipment: Shipment) -> dict[str, Any]:
    return {
        "order_key": {"order_number_type": BY_TRANSACTION, "transaction_id": shipment.transaction_id},
        "logistics_type": VIRTUAL,
        "delivery_mode": IN_ONE_PIECE,
        "shipping_list": [{"item_desc": shipment.description[:LONGEST_DESCRIPTION]}],
        "upload_time": shipment.at.astimezone(CHINA).isoformat(timespec="milliseconds"),
        "payer": {"openid": shipment.openid},
    }


def told_state(answer: dict[str, Any]) -> ShippingState | None:
    """``None`` for one that has no name here."""
    order = answer.get("order")
    number = order.get("order_state") if isinstance(order, dict) else None
    return STATES.get(number) if isinstance(number, int) else None
