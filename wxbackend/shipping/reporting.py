"""Telling WeChat: between two transactions, never inside one."""

from datetime import datetime

from models import ShippingStatus
from wxbackend.core.db import transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxmini import Shipment, ShippingState, ShippingTooEarly
from wxbackend.shipping import service as shipping
from wxbackend.shipping.service import Parcel

#: WeChat has not got these yet.
NOT_THERE = frozenset({ShippingState.WAITING, ShippingState.UNKNOWN})


def report(transaction_id: str) -> None:
    """Report one payment, unless it was. Raises ``ShippingTooEarly``, ``UpstreamFailed``, after having noted them."""
    with transaction() as session:
        parcel = shipping.prepare(session, transaction_id=transaction_id, safe=vault(), now=ports().now())
    if parcel is None:
        return
    try:
        state = _hand_in(parcel)
    except (ShippingTooEarly, UpstreamFailed) as refusal:
        failed = isinstance(refusal, UpstreamFailed)
        with transaction() as session:
            shipping.note_refusal(session, transaction_id=transaction_id, error=refusal.code, failed=failed)
        raise
    keep_state(transaction_id, state)


def _hand_in(parcel: Parcel) -> ShippingState:
    """Where an earlier attempt may have got through, WeChat is asked first: a second upload is the one correction."""
    mini = ports().mini
    if parcel.asked_before:
        state = mini.shipping_state(transaction_id=parcel.transaction_id)
        if state not in NOT_THERE:
            return state
    mini.report_shipping(_shipment(parcel))
    return ShippingState.SHIPPED


def _shipment(parcel: Parcel) -> Shipment:
    return Shipment(parcel.transaction_id, parcel.openid, parcel.description, ports().now())


def correct(number: str) -> None:
    """Say it again, as it is now. Raises ``NotCorrectable``, ``ShippingTooEarly``, ``UpstreamFailed``."""
    with transaction() as session:
        parcel = shipping.begin_correction(session, number=number, safe=vault(), now=ports().now())
    try:
        ports().mini.report_shipping(_shipment(parcel))
    except (ShippingTooEarly, UpstreamFailed):
        with transaction() as session:
            shipping.give_correction_back(session, transaction_id=parcel.transaction_id)
        raise


def keep_state(transaction_id: str, state: ShippingState, *, at: datetime | None = None) -> None:
    if state in NOT_THERE:
        return
    with transaction() as session:
        shipping.note_state(
            session, transaction_id=transaction_id, to=ShippingStatus(state.value), at=at or ports().now()
        )
