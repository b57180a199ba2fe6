"""The bills of a merchant's day in China, made from the simulator's own orders, refunds and movements of money.

Columns, sums and their order are those of the real files. A bill of refunds shows the time of the payment in 交易时间,
the bill of everything that of the refund.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from wxbackend.devtools.wxsim.clock import CHINA
from wxbackend.devtools.wxsim.orders import Order
from wxbackend.devtools.wxsim.pay_accounts import Business, Flow, yuan
from wxbackend.devtools.wxsim.refunds import Refund, RefundState

Row = dict[str, str]

BEFORE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
REFUND_TIMES = "退款申请时间,退款成功时间"
REFUND_PART = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
AFTER = "商品名称,商户数据包,手续费,费率,订单金额"
TRADE_SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
FUND_SUMS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
REFUND_WORDS = MappingProxyType(
    {
        RefundState.PROCESSING: "PROCESSING",
        RefundState.SUCCESS: "SUCCESS",
        RefundState.ABNORMAL: "CHANGE",
        RefundState.CLOSED: "FAIL",
    }
)
FLOW_NAMES = MappingProxyType({Business.FEE: Business.TRADE, Business.REFUND_RETURNED: Business.REFUND})


class BillType(StrEnum):
    ALL = "ALL"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"


TRADE_COLUMNS = MappingProxyType(
    {
        BillType.ALL: f"{BEFORE},{REFUND_PART},{AFTER},申请退款金额,费率备注",
        BillType.SUCCESS: f"{BEFORE},{AFTER},费率备注",
        BillType.REFUND: f"{BEFORE},{REFUND_TIMES},{REFUND_PART},{AFTER},申请退款金额,费率备注",
    }
)


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill before it becomes a file: every value as the file writes it, without its back-tick."""

    columns: Sequence[str]
    rows: Sequence[Row]
    sums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What a refund's line says beyond its payment's. Money is fen."""

    refund_id: str
    out_refund_no: str
    refund_fen: int
    coupon_fen: int
    status: str
    asked_at: float
    done_at: float | None


@dataclass(frozen=True, slots=True)
class TradeEntry:
    """A line of the trade bill; ``fee_fen`` is negative where a refund brings it back."""

    paid_at: float
    appid: str
    mchid: str
    transaction_id: str
    out_trade_no: str
    openid: str
    description: str
    attach: str
    total_fen: int
    coupon_fen: int
    fee_fen: int
    fee_bp: int
    refund: RefundPart | None = None

    @property
    def at(self) -> float:
        return self.paid_at if self.refund is None else self.refund.asked_at

    @property
    def number(self) -> str:
        """The merchant's own number for this line."""
        return self.out_trade_no if self.refund is None else self.refund.out_refund_no

    def with_amount(self, fen: int) -> "TradeEntry":
        if self.refund is None:
            return replace(self, total_fen=fen)
        return replace(self, refund=replace(self.refund, refund_fen=fen))


def payment_entry(order: Order) -> TradeEntry:
    form = order.form
    return TradeEntry(
        paid_at=order.paid_at or 0.0,
        appid=form.appid,
        mchid=form.mchid,
        transaction_id=order.transaction_id or "",
        out_trade_no=form.out_trade_no,
        openid=form.openid,
        description=form.description,
        attach=form.attach or "",
        total_fen=form.total_fen,
        coupon_fen=order.coupon_fen,
        fee_fen=order.fee_fen,
        fee_bp=order.fee_bp,
    )


def refund_entry(refund: Refund) -> TradeEntry:
    succeeded = refund.state is RefundState.SUCCESS
    part = RefundPart(
        refund_id=refund.refund_id,
        out_refund_no=refund.form.out_refund_no,
        refund_fen=refund.form.refund_fen,
        coupon_fen=refund.form.refund_fen - refund.payer_refund_fen,
        status=REFUND_WORDS[refund.state],
        asked_at=refund.accepted_at,
        done_at=refund.ended_at if succeeded else None,
    )
    payment = payment_entry(refund.order)
    return replace(payment, total_fen=0, coupon_fen=0, fee_fen=-refund.fee_back_fen, refund=part)


def trade_bill(entries: Iterable[TradeEntry], bill_type: BillType) -> Bill:
    """The bill of one type over the day's entries; without any it has no rows."""
    chosen = [entry for entry in entries if _belongs(entry, bill_type)]
    columns = TRADE_COLUMNS[bill_type].split(",")
    rows = [_trade_row(entry, bill_type) for entry in chosen]
    parts = [entry.refund for entry in chosen if entry.refund is not None]
    total = yuan(sum(entry.total_fen for entry in chosen))
    refunded = yuan(sum(part.refund_fen for part in parts))
    coupons = yuan(sum(part.coupon_fen for part in parts))
    sums = (str(len(chosen)), total, refunded, coupons, _fee(sum(entry.fee_fen for entry in chosen)), total, refunded)
    return Bill(columns, rows, dict(zip(TRADE_SUMS.split(","), sums, strict=True)))


def fund_bill(flows: Sequence[Flow]) -> Bill:
    income = [flow.amount_fen for flow in flows if flow.amount_fen > 0]
    expense = [-flow.amount_fen for flow in flows if flow.amount_fen < 0]
    sums = (str(len(flows)), str(len(income)), yuan(sum(income)), str(len(expense)), yuan(sum(expense)))
    rows = [_fund_row(flow) for flow in flows]
    return Bill(FUND_COLUMNS.split(","), rows, dict(zip(FUND_SUMS.split(","), sums, strict=True)))


def china_day(at: float) -> date:
    return datetime.fromtimestamp(at, CHINA).date()


def _belongs(entry: TradeEntry, bill_type: BillType) -> bool:
    return bill_type is BillType.ALL or (entry.refund is not None) is (bill_type is BillType.REFUND)


def _trade_row(entry: TradeEntry, bill_type: BillType) -> Row:
    payment_time_wanted = entry.refund is None or bill_type is BillType.REFUND
    return {
        "交易时间": _clock(entry.paid_at if payment_time_wanted else entry.at),
        "公众账号ID": entry.appid,
        "商户号": entry.mchid,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": entry.transaction_id,
        "商户订单号": entry.out_trade_no,
        "用户标识": entry.openid,
        "交易类型": "JSAPI",
        "交易状态": "SUCCESS" if entry.refund is None else "REFUND",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": yuan(entry.total_fen),
        "代金券金额": yuan(entry.coupon_fen),
        "商品名称": entry.description,
        "商户数据包": entry.attach,
        "手续费": _fee(entry.fee_fen),
        "费率": f"{yuan(entry.fee_bp)}%",
        "订单金额": yuan(entry.total_fen),
        "费率备注": "",
        **_refund_columns(entry.refund),
    }


def _refund_columns(part: RefundPart | None) -> Row:
    """A payment's line writes 0 for the numbers of a refund, and nothing for its type and state."""
    refunded = "0.00" if part is None else yuan(part.refund_fen)
    return {
        "退款申请时间": "" if part is None else _clock(part.asked_at),
        "退款成功时间": "" if part is None or part.done_at is None else _clock(part.done_at),
        "微信退款单号": "0" if part is None else part.refund_id,
        "商户退款单号": "0" if part is None else part.out_refund_no,
        "退款金额": refunded,
        "充值券退款金额": "0.00" if part is None else yuan(part.coupon_fen),
        "退款类型": "" if part is None else "ORIGINAL",
        "退款状态": "" if part is None else part.status,
        "申请退款金额": refunded,
    }


def _fund_row(flow: Flow) -> Row:
    values = (
        _clock(flow.at),
        flow.business_no,
        flow.flow_no,
        FLOW_NAMES.get(flow.business, flow.business).value,
        flow.business.value,
        "收入" if flow.amount_fen > 0 else "支出",
        yuan(abs(flow.amount_fen)),
        yuan(flow.balance_fen),
        flow.submitter,
        flow.remark,
        flow.document,
    )
    return dict(zip(FUND_COLUMNS.split(","), values, strict=True))


def _fee(fen: int) -> str:
    """Fees are written to five decimals."""
    return f"{yuan(fen)}000"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")
