"""WeChat Pay's bill files (交易账单, 资金账单) into our own words: columns by name, yuan into fen, sums checked.

A file is a header line, rows of which every field begins with a back-tick, and two lines of sums. Fields may hold
commas, and remarks line breaks, so a row is what begins with a back-tick and is split where a comma meets one.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from wxbackend.core.wxpay import FundBill, FundLine, TradeBill, TradeLine

CHINA = ZoneInfo("Asia/Shanghai")
YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,8})?")
COUNT = re.compile(r"[0-9]{1,12}")
MOMENT = "%Y-%m-%d %H:%M:%S"
TRADE_SUMS, FUND_SUMS = "总交易单数", "资金流水总笔数"
NO_NUMBER = frozenset({"", "0"})
REFUND_STATES = frozenset({"REFUND", "REVOKED"})
DIRECTIONS = {"收入": True, "支出": False}

Row = Mapping[str, str]
T = TypeVar("T")


class DamagedBill(ValueError):
    """The file is not what WeChat promises. The text names places and columns, never a value: it may be a person's."""


@dataclass(frozen=True, slots=True)
class _Table:
    rows: Sequence[Row]
    sums: Row


def read_trade_bill(file: bytes, *, mchid: str) -> TradeBill:
    """The uncompressed file of type ALL. Raises ``DamagedBill``, also when sums and lines disagree."""
    table = _read_table(file, sums_begin=TRADE_SUMS)
    lines = [_at_line(number, row, _trade_line) for number, row in enumerate(table.rows, 1)]
    if any(line.mchid != mchid for line in lines):
        raise DamagedBill("a line of another merchant")
    _check(table, TRADE_SUMS, count=len(lines))
    return TradeBill(
        lines=tuple(lines),
        total_fen=_checked_sum(table, of="订单金额", sums="订单总金额"),
        refund_fen=_checked_sum(table, of="申请退款金额", sums="申请退款总金额"),
        fee_fen=_checked_sum(table, of="手续费", sums="手续费总金额"),
        sha1=sha1_of(file),
    )


def read_fund_bill(file: bytes) -> FundBill:
    """The uncompressed file of the basic account. Raises ``DamagedBill``, also when sums and lines disagree."""
    table = _read_table(file, sums_begin=FUND_SUMS)
    lines = [_at_line(number, row, _fund_line) for number, row in enumerate(table.rows, 1)]
    income = [line.amount_fen for line in lines if line.is_income]
    expense = [line.amount_fen for line in lines if not line.is_income]
    for name, count in ((FUND_SUMS, len(lines)), ("收入笔数", len(income)), ("支出笔数", len(expense))):
        _check(table, name, count=count)
    for name, amounts in (("收入金额", income), ("支出金额", expense)):
        if fen_of(_field(table.sums, name)) != sum(amounts):
            raise DamagedBill(f"{name} is not the sum of the lines")
    return FundBill(lines=tuple(lines), income_fen=sum(income), expense_fen=sum(expense), sha1=sha1_of(file))


def sha1_of(file: bytes) -> str:
    """As WeChat states it of a bill."""
    return hashlib.sha1(file, usedforsecurity=False).hexdigest()


def fen_of(yuan: str) -> int:
    """``"0.10"`` is 10; a part of a fen is damage, zeros behind it are none. Raises ``DamagedBill``."""
    if not YUAN.fullmatch(yuan):
        raise DamagedBill("not an amount in yuan")
    fen = Decimal(yuan) * 100
    if fen != int(fen):
        raise DamagedBill("an amount of less than a fen")
    return int(fen)


def _trade_line(row: Row) -> TradeLine:
    state = _field(row, "交易状态")
    is_refund = state in REFUND_STATES
    return TradeLine(
        at=_moment(_field(row, "交易时间")),
        mchid=_field(row, "商户号"),
        appid=_field(row, "公众账号ID"),
        transaction_id=_field(row, "微信订单号"),
        out_trade_no=_field(row, "商户订单号"),
        state=state,
        amount_fen=fen_of(_field(row, "申请退款金额" if is_refund else "订单金额")),
        fee_fen=fen_of(_field(row, "手续费")),
        wx_refund_id=_number(row, "微信退款单号") if is_refund else None,
        out_refund_no=_number(row, "商户退款单号") if is_refund else None,
    )


def _fund_line(row: Row) -> FundLine:
    direction = DIRECTIONS.get(_field(row, "收支类型"))
    if direction is None:
        raise DamagedBill("收支类型 is unknown")
    return FundLine(
        at=_moment(_field(row, "记账时间")),
        business_no=_field(row, "微信支付业务单号"),
        flow_no=_field(row, "资金流水单号"),
        business=_field(row, "业务名称"),
        kind=_field(row, "业务类型"),
        is_income=direction,
        amount_fen=fen_of(_field(row, "收支金额(元)")),
        balance_fen=fen_of(_field(row, "账户结余(元)")),
        document=_field(row, "业务凭证号"),
    )


def _read_table(file: bytes, *, sums_begin: str) -> _Table:
    header, *records = _records(file)
    columns = _names(header)
    at = next((at for at, record in enumerate(records) if _names(record)[0] == sums_begin), None)
    if at is None or len(records) != at + 2:
        raise DamagedBill("the two lines of sums are not the last")
    rows = [_row(columns, record) for record in records[:at]]
    return _Table(rows=rows, sums=_row(_names(records[at]), records[at + 1]))


def _records(file: bytes) -> list[str]:
    """Lines; one that begins neither with a back-tick nor as a line of names goes on with the remark before it."""
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DamagedBill("not UTF-8") from None
    records: list[str] = []
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        if records and records[-1].startswith("`") and not _begins(line):
            records[-1] += f"\n{line}"
        else:
            records.append(line)
    return records


def _begins(line: str) -> bool:
    return line.startswith(("`", TRADE_SUMS, FUND_SUMS))


def _names(line: str) -> list[str]:
    return [name.strip(" \t`").replace("（", "(").replace("）", ")") for name in line.split(",")]


def _row(columns: Sequence[str], record: str) -> Row:
    if len(set(columns)) < len(columns):
        raise DamagedBill("two columns of one name")
    fields = record.removeprefix("`").split(",`")
    if not record.startswith("`") or len(fields) != len(columns):
        raise DamagedBill("a row that does not fit its header")
    return {name: field.strip() for name, field in zip(columns, fields, strict=True)}


def _at_line(number: int, row: Row, read: Callable[[Row], T]) -> T:
    try:
        return read(row)
    except DamagedBill as damage:
        raise DamagedBill(f"line {number}: {damage}") from None


def _field(row: Row, name: str) -> str:
    if name not in row:
        raise DamagedBill(f"no column {name}")
    return row[name]


def _number(row: Row, name: str) -> str | None:
    found = _field(row, name)
    return None if found in NO_NUMBER else found


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        raise DamagedBill("not a moment") from None


def _check(table: _Table, name: str, *, count: int) -> None:
    told = _field(table.sums, name)
    if not COUNT.fullmatch(told) or int(told) != count:
        raise DamagedBill(f"{name} is not the number of lines")


def _checked_sum(table: _Table, *, of: str, sums: str) -> int:
    told = fen_of(_field(table.sums, sums))
    if told != sum(fen_of(_field(row, of)) for row in table.rows):
        raise DamagedBill(f"{sums} is not the sum of the lines")
    return told
