"""wxa/sec/order/…: report a shipment, ask for its state, ask whether this mini-program is managed at all."""

from functools import partial

from wxbackend.devtools.wxsim.orders import Order, TradeState
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.push_sender import new_event, send_event
from wxbackend.devtools.wxsim.shipping import (
    OrderState,
    Receipt,
    Shipment,
    first_shipment,
    named_key,
    shown_description,
)
from wxbackend.devtools.wxsim.shipping_form import OrderKey, read_shipping_form
from wxbackend.devtools.wxsim.wire import Answer, Json, Request, json_answer
from wxbackend.devtools.wxsim.world import World

SETTLEMENT_EVENT = "trade_manage_order_settlement"


def upload_shipping(world: World, request: Request) -> Answer:
    """POST wxa/sec/order/upload_shipping_info."""
    form = read_shipping_form(request.json())
    if not world.mini.shipping.managed:
        raise MiniRefusal(48001, "api unauthorized")
    order, now = find_payment(world, form.key), world.clock.now()
    if form.openid != order.form.openid:
        raise MiniRefusal(10060031, "the order does not belong to this openid")
    if order_state(world, order) is OrderState.REFUNDED:
        raise MiniRefusal(10060004, "the order is in a state that cannot be shipped")
    number = str(order.transaction_id)
    shipment = world.mini.shipping.shipments.get(number)
    if shipment is None:
        shipment = world.mini.shipping.shipments[number] = first_shipment(form, now=now)
    else:
        shipment.correct(form, now=now)
    if shipment.is_finished:
        _announce(world, order, shipment)
    return json_answer({"errcode": 0, "errmsg": "ok"})


def tell_order(world: World, request: Request) -> Answer:
    """POST wxa/sec/order/get_order."""
    order = find_payment(world, named_key(request.json()))
    return json_answer({"errcode": 0, "errmsg": "ok", "order": order_facts(world, order)})


def tell_managed(world: World, request: Request) -> Answer:
    """POST wxa/sec/order/is_trade_managed."""
    if request.json().get("appid") != world.app.appid:
        raise MiniRefusal(40013, "invalid appid")
    return json_answer({"errcode": 0, "errmsg": "ok", "is_trade_managed": world.mini.shipping.managed})


def find_payment(world: World, key: OrderKey) -> Order:
    """A paid order that has come through to this host; raises MiniRefusal 10060001."""
    known_since = world.clock.now() - world.mini.shipping.known_after_s
    for order in world.order_book.orders.values():
        own = (order.form.mchid, order.form.out_trade_no)
        named = (
            order.transaction_id == key.transaction_id if key.transaction_id else own == (key.mchid, key.out_trade_no)
        )
        if named and order.paid_at is not None and order.paid_at <= known_since:
            return order
    raise MiniRefusal(10060001, "the order does not exist")


def order_state(world: World, order: Order) -> OrderState:
    """Only a payment that went back whole is 已退款; one with a part of it refunded is still to be shipped."""
    if order.state is TradeState.REFUND and _refunded_fen(world, order) >= order.form.total_fen:
        return OrderState.REFUNDED
    shipment = world.mini.shipping.shipments.get(str(order.transaction_id))
    return OrderState.TO_SHIP if shipment is None else shipment.state


def _refunded_fen(world: World, order: Order) -> int:
    refunds = world.refund_book.refunds.values()
    return sum(refund.form.refund_fen for refund in refunds if refund.order is order and refund.counts)


def order_facts(world: World, order: Order) -> Json:
    shipment = world.mini.shipping.shipments.get(str(order.transaction_id))
    paid_at = int(order.paid_at or 0)
    facts: Json = {
        "transaction_id": order.transaction_id,
        "merchant_trade_no": order.form.out_trade_no,
        "merchant_id": order.form.mchid,
        "sub_merchant_id": "",
        "description": shown_description(shipment.form) if shipment else "",
        "paid_amount": order.form.total_fen - order.coupon_fen,
        "openid": order.form.openid,
        "trade_create_time": paid_at,
        "pay_time": paid_at,
        "order_state": order_state(world, order).value,
        "in_complaint": False,
    }
    return facts | ({"shipping": shipment.facts()} if shipment else {})


def settle(world: World, order: Order, shipment: Shipment, receipt: Receipt, *, now: float) -> None:
    """Let the money go and say so; once. The caller holds the world's lock."""
    if order_state(world, order) is OrderState.REFUNDED or not shipment.settle(receipt, now=now):
        return
    ends = {
        "confirm_receive_method": (shipment.receipt or receipt).value,
        "confirm_receive_time": int(shipment.confirmed_at or now),
        "settlement_time": int(now),
    }
    send_event(world, new_event(world, SETTLEMENT_EVENT, _shipped(order, shipment) | ends))


def payment_words(order: Order) -> Json:
    """The fields by which every event of 发货信息管理 names its payment."""
    return {
        "transaction_id": order.transaction_id,
        "merchant_id": order.form.mchid,
        "sub_merchant_id": "",
        "merchant_trade_no": order.form.out_trade_no,
        "pay_time": int(order.paid_at or 0),
    }


def _announce(world: World, order: Order, shipment: Shipment) -> None:
    """Tell when the money will be let go, and do it then."""
    estimate = {"estimated_settlement_time": int(shipment.settles_at)}
    send_event(world, new_event(world, SETTLEMENT_EVENT, _shipped(order, shipment) | estimate))
    delay_s = shipment.settles_at - world.clock.now()
    world.agenda.add(partial(_settle_in_time, world, order, shipment, shipment.finish_count), delay_s=delay_s)


def _settle_in_time(world: World, order: Order, shipment: Shipment, finish_count: int) -> None:
    """A correction begins the wait anew: the task of the report before it does nothing.

    The schedule may run faster than business time; the settlement never bears a time before its term.
    """
    with world.lock:
        if shipment.finish_count == finish_count:
            now = max(world.clock.now(), shipment.settles_at)
            settle(world, order, shipment, Receipt.BY_ITSELF, now=now)


def _shipped(order: Order, shipment: Shipment) -> Json:
    return payment_words(order) | {"shipped_time": int(shipment.shipped_at)}
