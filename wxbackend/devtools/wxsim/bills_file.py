"""A bill as a file, whole or damaged on order."""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from wxbackend.devtools.wxsim.bills import Bill
from wxbackend.devtools.wxsim.clock import random_hex

BOM = "\ufeff"
ENDING = "\r\n"


class Damage(StrEnum):
    """What is wrong with a bill; everything not named here is right, the hash included."""

    WRONG_HASH = "wrong-hash"
    TRUNCATED = "truncated"  # half of the lines, packed properly: only the hash tells
    CUT_GZIP = "cut-gzip"  # the packed bytes break off
    NOT_GZIP = "not-gzip"  # a page of HTML where a packed file was asked for
    EMPTY = "empty"
    COLUMNS_REORDERED = "columns-reordered"
    COLUMN_ADDED = "column-added"
    COLUMN_MISSING = "column-missing"
    WRONG_SUMS = "wrong-sums"
    NO_SUMS = "no-sums"
    NO_BOM = "no-bom"


class BillKind(StrEnum):
    TRADE = "trade"
    FUND = "fund"


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """A payment that the merchant never asked for."""

    out_trade_no: str
    amount_fen: int


@dataclass(slots=True)
class BillPlan:
    """What is done to the next ``times`` bills of a kind; numbers are the merchant's own, of orders or refunds."""

    kind: BillKind = BillKind.TRADE
    mchid: str | None = None
    bill_date: str | None = None
    times: int = 1
    damage: Damage | None = None
    foreign: Sequence[ForeignRow] = ()
    drop: Sequence[str] = ()
    amounts: Mapping[str, int] = field(default_factory=dict)

    def concerns(self, *, kind: BillKind, mchid: str, bill_date: str) -> bool:
        named = self.mchid in {None, mchid} and self.bill_date in {None, bill_date}
        return self.times > 0 and self.kind is kind and named


@dataclass(frozen=True, slots=True)
class BillFile:
    """``sha1`` is what the merchant is told, ``content`` is what the download brings."""

    sha1: str
    content: bytes
    is_packed: bool


def write_file(bill: Bill, *, packed: bool, damage: Damage | None = None) -> BillFile:
    """The bytes of a bill and the SHA1 of the unpacked text."""
    shown = BILL_DAMAGES.get(damage, _unchanged)(bill)
    text = write_text(shown)
    if damage is Damage.NO_BOM:
        text = text.removeprefix(BOM)
    if damage is Damage.NO_SUMS:
        text = ENDING.join(text.split(ENDING)[:-3]) + ENDING
    plain = text.encode()
    sha1 = random_hex(40) if damage is Damage.WRONG_HASH else hashlib.sha1(plain, usedforsecurity=False).hexdigest()
    return BillFile(sha1, _content(plain, packed=packed, damage=damage), packed)


def write_text(bill: Bill) -> str:
    """BOM, names, lines, names of the sums, sums; every value with a back-tick before it."""
    lines = [",".join(bill.columns)]
    lines += [_line(row[name] for name in bill.columns) for row in bill.rows]
    lines += [",".join(bill.sums), _line(bill.sums.values())]
    return BOM + "".join(line + ENDING for line in lines)


def _line(values: Iterable[str]) -> str:
    one_line = (value.replace("\r", " ").replace("\n", " ") for value in values)
    return ",".join(f"`{value}" for value in one_line)


def _content(plain: bytes, *, packed: bool, damage: Damage | None) -> bytes:
    if damage is Damage.EMPTY:
        return b""
    if damage is Damage.NOT_GZIP:
        return "<html><body>系统繁忙，请稍后再试</body></html>".encode()
    if damage is Damage.TRUNCATED:
        plain = plain[: plain.index(b"\r\n", len(plain) // 2) + 2]
    content = gzip.compress(plain, mtime=0) if packed else plain
    return content[: len(content) // 2] if damage is Damage.CUT_GZIP else content


def _unchanged(bill: Bill) -> Bill:
    return bill


def _reordered(bill: Bill) -> Bill:
    return replace(bill, columns=list(reversed(bill.columns)))


def _with_one_more(bill: Bill) -> Bill:
    columns = [bill.columns[0], "新增字段", *bill.columns[1:]]
    return replace(bill, columns=columns, rows=[row | {"新增字段": "0"} for row in bill.rows])


def _without_amounts(bill: Bill) -> Bill:
    return replace(bill, columns=[name for name in bill.columns if not name.startswith(("订单金额", "收支金额"))])


def _with_wrong_sums(bill: Bill) -> Bill:
    """Every sum of money is off; the number of lines is right."""
    wrong = {name: "0.01" if name.endswith("金额") else value for name, value in bill.sums.items()}
    return replace(bill, sums=wrong)


BILL_DAMAGES: Mapping[Damage | None, Callable[[Bill], Bill]] = MappingProxyType(
    {
        Damage.COLUMNS_REORDERED: _reordered,
        Damage.COLUMN_ADDED: _with_one_more,
        Damage.COLUMN_MISSING: _without_amounts,
        Damage.WRONG_SUMS: _with_wrong_sums,
    }
)
