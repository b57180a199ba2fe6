"""The merchants' money at WeChat Pay: what came in, what went out, and what is left to refund from."""

from dataclasses import dataclass, field
from enum import StrEnum

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.orders import Order, PayRefusal

BASIS_POINTS = 10_000


class BadAccount(Exception):
    """The order for a merchant's account makes no sense."""


class Business(StrEnum):
    """业务名称 and 业务类型 of the fund-flow bill."""

    TRADE = "交易"
    FEE = "扣除交易手续费"
    REFUND = "退款"
    REFUND_RETURNED = "退款失败退回"
    TOP_UP = "充值"
    WITHDRAWAL = "提现"


@dataclass(frozen=True, slots=True)
class Flow:
    """One movement of money. ``amount_fen`` is signed, ``balance_fen`` is what was left after it."""

    at: float
    business_no: str
    flow_no: str
    business: Business
    amount_fen: int
    balance_fen: int
    submitter: str
    remark: str
    document: str


@dataclass(slots=True)
class Account:
    """The basic account of one merchant; the caller holds the world's lock.

    ``fee_bp`` is the rate in basis points: 0 is what public benefit pays, 60 is the common 0.60 %.
    """

    mchid: str
    fee_bp: int = 0
    balance_fen: int = 0
    flows: list[Flow] = field(default_factory=list)

    def receive(self, order: Order, *, now: float) -> None:
        """A payment arrives whole, coupon included; the fee is a movement of its own."""
        paid = order.transaction_id or ""
        number = order.form.out_trade_no
        self.move(order.form.total_fen, Business.TRADE, now=now, business_no=paid, document=number)
        if order.fee_fen:
            self.move(-order.fee_fen, Business.FEE, now=now, business_no=paid, document=number)

    def fee_of(self, amount_fen: int) -> int:
        """Half a fen is rounded up."""
        return (amount_fen * self.fee_bp * 2 + BASIS_POINTS) // (2 * BASIS_POINTS)

    def pay_out(self, amount_fen: int, *, fee_back_fen: int, now: float, refund_id: str, document: str) -> None:
        """Take a refund from the balance, less the fee that comes back; raises PayRefusal NOT_ENOUGH."""
        net_fen = amount_fen - fee_back_fen
        if net_fen > self.balance_fen:
            raise PayRefusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        remark = f"退款总金额{yuan(amount_fen)}元;含手续费{yuan(fee_back_fen)}元"
        self.move(-net_fen, Business.REFUND, now=now, business_no=refund_id, document=document, remark=remark)

    def withdraw(self, amount_fen: int, *, now: float) -> None:
        if not 0 < amount_fen <= self.balance_fen:
            raise BadAccount(f"the balance is {self.balance_fen} fen")
        self.move(-amount_fen, Business.WITHDRAWAL, now=now)

    def set_balance(self, balance_fen: int, *, now: float) -> None:
        """Top up or withdraw the difference, so that the fund-flow bill still adds up."""
        change_fen = balance_fen - self.balance_fen
        if change_fen > 0:
            self.move(change_fen, Business.TOP_UP, now=now)
        elif change_fen < 0:
            self.withdraw(-change_fen, now=now)

    def move(
        self,
        amount_fen: int,
        business: Business,
        *,
        now: float,
        business_no: str = "",
        document: str = "",
        remark: str = "",
    ) -> None:
        """Enter one movement; money in is positive."""
        self.balance_fen += amount_fen
        number = f"{self.mchid}{int(random_hex(13), 16):018d}"
        submitter = f"{self.mchid}API" if business in {Business.REFUND, Business.WITHDRAWAL} else "system"
        entry = Flow(
            at=now,
            business_no=business_no or number,
            flow_no=number,
            business=business,
            amount_fen=amount_fen,
            balance_fen=self.balance_fen,
            submitter=submitter,
            remark=remark,
            document=document or number,
        )
        self.flows.append(entry)


@dataclass(slots=True)
class Accounts:
    """Opened when first asked for; the caller holds the world's lock."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def of(self, mchid: str) -> Account:
        return self.accounts.setdefault(mchid, Account(mchid))


def yuan(fen: int) -> str:
    """Two decimals, as every bill writes money."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
