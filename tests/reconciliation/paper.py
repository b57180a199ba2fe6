"""Bills as WeChat would give them, made of the payments and refunds of a test."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import accumulate

from tests.fakes import APPID, ARBOR_DAY_NOON, MCHID
from wxbackend.core.wxpay import FundBill, FundLine, TradeBill, TradeLine

ARBOR_DAY = date(2026, 3, 12)


def payment(transaction_id: str, out_trade_no: str, amount_fen: int, *, fee_fen: int = 0, at=ARBOR_DAY_NOON):
    return TradeLine(at, MCHID, APPID, transaction_id, out_trade_no, "SUCCESS", amount_fen, fee_fen, None, None)


def line_of(paid, **changes):
    """The line of a payment that a test made."""
    return replace(payment(paid.transaction_id, paid.out_trade_no, paid.total_fen, at=paid.paid_at), **changes)


def refund(number: str | None, transaction_id: str, amount_fen: int, *, fee_fen: int = 0, state: str = "REFUND"):
    order = f"O{transaction_id}"
    return TradeLine(
        ARBOR_DAY_NOON, MCHID, APPID, transaction_id, order, state, amount_fen, fee_fen, f"5000{number}", number
    )


def trade_bill(*lines: TradeLine, sha1: str = "a" * 40) -> TradeBill:
    paid = sum(line.amount_fen for line in lines if line.state == "SUCCESS")
    refunded = sum(line.amount_fen for line in lines if line.state != "SUCCESS")
    return TradeBill(lines, paid, refunded, sum(line.fee_fen for line in lines), sha1)


def flow(kind: str, amount_fen: int, *, number: str = "", business: str | None = None) -> tuple[str, str, int, str]:
    """A movement; what goes out is negative."""
    return business or kind, kind, amount_fen, number


def fund_bill(*flows, opening_fen: int = 0, at: datetime = ARBOR_DAY_NOON, sha1: str = "b" * 40) -> FundBill:
    """Movements in their order; each balance follows from the one before."""
    balances = list(accumulate((amount for _, _, amount, _ in flows), initial=opening_fen))[1:]
    lines = [
        FundLine(
            at=at + timedelta(seconds=n),
            business_no=number or f"business-{n}",
            flow_no=f"flow-{n}",
            business=business,
            kind=kind,
            is_income=amount > 0,
            amount_fen=abs(amount),
            balance_fen=balance,
            document="",
        )
        for n, ((business, kind, amount, number), balance) in enumerate(zip(flows, balances, strict=True))
    ]
    return bill_of(lines, sha1=sha1)


def bill_of(lines: Sequence[FundLine], *, sha1: str = "b" * 40) -> FundBill:
    income = sum(line.amount_fen for line in lines if line.is_income)
    return FundBill(lines, income, sum(line.amount_fen for line in lines) - income, sha1)
