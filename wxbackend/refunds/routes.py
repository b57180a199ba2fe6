"""Ask for one's money back; follow and withdraw the wish. Staff decide, and the worker asks WeChat."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.core.db import reading, transaction
from wxbackend.core.http import answer
from wxbackend.core.idempotency import answer_once
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, current_caller, resident
from wxbackend.core.ports import ports
from wxbackend.pledges.schemas import PledgePath
from wxbackend.refunds import service as refunds
from wxbackend.refunds import views
from wxbackend.refunds.rules import refund_number
from wxbackend.refunds.schemas import RefundAnswer, RefundBody, RefundPath, RefundsAnswer

bp = APIBlueprint("refunds", __name__)


@bp.post("/v1/pledges/<string:number>/refunds", operation_id="requestRefund", responses={201: RefundAnswer})
@limiter.limit("10/minute")
@allow(resident)
def request_refund(path: PledgePath, body: RefundBody) -> Response:
    """Ask for money back, for one of the reasons that the pledge's ``refund_policy`` names. Staff decide."""
    caller, ask, now = current_caller(), ports(), ports().now()
    number, by = refund_number(now, ask.random_bytes(7)), refunds.Asker("resident", caller.id)
    with transaction() as session, answer_once(session, caller=caller) as kept:
        refunds.request_refund(session, pledge_number=path.number, wish=body.wish(), by=by, number=number, now=now)
        view = views.own_refund(session, number=number, resident_id=caller.id)
        kept.keep(RefundAnswer.of(view), 201, Location=f"/v1/refunds/{number}")
    return kept.response()


@bp.get("/v1/pledges/<string:number>/refunds", operation_id="listRefunds", responses={200: RefundsAnswer})
@allow(resident)
def list_refunds(path: PledgePath) -> Response:
    """Every refund of my pledge, newest first; a pledge has 50 at most."""
    with reading() as session:
        found = views.own_refunds(session, pledge_number=path.number, resident_id=current_caller().id)
    return answer(RefundsAnswer(items=[RefundAnswer.of(view) for view in found]))


@bp.get("/v1/refunds/<string:number>", operation_id="getRefund", responses={200: RefundAnswer})
@allow(resident)
def get_refund(path: RefundPath) -> Response:
    """One of my refunds."""
    with reading() as session:
        view = views.own_refund(session, number=path.number, resident_id=current_caller().id)
    return answer(RefundAnswer.of(view))


@bp.post("/v1/refunds/<string:number>/withdraw", operation_id="withdrawRefund", responses={200: RefundAnswer})
@limiter.limit("20/minute")
@allow(resident)
def withdraw_refund(path: RefundPath) -> Response:
    """Take my wish back before it is decided."""
    caller, now = current_caller(), ports().now()
    with transaction() as session:
        refunds.withdraw(session, number=path.number, resident_id=caller.id, now=now)
        view = views.own_refund(session, number=path.number, resident_id=caller.id)
    return answer(RefundAnswer.of(view))
