"""Lines of a bill as a table for a spreadsheet. Pure."""

import csv
import re
from collections.abc import Iterable
from io import StringIO

from models import BillLine
from wxbackend.core.dates import CHINA

COLUMNS = (
    "序号", "种类", "时间", "微信单号", "商户订单号", "商户退款单号", "状态或业务",
    "金额（元）", "手续费（元）", "余额（元）",
)  # fmt: skip
KIND_WORDS = {"payment": "付款", "refund": "退款", "flow": "资金流水"}
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: What a spreadsheet takes for the beginning of a formula.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
#: Spreadsheets take a file without it for another encoding than UTF-8.
BOM = "\ufeff"


def as_csv(lines: Iterable[BillLine]) -> str:
    """Every line; text that came from outside never becomes a formula."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(text) for text in _cells(line)] for line in lines)
    return BOM + file.getvalue()


def safe_cell(text: str) -> str:
    """A quote before what would be a formula; a plain number is none."""
    return f"'{text}" if text.startswith(FORMULA_BEGINS) and not NUMBER.fullmatch(text) else text


def _cells(line: BillLine) -> tuple[str, ...]:
    return (
        str(line.ordinal),
        KIND_WORDS[line.kind],
        line.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        line.transaction_id,
        line.out_trade_no or "",
        line.out_refund_no or "",
        line.about,
        _yuan(line.amount_fen),
        _yuan(line.fee_fen),
        "" if line.balance_fen is None else _yuan(line.balance_fen),
    )


def _yuan(fen: int) -> str:
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"
