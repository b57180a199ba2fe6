"""The control API's part about refunds and the merchants' balances.

=========================================  =========================================================================
``GET refunds``                            ``?out_trade_no=``
``POST refunds``                           ``{out_trade_no, mchid?, refund_fen?, out_refund_no?, notify_url?}``: made by
                                           hand in the merchant platform, so that the backend knows nothing of it
``POST refunds/plans``                     ``{end?, delay_s?, times?}``: the next refunds accepted end SUCCESS, ABNORMAL
                                           or CLOSED, ``delay_s`` later by the schedule
``POST refunds/{out_refund_no}/end``       ``{state, mchid?}``: it ends now, whatever was planned
``POST refunds/{out_refund_no}/notify``    ``{mchid?, …handling}``: another notification of a refund that ended
``GET merchants/{mchid}/account``          balance, fee rate, every movement
``POST merchants/{mchid}/account``         ``{balance_fen?, withdraw_fen?, fee_bp?}``
=========================================  =========================================================================
"""

from typing import Literal

from pydantic import Field

from wxbackend.devtools.wxsim.cashier import find_order
from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.control import ControlHandler, Desk, Unknown, read
from wxbackend.devtools.wxsim.control_bodies import ControlBody, HandlingBody
from wxbackend.devtools.wxsim.notices import BadNotice, refund_notice
from wxbackend.devtools.wxsim.pay_accounts import Account
from wxbackend.devtools.wxsim.refunds import USUAL_DELAY_S, BadRefund, Refund, RefundForm, RefundPlan, RefundState
from wxbackend.devtools.wxsim.refunds_settling import end_refund, settle_refunds, start_refund
from wxbackend.devtools.wxsim.wire import Json, Request, Route
from wxbackend.devtools.wxsim.world import World

End = Literal["SUCCESS", "ABNORMAL", "CLOSED"]


class HandRefundBody(ControlBody):
    """Without ``refund_fen`` everything is refunded that is left."""

    out_trade_no: str
    mchid: str | None = None
    refund_fen: int | None = Field(default=None, gt=0)
    out_refund_no: str | None = Field(default=None, pattern=r"^[0-9A-Za-z_\-|*@]{1,64}$")
    notify_url: str | None = None


class RefundPlanBody(ControlBody):
    end: End = "SUCCESS"
    delay_s: float = Field(default=USUAL_DELAY_S, ge=0)
    times: int = Field(default=1, ge=1, le=10_000)


class RefundEndBody(ControlBody):
    state: End
    mchid: str | None = None


class RefundNotifyBody(HandlingBody):
    mchid: str | None = None


class AccountBody(ControlBody):
    """``balance_fen`` first, then ``withdraw_fen``."""

    balance_fen: int | None = Field(default=None, ge=0)
    withdraw_fen: int | None = Field(default=None, gt=0)
    fee_bp: int | None = Field(default=None, ge=0, le=1000)


def list_refunds(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("out_trade_no")
    with desk.world.lock:
        settle_refunds(desk.world)
        refunds = desk.world.refund_book.refunds.values()
        return {"refunds": [_facts(refund) for refund in refunds if wanted in {None, refund.order.form.out_trade_no}]}


def refund_by_hand(desk: Desk, request: Request) -> Json:
    body = read(request, HandRefundBody)
    world = desk.world
    with world.lock:
        order = find_order(world, body.out_trade_no, mchid=body.mchid)
        total_fen = order.form.total_fen
        form = RefundForm(
            out_refund_no=body.out_refund_no or f"HAND{random_hex(16)}",
            out_trade_no=order.form.out_trade_no,
            transaction_id=order.transaction_id,
            refund_fen=body.refund_fen or total_fen - world.refund_book.refunded_fen(order),
            total_fen=total_fen,
            reason=None,
            notify_url=body.notify_url,
        )
        facts = _facts(start_refund(world, order, form))
    desk.office.wake()
    return facts


def plan_refunds(desk: Desk, request: Request) -> Json:
    body = read(request, RefundPlanBody)
    with desk.world.lock:
        desk.world.refund_book.plans.extend([RefundPlan(RefundState(body.end), body.delay_s)] * body.times)
        return {"plans": len(desk.world.refund_book.plans)}


def end_now(desk: Desk, request: Request, *, out_refund_no: str) -> Json:
    body = read(request, RefundEndBody)
    with desk.world.lock:
        refund = _find(desk.world, out_refund_no, mchid=body.mchid)
        end_refund(desk.world, refund, RefundState(body.state))
        facts = _facts(refund)
    desk.office.wake()
    return facts


def notify_again(desk: Desk, request: Request, *, out_refund_no: str) -> Json:
    body = read(request, RefundNotifyBody)
    with desk.world.lock:
        settle_refunds(desk.world)
        refund = _find(desk.world, out_refund_no, mchid=body.mchid)
        if refund.state is RefundState.PROCESSING or refund.form.notify_url is None:
            raise BadNotice("only a refund that ended and named a notify_url is notified")
        notice = refund_notice(refund.resource(), url=refund.form.notify_url)
    return {"deliveries": [delivery.number for delivery in desk.office.send(notice, body.handling())]}


def tell_account(desk: Desk, _request: Request, *, mchid: str) -> Json:
    with desk.world.lock:
        return _account_facts(_account(desk.world, mchid))


def set_account(desk: Desk, request: Request, *, mchid: str) -> Json:
    body = read(request, AccountBody)
    world = desk.world
    with world.lock:
        account = _account(world, mchid)
        settle_refunds(world)
        if body.fee_bp is not None:
            account.fee_bp = body.fee_bp
        if body.balance_fen is not None:
            account.set_balance(body.balance_fen, now=world.clock.now())
        if body.withdraw_fen is not None:
            account.withdraw(body.withdraw_fen, now=world.clock.now())
        return _account_facts(account)


def _find(world: World, out_refund_no: str, *, mchid: str | None) -> Refund:
    found = [
        refund
        for (owner, number), refund in world.refund_book.refunds.items()
        if number == out_refund_no and mchid in {None, owner}
    ]
    if len(found) != 1:
        raise BadRefund(f"{len(found)} refunds have this number")
    return found[0]


def _account(world: World, mchid: str) -> Account:
    if mchid not in world.merchants:
        raise Unknown(mchid)
    return world.accounts.of(mchid)


def _facts(refund: Refund) -> Json:
    return {
        **refund.answer(),
        "mchid": refund.mchid,
        "reason": refund.form.reason,
        "notify_url": refund.form.notify_url,
    }


def _account_facts(account: Account) -> Json:
    flows = [
        {
            "business": flow.business.value,
            "amount_fen": flow.amount_fen,
            "balance_fen": flow.balance_fen,
            "business_no": flow.business_no,
            "document": flow.document,
        }
        for flow in account.flows
    ]
    return {
        "mchid": account.mchid,
        "balance_fen": account.balance_fen,
        "fee_bp": account.fee_bp,
        "flows": flows,
    }


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("GET", "/_control/refunds", list_refunds),
    Route("POST", "/_control/refunds", refund_by_hand),
    Route("POST", "/_control/refunds/plans", plan_refunds),
    Route("POST", "/_control/refunds/(?P<out_refund_no>[^/]+)/end", end_now),
    Route("POST", "/_control/refunds/(?P<out_refund_no>[^/]+)/notify", notify_again),
    Route("GET", "/_control/merchants/(?P<mchid>[^/]+)/account", tell_account),
    Route("POST", "/_control/merchants/(?P<mchid>[^/]+)/account", set_account),
)
