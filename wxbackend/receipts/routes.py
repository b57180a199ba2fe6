"""Ask for the receipt of a pledge; read and withdraw the request."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.core.db import reading, transaction
from wxbackend.core.http import answer
from wxbackend.core.idempotency import answer_once
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, current_caller, resident
from wxbackend.core.ports import ports, vault
from wxbackend.pledges.schemas import PledgePath
from wxbackend.receipts import service as receipts
from wxbackend.receipts.schemas import ReceiptAnswer, ReceiptBody

bp = APIBlueprint("receipts", __name__)


@bp.post("/v1/pledges/<string:number>/receipt", operation_id="requestReceipt", responses={201: ReceiptAnswer})
@limiter.limit("20/minute")
@allow(resident)
def request_receipt(path: PledgePath, body: ReceiptBody) -> Response:
    """Ask for a donation receipt (公益事业捐赠票据). Not for a pledge that earns green points."""
    caller, ask, safe = current_caller(), ports(), vault()
    naming = receipts.Naming(public_id=ask.new_id(), row_key=safe.new_row_key())
    with transaction() as session, answer_once(session, caller=caller) as kept:
        own = receipts.request_receipt(
            session, number=path.number, wish=body.wish(), naming=naming, safe=safe, caller=caller, now=ask.now()
        )
        kept.keep(ReceiptAnswer.of(own), 201, Location=f"/v1/pledges/{path.number}/receipt")
    return kept.response()


@bp.get("/v1/pledges/<string:number>/receipt", operation_id="getReceipt", responses={200: ReceiptAnswer})
@allow(resident)
def get_receipt(path: PledgePath) -> Response:
    """The newest request for a receipt of my pledge."""
    with reading() as session:
        own = receipts.own_receipt(session, number=path.number, resident_id=current_caller().id, safe=vault())
    return answer(ReceiptAnswer.of(own))


@bp.post("/v1/pledges/<string:number>/receipt/withdraw", operation_id="withdrawReceipt", responses={200: ReceiptAnswer})
@limiter.limit("20/minute")
@allow(resident)
def withdraw_receipt(path: PledgePath) -> Response:
    """Take the request back before it is decided."""
    with transaction() as session:
        own = receipts.withdraw(session, number=path.number, caller=current_caller(), safe=vault(), now=ports().now())
    return answer(ReceiptAnswer.of(own))
