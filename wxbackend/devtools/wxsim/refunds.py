"""Refunds at WeChat Pay: accepted first, ended later, one money movement per merchant refund number."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from wxbackend.devtools.wxsim.clock import random_hex, rfc3339
from wxbackend.devtools.wxsim.orders import Order, PayRefusal, TradeState
from wxbackend.devtools.wxsim.pay_accounts import Account, Business
from wxbackend.devtools.wxsim.wire import Json

REFUND_DAYS = 365
MOST_REFUNDS = 50
APART_S = 60
USUAL_DELAY_S = 5.0
TO_THE_PAYER = "支付用户零钱"
TO_A_BANK_CARD = "用户指定银行卡"
TO_THE_MERCHANT = "商户结算银行账户"


class RefundState(StrEnum):
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    ABNORMAL = "ABNORMAL"
    CLOSED = "CLOSED"


REFUND_MOVES: Mapping[RefundState, frozenset[RefundState]] = MappingProxyType(
    {
        RefundState.PROCESSING: frozenset({RefundState.SUCCESS, RefundState.ABNORMAL, RefundState.CLOSED}),
        RefundState.ABNORMAL: frozenset({RefundState.PROCESSING}),
        RefundState.SUCCESS: frozenset(),
        RefundState.CLOSED: frozenset(),
    }
)
ENDS = frozenset(RefundState) - {RefundState.PROCESSING}


class BadRefund(Exception):
    """The order for a refund's end makes no sense."""


@dataclass(frozen=True, slots=True)
class RefundForm:
    """A refund that passed the parameter checks; the order goes by one of its two numbers."""

    out_refund_no: str
    out_trade_no: str | None
    transaction_id: str | None
    refund_fen: int
    total_fen: int
    reason: str | None
    notify_url: str | None


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """How a refund ends, and how long after it was accepted by the schedule clock."""

    end: RefundState = RefundState.SUCCESS
    delay_s: float = USUAL_DELAY_S

    def __post_init__(self) -> None:
        if self.end not in ENDS or self.delay_s < 0:
            raise BadRefund("a refund ends SUCCESS, ABNORMAL or CLOSED, after no negative delay")


@dataclass(slots=True)
class Refund:
    """``ends_at`` is schedule time, the other moments are business time."""

    form: RefundForm
    order: Order
    refund_id: str
    payer_refund_fen: int
    fee_back_fen: int
    accepted_at: float
    begun_at: float
    ends_at: float
    plan: RefundPlan
    state: RefundState = RefundState.PROCESSING
    ended_at: float | None = None
    channel: str = "ORIGINAL"
    received_by: str = TO_THE_PAYER

    @property
    def mchid(self) -> str:
        return self.order.form.mchid

    @property
    def counts(self) -> bool:
        """Whether its money is out of what can still be refunded."""
        return self.state is not RefundState.CLOSED

    def move(self, to: RefundState) -> None:
        if to not in REFUND_MOVES[self.state]:
            raise BadRefund(f"a refund that is {self.state} cannot become {to}")
        self.state = to

    def answer(self) -> Json:
        """The refund as requests and queries show it."""
        facts = {
            "refund_id": self.refund_id,
            **self._numbers(),
            "channel": self.channel,
            "user_received_account": self.received_by,
            "create_time": rfc3339(self.accepted_at),
            "status": self.state.value,
            "funds_account": "AVAILABLE",
            "amount": self._amount(),
            "promotion_detail": [],
        }
        return facts | self._success_time()

    def resource(self) -> Json:
        """The refund as its notification tells it: the state has another name there."""
        amount = self._amount()
        return {
            "mchid": self.mchid,
            **self._numbers(),
            "refund_id": self.refund_id,
            "refund_status": self.state.value,
            **self._success_time(),
            "user_received_account": self.received_by,
            "amount": {name: amount[name] for name in ("total", "refund", "payer_total", "payer_refund")},
        }

    def _numbers(self) -> Json:
        return {
            "out_trade_no": self.order.form.out_trade_no,
            "transaction_id": self.order.transaction_id,
            "out_refund_no": self.form.out_refund_no,
        }

    def _amount(self) -> Json:
        refund_fen, total_fen = self.form.refund_fen, self.form.total_fen
        return {
            "total": total_fen,
            "refund": refund_fen,
            "from": [],
            "payer_total": total_fen - self.order.coupon_fen,
            "payer_refund": self.payer_refund_fen,
            "settlement_refund": refund_fen,
            "settlement_total": total_fen,
            "discount_refund": refund_fen - self.payer_refund_fen,
            "currency": "CNY",
        }

    def _success_time(self) -> Json:
        succeeded = self.state is RefundState.SUCCESS and self.ended_at is not None
        return {"success_time": rfc3339(self.ended_at or 0.0)} if succeeded else {}


@dataclass(slots=True)
class RefundBook:
    """All refunds; the caller holds the world's lock."""

    refunds: dict[tuple[str, str], Refund] = field(default_factory=dict)
    plans: deque[RefundPlan] = field(default_factory=deque)

    def by_number(self, mchid: str, out_refund_no: str) -> Refund:
        refund = self.refunds.get((mchid, out_refund_no))
        if refund is None:
            raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def by_id(self, mchid: str, refund_id: str) -> Refund:
        for refund in self.refunds.values():
            if refund.mchid == mchid and refund.refund_id == refund_id:
                return refund
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")

    def repeated(self, mchid: str, form: RefundForm, order: Order) -> Refund | None:
        """The refund of this number if it is the very same one again; raises PayRefusal when it is another."""
        known = self.refunds.get((mchid, form.out_refund_no))
        if known is None:
            return None
        if known.order is not order or _core(known.form) != _core(form):
            raise PayRefusal(400, "INVALID_REQUEST", "商户退款单号重复，且与原退款申请的参数不一致")
        return known

    def refunded_fen(self, order: Order) -> int:
        """What is out of the order's total already."""
        return sum(refund.form.refund_fen for refund in self._of(order) if refund.counts)

    def accept(self, order: Order, form: RefundForm, *, account: Account, now: float, schedule_now: float) -> Refund:
        """Take a new refund in: the money leaves the merchant's balance now, and reaches the payer later."""
        past = self._of(order)
        live = [refund for refund in past if refund.counts]
        _check_order(order, form, now=now)
        _check_amount(order, form, refunded_fen=self.refunded_fen(order))
        _check_pace(past, now=now)
        plan = self._next_plan()
        refund = Refund(
            form=form,
            order=order,
            refund_id=f"503000{rfc3339(now)[:10].replace('-', '')}{int(random_hex(12), 16):015d}",
            payer_refund_fen=_share(order.form.total_fen - order.coupon_fen, order, form, live)
            - sum(refund.payer_refund_fen for refund in live),
            fee_back_fen=_share(order.fee_fen, order, form, live) - sum(refund.fee_back_fen for refund in live),
            accepted_at=now,
            begun_at=now,
            ends_at=schedule_now + plan.delay_s,
            plan=plan,
        )
        account.pay_out(
            form.refund_fen,
            fee_back_fen=refund.fee_back_fen,
            now=now,
            refund_id=refund.refund_id,
            document=form.out_refund_no,
        )
        if order.state is TradeState.SUCCESS:
            order.move(TradeState.REFUND)
        self.refunds[order.form.mchid, form.out_refund_no] = refund
        return refund

    def restart(self, refund: Refund, *, received_by: str, now: float, schedule_now: float) -> None:
        """An ABNORMAL refund goes to another account."""
        if refund.state is not RefundState.ABNORMAL:
            raise PayRefusal(400, "INVALID_REQUEST", "退款单状态不是退款异常，不能发起异常退款")
        refund.move(RefundState.PROCESSING)
        refund.plan = self._next_plan()
        refund.begun_at, refund.ended_at = now, None
        refund.ends_at = schedule_now + refund.plan.delay_s
        refund.channel, refund.received_by = "OTHER_BANKCARD", received_by

    def end(self, refund: Refund, state: RefundState, *, account: Account, now: float) -> None:
        """Let a refund end now; a closed one gives the merchant the money back."""
        refund.move(state)
        refund.ended_at = ended_at = min(now, refund.begun_at + refund.plan.delay_s)
        if state is RefundState.CLOSED:
            net_fen = refund.form.refund_fen - refund.fee_back_fen
            number = refund.form.out_refund_no
            account.move(net_fen, Business.REFUND_RETURNED, now=ended_at, business_no=refund.refund_id, document=number)

    def due(self, *, schedule_now: float) -> list[Refund]:
        """Those whose time has come, in the order of their times."""
        ripe = [refund for refund in self._processing() if refund.ends_at <= schedule_now]
        return sorted(ripe, key=lambda refund: refund.ends_at)

    def next_end(self) -> float | None:
        """Schedule time."""
        return min((refund.ends_at for refund in self._processing()), default=None)

    def _of(self, order: Order) -> list[Refund]:
        return [refund for refund in self.refunds.values() if refund.order is order]

    def _processing(self) -> list[Refund]:
        return [refund for refund in self.refunds.values() if refund.state is RefundState.PROCESSING]

    def _next_plan(self) -> RefundPlan:
        return self.plans.popleft() if self.plans else RefundPlan()


def _core(form: RefundForm) -> tuple[object, ...]:
    return (form.refund_fen, form.total_fen, form.reason, form.notify_url)


def _share(whole_fen: int, order: Order, form: RefundForm, live: list[Refund]) -> int:
    """The part of what the payer paid, or of the fee, that belongs to all refunds up to this one."""
    refunded_fen = sum(refund.form.refund_fen for refund in live) + form.refund_fen
    return whole_fen * refunded_fen // order.form.total_fen


def _check_order(order: Order, form: RefundForm, *, now: float) -> None:
    if order.paid_at is None:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付，不能发起退款")
    if now - order.paid_at > REFUND_DAYS * 86400:
        raise PayRefusal(400, "INVALID_REQUEST", "订单已超过退款期限（支付成功后365天）")
    if form.total_fen != order.form.total_fen:
        raise PayRefusal(400, "INVALID_REQUEST", "订单金额与原支付订单不一致")


def _check_amount(order: Order, form: RefundForm, *, refunded_fen: int) -> None:
    left_fen = order.form.total_fen - refunded_fen
    if left_fen == 0:
        raise PayRefusal(400, "INVALID_REQUEST", "订单已全额退款")
    if form.refund_fen > left_fen:
        raise PayRefusal(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")


def _check_pace(past: list[Refund], *, now: float) -> None:
    if len(past) >= MOST_REFUNDS:
        raise PayRefusal(400, "INVALID_REQUEST", "该订单的退款次数已达上限（50次）")
    if past and now - past[-1].accepted_at < APART_S:
        raise PayRefusal(429, "FREQUENCY_LIMITED", "同一笔订单的多次退款需间隔1分钟，请稍后重试")
