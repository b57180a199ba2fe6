"""The control API's part about payments and their notifications."""

from wxbackend.devtools.wxsim.cashier import abandon, begin, claimed_transaction, find_order, open_cashier, pay
from wxbackend.devtools.wxsim.control import ControlHandler, Desk, read
from wxbackend.devtools.wxsim.control_bodies import (
    FlushBody,
    HandlingBody,
    NotifyBody,
    PayBody,
    PlanBody,
    ReleaseBody,
    ResendBody,
)
from wxbackend.devtools.wxsim.deliveries import Delivery
from wxbackend.devtools.wxsim.faults_named import NAMED_FAULTS
from wxbackend.devtools.wxsim.notices import BadNotice, transaction_notice
from wxbackend.devtools.wxsim.notices_forged import LIES
from wxbackend.devtools.wxsim.notices_named import TROUBLES
from wxbackend.devtools.wxsim.orders import Order
from wxbackend.devtools.wxsim.wire import Json, Request, Route
from wxbackend.devtools.wxsim.world import World

EVENTS = {"payment": "TRANSACTION.", "refund": "REFUND.", "any": ""}


def pay_order(desk: Desk, request: Request) -> Json:
    body = read(request, PayBody)
    with desk.world.lock:
        order = _chosen(desk.world, body)
        if body.step == "pay":
            pay(desk.world, order, openid=body.openid, coupon_fen=body.coupon_fen)
        elif body.step == "begin":
            begin(desk.world, order, openid=body.openid)
        else:
            abandon(order)
        transaction = order.transaction()
    sent = []
    if body.step == "pay" and body.notify:
        sent = desk.office.send(transaction_notice(transaction, url=order.form.notify_url))
    return {"transaction": transaction, **_numbers(sent)}


def list_orders(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("out_trade_no")
    with desk.world.lock:
        orders = desk.world.order_book.orders.values()
        return {"orders": [_order_facts(order) for order in orders if wanted in {None, order.form.out_trade_no}]}


def notify(desk: Desk, request: Request) -> Json:
    body = read(request, NotifyBody)
    with desk.world.lock:
        order = find_order(desk.world, body.out_trade_no, mchid=body.mchid)
        handling = body.handling()
        if order.paid_at is None and not (body.claim and handling.forge in LIES):
            raise BadNotice("only a paid order is notified; a claim that it was paid has to be forged")
        told = claimed_transaction(order, now=desk.world.clock.now()) if body.claim else order.paid_transaction()
        notice = transaction_notice(told, url=order.form.notify_url)
    return _numbers(desk.office.send(notice, handling))


def plan(desk: Desk, request: Request) -> Json:
    body = read(request, PlanBody)
    desk.office.plan(body.handling(), times=body.times, event=EVENTS[body.event])
    return body.model_dump(mode="json", include=set(HandlingBody.model_fields))


def list_deliveries(desk: Desk, request: Request) -> Json:
    return {"deliveries": desk.office.list_deliveries(subject=request.query.get("out_trade_no"))}


def resend(desk: Desk, request: Request, *, number: str) -> Json:
    return _numbers([desk.office.resend(int(number), verbatim=read(request, ResendBody).verbatim)])


def list_troubles(_desk: Desk, _request: Request) -> Json:
    return {name: trouble.words for name, trouble in TROUBLES.items()}


def list_named_faults(_desk: Desk, _request: Request) -> Json:
    return {name: fault.words for name, fault in NAMED_FAULTS.items()}


def release(desk: Desk, request: Request) -> Json:
    return _numbers(desk.office.release(read(request, ReleaseBody).numbers))


def flush(desk: Desk, request: Request) -> Json:
    until = read(request, FlushBody).until
    agenda = desk.world.agenda
    sent = desk.office.run_out() if until == "end" else desk.office.deliver_due()
    ran = agenda.run_out() if until == "end" else agenda.run_due()
    return {"sent": sent, "ran": ran, "deliveries": desk.office.list_deliveries()}


def _chosen(world: World, body: PayBody) -> Order:
    if body.params is not None:
        return open_cashier(world, body.params)
    return find_order(world, body.out_trade_no or "", mchid=body.mchid)


def _order_facts(order: Order) -> Json:
    return {
        **order.transaction(),
        "description": order.form.description,
        "notify_url": order.form.notify_url,
        "time_expire": order.form.time_expire,
        "openid": order.form.openid,
    }


def _numbers(deliveries: list[Delivery]) -> Json:
    return {"deliveries": [delivery.number for delivery in deliveries]}


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/pay", pay_order),
    Route("GET", "/_control/orders", list_orders),
    Route("POST", "/_control/notify", notify),
    Route("POST", "/_control/plans", plan),
    Route("GET", "/_control/troubles", list_troubles),
    Route("GET", "/_control/named-faults", list_named_faults),
    Route("GET", "/_control/deliveries", list_deliveries),
    Route("POST", r"/_control/deliveries/(?P<number>\d{1,9})/resend", resend),
    Route("POST", "/_control/release", release),
    Route("POST", "/_control/flush", flush),
)
