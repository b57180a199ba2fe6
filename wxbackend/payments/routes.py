"""Pay, sync, cancel; and WeChat Pay's callbacks, answered in WeChat's dialect."""

import json

import structlog
from flask import Blueprint, Response, request
from flask_openapi import APIBlueprint
from sqlalchemy.exc import DBAPIError

from wxbackend.core.counters import NOTICES
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import NotFound, Problem
from wxbackend.core.health import alarm
from wxbackend.core.http import answer, no_content
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, current_caller, resident, wechat
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxpay import BadNotification, Notice, WrongRecipient
from wxbackend.fulfilment import service as fulfilment
from wxbackend.honours.tools import issuing_tools
from wxbackend.payments import attempts
from wxbackend.payments import service as payments
from wxbackend.payments.cashier import cashier
from wxbackend.payments.schemas import PaymentAnswer
from wxbackend.pledges import views
from wxbackend.pledges.schemas import PledgeAnswer, PledgePath

bp = APIBlueprint("payments", __name__)
callbacks = Blueprint("wxpay", __name__)
DOOR = "pay"
log = structlog.get_logger()


def _own_pledge(number: str) -> Response:
    with reading() as session:
        view = views.own_pledge(session, resident_id=current_caller().id, number=number, now=ports().now())
    return answer(PledgeAnswer.of(view))


@bp.post("/v1/pledges/<string:number>/payments", operation_id="createPayment", responses={201: PaymentAnswer})
@limiter.limit("20/minute")
@allow(resident)
def create_payment(path: PledgePath) -> Response:
    """Place the order at WeChat Pay; again, while it is open, gives the same order."""
    caller, ask = current_caller(), ports()
    order, params = cashier().pay(
        number=path.number,
        resident_id=caller.id,
        openid=caller.openid or "",
        appid=ask.mini.appid,
        nonce=ask.random_bytes(16).hex(),
    )
    return answer(PaymentAnswer.of(order, params), 201)


@bp.post("/v1/pledges/<string:number>/sync", operation_id="syncPledge", responses={200: PledgeAnswer})
@limiter.limit("30/minute")
@allow(resident)
def sync_pledge(path: PledgePath) -> Response:
    """Ask WeChat now, and finish what follows from the payment at once."""
    cashier().sync(number=path.number, resident_id=current_caller().id)
    _fulfil_now(path.number)
    return _own_pledge(path.number)


def _fulfil_now(number: str) -> None:
    """What the worker would do. When it cannot be done yet, the payment stands and the worker tries again."""
    try:
        with transaction() as session:
            fulfilment.fulfil(session, number=number, tools=issuing_tools(), now=ports().now())
    except Problem as problem:
        log.warning("not fulfilled at once", pledge_number=number, problem=problem.code)


@bp.post("/v1/pledges/<string:number>/cancel", operation_id="cancelPledge", responses={200: PledgeAnswer})
@limiter.limit("20/minute")
@allow(resident)
def cancel_pledge(path: PledgePath) -> Response:
    """Give a pledge up that was not paid."""
    cashier().cancel(number=path.number, resident_id=current_caller().id)
    return _own_pledge(path.number)


@callbacks.post("/wx/pay/notify/<string:mchid>")
@limiter.limit("6000/minute")
@allow(wechat)
def payment_notice(mchid: str) -> Response:
    """A payment. Verified and decrypted here, applied in one transaction, nothing drawn and nobody called."""
    return _take(*_open(mchid))


@callbacks.post("/wx/refund/notify/<string:mchid>")
@limiter.limit("6000/minute")
@allow(wechat)
def refund_notice(mchid: str) -> Response:
    """A refund. What a notice is about is told by itself, not by the address it came to."""
    return _take(*_open(mchid))


def _take(notice: Notice, body: str) -> Response:
    inbox, now, outcome = payments.Inbox(notice, body), ports().now(), "ignored"
    if notice.refunded is not None:
        with transaction() as session:
            outcome = payments.apply_refund(
                session, refunded=notice.refunded, inbox=inbox, tools=issuing_tools(), now=now
            )
    elif notice.paid is not None:
        with transaction() as session:
            outcome = payments.apply_transaction(session, paid=notice.paid, index=vault().index, now=now, inbox=inbox)
    else:
        log.info("notice ignored", event_type=notice.event_type)
    NOTICES.labels(DOOR, outcome).inc()
    return no_content()


def _open(mchid: str) -> tuple[Notice, str]:
    """Raises ``BadNotification``; a genuine one that comes too late has its order queried soon."""
    ask = ports()
    if mchid not in ask.pay.merchants():
        raise NotFound
    body = request.get_data()
    try:
        notice = ask.pay.open_notice(mchid=mchid, headers=dict(request.headers), body=body, now=ask.now())
    except BadNotification as refusal:
        if refusal.stale_order is not None:
            NOTICES.labels(DOOR, "stale").inc()
            with transaction() as session:
                attempts.ask_soon(session, number=refusal.stale_order, now=ask.now())
        if refusal.serial_unknown:
            alarm("unknown-serial", mchid=mchid)
        raise
    except WrongRecipient:
        alarm("wrong-recipient", mchid=mchid)
        raise
    return notice, body.decode()


def _fail(status: int, message: str) -> Response:
    """WeChat reads the status: any but 200 and 204 makes it try again."""
    body = json.dumps({"code": "FAIL", "message": message}, ensure_ascii=False)
    return Response(body, status, mimetype="application/json")


@callbacks.errorhandler(Problem)
def _refused(problem: Problem) -> Response:
    NOTICES.labels(DOOR, problem.code).inc()
    return _fail(problem.status, problem.title)


@callbacks.errorhandler(DBAPIError)
def _database_away(error: DBAPIError) -> Response:
    NOTICES.labels(DOOR, "database-away").inc()
    log.error("database away during a callback", kind=type(error.orig).__name__)
    return _fail(500, "系统繁忙")
