"""Arithmetic and tables of pledges. Pure."""

from calendar import monthrange
from datetime import date, datetime, timedelta

from models import PledgeKind
from wxbackend.core.dates import CHINA

#: How long places are kept for somebody who has not paid.
HOLD = timedelta(minutes=15)
#: No new order at WeChat in the last minute of a hold, and no close before a minute after it.
PAY_MARGIN = timedelta(seconds=60)
#: What one person may hold without having paid: nobody keeps a base from everybody else for nothing.
MAX_UNPAID_PLEDGES, MAX_UNPAID_TREES = 10, 120
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_LETTERS = 10
#: 有喜事来种树: what a tree may be planted for.
OCCASIONS = ("春节", "元宵", "清明", "中秋", "嫁娶", "点灯", "外嫁女回娘家", "年例", "贺寿", "乔迁")
KIND_WORDS = {PledgeKind.PLANT: "认种", PledgeKind.DONATE: "认捐", PledgeKind.ADOPT: "认养"}


def pledge_number(now: datetime, luck: bytes) -> str:
    """``P`` + yymmdd in China + 10 Crockford characters of ``luck`` (7 bytes)."""
    value = int.from_bytes(luck)
    letters = "".join(CROCKFORD[value >> 5 * place & 31] for place in range(NUMBER_LETTERS))
    return f"P{now.astimezone(CHINA):%y%m%d}{letters}"


def amount_due_fen(price_fen: int, tree_count: int) -> int:
    """Amount of a pledge in fen (分)."""
    return price_fen * tree_count


def term_end(start: date, months: int) -> date:
    """The last day of a term of ``months`` that begins on ``start``: the day before its anniversary.

    A term begun on the 31st that would end beside a shorter month's end, ends with that month.
    """
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    last_day = monthrange(year, month)[1]
    if start.day > last_day:
        return date(year, month, last_day)
    return date(year, month, start.day) - timedelta(days=1)
