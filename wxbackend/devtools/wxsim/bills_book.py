"""The bills that were made and the addresses handed out for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from wxbackend.devtools.wxsim.bills import TradeEntry, china_day, payment_entry, refund_entry
from wxbackend.devtools.wxsim.bills_file import BillFile, BillKind, BillPlan, ForeignRow
from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.orders import OrderBook, PayRefusal
from wxbackend.devtools.wxsim.pay_accounts import Business, Flow
from wxbackend.devtools.wxsim.refunds import RefundBook

ADDRESS_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class Address:
    """One download URL: whose it is, what it brings, until when."""

    mchid: str
    file: BillFile
    ends_at: float


@dataclass(slots=True)
class BillBook:
    """The caller holds the world's lock. ``made`` keeps a day as it was when its bill was first asked for."""

    made: dict[tuple[str, date], Sequence[TradeEntry]] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    plans: list[BillPlan] = field(default_factory=list)

    def take_plan(self, *, kind: BillKind, mchid: str, day: date) -> BillPlan:
        """The first plan for this bill, counted down; an empty one when there is none."""
        for plan in self.plans:
            if plan.concerns(kind=kind, mchid=mchid, bill_date=day.isoformat()):
                plan.times -= 1
                return plan
        return BillPlan(kind)

    def new_address(self, mchid: str, file: BillFile, *, now: float) -> str:
        token = random_hex(64)
        self.addresses[token] = Address(mchid, file, now + ADDRESS_LIFE_S)
        return token

    def fetch(self, mchid: str, token: str, *, now: float) -> BillFile:
        address = self.addresses.get(token)
        if address is None or now > address.ends_at:
            raise PayRefusal(400, "INVALID_REQUEST", "账单下载地址无效或已过期，请重新申请账单")
        if address.mchid != mchid:
            raise PayRefusal(403, "NO_AUTH", "请求的商户号与申请账单的商户号不一致")
        return address.file

    def day_of(self, mchid: str, day: date, *, orders: OrderBook, refunds: RefundBook) -> Sequence[TradeEntry]:
        """Payments and refunds of one merchant's day, by time; a refund's state is not brought up to date later."""
        key = (mchid, day)
        if key not in self.made:
            self.made[key] = _entries(mchid, day, orders=orders, refunds=refunds)
        return self.made[key]


def altered_entries(entries: Sequence[TradeEntry], plan: BillPlan, *, mchid: str, at: float) -> list[TradeEntry]:
    """The day as the plan wants it shown."""
    kept = [entry for entry in entries if entry.number not in plan.drop]
    shown = [entry.with_amount(plan.amounts.get(entry.number, _amount(entry))) for entry in kept]
    return shown + [_foreign_entry(row, mchid=mchid, at=at) for row in plan.foreign]


def altered_flows(flows: Sequence[Flow], plan: BillPlan, *, at: float) -> list[Flow]:
    kept = [flow for flow in flows if flow.document not in plan.drop]
    shown = [replace(flow, amount_fen=_signed(flow, plan)) for flow in kept]
    return shown + [_foreign_flow(row, at=at) for row in plan.foreign]


def _entries(mchid: str, day: date, *, orders: OrderBook, refunds: RefundBook) -> list[TradeEntry]:
    payments = [
        payment_entry(order)
        for order in orders.orders.values()
        if order.form.mchid == mchid and order.paid_at is not None and china_day(order.paid_at) == day
    ]
    returned = [
        refund_entry(refund)
        for refund in refunds.refunds.values()
        if refund.mchid == mchid and china_day(refund.accepted_at) == day
    ]
    return sorted(payments + returned, key=lambda entry: entry.at)


def _amount(entry: TradeEntry) -> int:
    return entry.total_fen if entry.refund is None else entry.refund.refund_fen


def _signed(flow: Flow, plan: BillPlan) -> int:
    wanted = plan.amounts.get(flow.document)
    if wanted is None:
        return flow.amount_fen
    return wanted if flow.amount_fen > 0 else -wanted


def _foreign_entry(row: ForeignRow, *, mchid: str, at: float) -> TradeEntry:
    return TradeEntry(
        paid_at=at,
        appid="wx0000000000000000",
        mchid=mchid,
        transaction_id=f"420000{int(random_hex(18), 16):022d}",
        out_trade_no=row.out_trade_no,
        openid="o" + random_hex(27),
        description="其他系统的订单",
        attach="",
        total_fen=row.amount_fen,
        coupon_fen=0,
        fee_fen=0,
        fee_bp=0,
    )


def _foreign_flow(row: ForeignRow, *, at: float) -> Flow:
    number = f"420000{int(random_hex(18), 16):022d}"
    return Flow(at, number, number, Business.TRADE, row.amount_fen, row.amount_fen, "system", "", row.out_trade_no)
