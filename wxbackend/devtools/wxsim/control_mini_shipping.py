"""The control API's part about 发货信息管理, see control_mini."""

from wxbackend.devtools.wxsim.control import ControlHandler, Desk, Unknown, read
from wxbackend.devtools.wxsim.control_bodies import ControlBody
from wxbackend.devtools.wxsim.control_mini_bodies import ConfirmBody, RemindBody, ShippingBody, TransactionBody
from wxbackend.devtools.wxsim.orders import Order
from wxbackend.devtools.wxsim.push_sender import new_event, send_event
from wxbackend.devtools.wxsim.shipping import OrderState, Receipt, Shipment
from wxbackend.devtools.wxsim.shipping_routes import order_facts, order_state, payment_words, settle
from wxbackend.devtools.wxsim.wire import Json, Request, Route
from wxbackend.devtools.wxsim.world import World

REMIND_AFTER_S = 48 * 3600
ACCESS_MSG = "您的小程序需要接入发货信息管理服务，请尽快通过接口或后台录入发货信息"
SHIPPING_MSG = "您有支付单超过48小时未录入发货信息，请尽快处理，以免影响资金结算"


def set_shipping(desk: Desk, request: Request) -> Json:
    body = read(request, ShippingBody)
    with desk.world.lock:
        shipping = desk.world.mini.shipping
        if body.managed is not None:
            shipping.managed = body.managed
        if body.known_after_s is not None:
            shipping.known_after_s = body.known_after_s
        return {"managed": shipping.managed, "known_after_s": shipping.known_after_s}


def list_shipping(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("transaction_id")
    world = desk.world
    with world.lock:
        orders = [order for order in _paid_orders(world) if wanted in {None, order.transaction_id}]
        shipping = world.mini.shipping
        return {
            "managed": shipping.managed,
            "known_after_s": shipping.known_after_s,
            "orders": [order_facts(world, order) for order in orders],
        }


def confirm(desk: Desk, request: Request) -> Json:
    """The user pressed 确认收货: the money is let go at once, or a while later."""
    body = read(request, ConfirmBody)
    if body.settle:
        return _settle(desk, body.transaction_id, Receipt.BY_USER)
    with desk.world.lock:
        order, shipment = _shipped(desk.world, body.transaction_id)
        shipment.confirm(Receipt.BY_USER, now=desk.world.clock.now())
        return order_facts(desk.world, order)


def end_term(desk: Desk, request: Request) -> Json:
    """The term of days is over."""
    return _settle(desk, read(request, TransactionBody).transaction_id, Receipt.BY_ITSELF)


def remind(desk: Desk, request: Request) -> Json:
    wanted = read(request, RemindBody).transaction_id
    world = desk.world
    with world.lock:
        late = world.clock.now() - REMIND_AFTER_S
        unshipped = [order for order in _paid_orders(world) if order_state(world, order) is OrderState.TO_SHIP]
        due = [order for order in unshipped if (order.paid_at or 0) <= late]
        chosen = due if wanted is None else [order for order in unshipped if order.transaction_id == wanted]
        for order in chosen:
            words = payment_words(order) | {"msg": SHIPPING_MSG}
            send_event(world, new_event(world, "trade_manage_remind_shipping", words))
        return {"reminded": [order.transaction_id for order in chosen]}


def remind_access(desk: Desk, request: Request) -> Json:
    read(request, ControlBody)
    with desk.world.lock:
        sent = send_event(desk.world, new_event(desk.world, "trade_manage_remind_access_api", {"msg": ACCESS_MSG}))
        return {"pushes": [push.number for push in sent]}


def _settle(desk: Desk, number: str, receipt: Receipt) -> Json:
    world = desk.world
    with world.lock:
        order, shipment = _shipped(world, number)
        settle(world, order, shipment, receipt, now=world.clock.now())
        return order_facts(world, order)


def _shipped(world: World, number: str) -> tuple[Order, Shipment]:
    shipment = world.mini.shipping.shipments.get(number)
    order = next((order for order in _paid_orders(world) if order.transaction_id == number), None)
    if shipment is None or order is None or not shipment.is_finished:
        raise Unknown(f"nothing was shipped for {number}")
    return order, shipment


def _paid_orders(world: World) -> list[Order]:
    return [order for order in world.order_book.orders.values() if order.paid_at is not None]


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/shipping", set_shipping),
    Route("GET", "/_control/shipping", list_shipping),
    Route("POST", "/_control/shipping/confirm", confirm),
    Route("POST", "/_control/shipping/settle", end_term),
    Route("POST", "/_control/shipping/remind", remind),
    Route("POST", "/_control/shipping/remind-access", remind_access),
)
