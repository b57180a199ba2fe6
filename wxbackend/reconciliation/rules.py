"""When bills are fetched, what the flows of a fund bill are, and which sums must agree. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

from wxbackend.core.dates import CHINA, china_date
from wxbackend.core.wxpay import BillKind

#: WeChat keeps bills for three months.
DAYS_BACK = 90
#: A day that is missing for so long is soon lost.
NEAR_LIMIT_DAYS = 80
#: Yesterday's bills are there from ten o'clock on. Who comes too early asks again until noon, and on the next days.
SLOTS = (time(10, 30), time(11, 30), time(12, 0))
#: Who asks for yesterday before may be told that there was no trade.
READY_AT = time(10)
#: So many days either way are looked at for what midnight parted.
MIDNIGHTS = 3


def slot_at(now: datetime) -> str | None:
    """The turn of the day that has begun last, such as ``2026-03-12T1030``; none before the first."""
    here = now.astimezone(CHINA)
    begun = [slot for slot in SLOTS if slot <= here.time()]
    return f"{here.date().isoformat()}T{begun[-1]:%H%M}" if begun else None


def is_past_noon(now: datetime) -> bool:
    """Whether today's last turn has begun: what is missing now is somebody's concern."""
    return now.astimezone(CHINA).time() >= SLOTS[-1]


def newest_day(now: datetime) -> date:
    """The last day whose bills WeChat has made."""
    yesterday = china_date(now) - timedelta(days=1)
    return yesterday if now.astimezone(CHINA).time() >= READY_AT else yesterday - timedelta(days=1)


def days_in_reach(now: datetime) -> tuple[date, ...]:
    """The days whose bills WeChat has, the newest first."""
    today = china_date(now)
    days = (today - timedelta(days=back) for back in range(1, DAYS_BACK + 1))
    return tuple(on for on in days if on <= newest_day(now))


def is_near_limit(on: date, *, now: datetime) -> bool:
    return (china_date(now) - on).days > NEAR_LIMIT_DAYS


def bounds_of(on: date) -> tuple[datetime, datetime]:
    """The first instant of a day in China, and that of the next."""
    begins = datetime.combine(on, time(), CHINA).astimezone(UTC)
    return begins, begins + timedelta(days=1)


class FlowKind(StrEnum):
    """What a line of the fund bill is, by its 业务类型."""

    PAYMENT = "payment"
    FEE = "fee"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    WITHDRAWAL = "withdrawal"
    TOP_UP = "top_up"
    UNKNOWN = "unknown"


#: Beginnings and parts of 业务类型, the particular ones first.
FLOW_WORDS: Mapping[str, FlowKind] = MappingProxyType(
    {
        "手续费": FlowKind.FEE,
        "退款失败": FlowKind.REFUND_RETURNED,
        "退款": FlowKind.REFUND,
        "提现": FlowKind.WITHDRAWAL,
        "充值": FlowKind.TOP_UP,
        "交易": FlowKind.PAYMENT,
    }
)


def about_flow(business: str, kind: str) -> str:
    """业务名称 and 业务类型 as one text, as lines keep it."""
    return f"{business}/{kind}"


def flow_kind(about: str) -> FlowKind:
    """By the 业务类型 in ``about``; what we never heard of is for staff."""
    kind = about.rpartition("/")[2]
    return next((found for word, found in FLOW_WORDS.items() if word in kind), FlowKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class FlowSum:
    """All flows of one ``about`` on one bill; ``amount_fen`` is signed."""

    about: str
    count: int
    amount_fen: int

    @property
    def kind(self) -> FlowKind:
        return flow_kind(self.about)


@dataclass(frozen=True, slots=True)
class TradeSums:
    """Of the lines of a trade bill. A refund's fee is what came back, hence not above zero."""

    payment_fen: int = 0
    refund_fen: int = 0
    payment_fee_fen: int = 0
    refund_fee_fen: int = 0


class Check(StrEnum):
    """Sums that must agree; each is an item of its own when it does not."""

    PAYMENTS = "payments"
    REFUNDS = "refunds"
    FEES = "fees"
    BALANCE = "balance"
    OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Checked:
    """``expected_fen`` follows from what we hold to be true, ``found_fen`` is what the fund bill says.

    ``made_good``: the days next to it have what is missing.
    """

    check: Check
    expected_fen: int
    found_fen: int
    made_good: bool = False

    @property
    def agrees(self) -> bool:
        return self.made_good or self.missing_fen == 0

    @property
    def missing_fen(self) -> int:
        return self.expected_fen - self.found_fen


def key_of(check: Check, on: date) -> str:
    """How the item of a check is named."""
    return f"{check}:{on.isoformat()}"


def sum_checks(trade: TradeSums, flows: Iterable[FlowSum]) -> tuple[Checked, ...]:
    """The fund bill's movements against the trade bill: what came in, what went back, what WeChat kept.

    WeChat pays a refund out of the balance less the fee that it gives back.
    """
    moved: dict[FlowKind, int] = dict.fromkeys(FlowKind, 0)
    for flow in flows:
        moved[flow.kind] += flow.amount_fen
    return (
        Checked(Check.PAYMENTS, trade.payment_fen, moved[FlowKind.PAYMENT]),
        Checked(Check.REFUNDS, trade.refund_fen + trade.refund_fee_fen, -moved[FlowKind.REFUND]),
        Checked(Check.FEES, trade.payment_fee_fen, -moved[FlowKind.FEE]),
    )


def cancels(missing: Mapping[date, int], *, on: date) -> bool:
    """Whether what is missing on a day is too much on the days next to it, and nothing is left over.

    WeChat may note a payment before midnight and its money after it. ``missing`` has the days that were compared; a
    day without, or one on which everything agrees, parts those before it from those after it.
    """
    return any(
        sum(run) == 0
        for first in range(MIDNIGHTS + 1)
        for last in range(MIDNIGHTS + 1)
        if all(run := [missing.get(on + timedelta(days=n), 0) for n in range(-first, last + 1)])
    )


@dataclass(frozen=True, slots=True)
class Balance:
    """What was in the account before the first flow of a bill, and after the last."""

    opening_fen: int
    closing_fen: int


def balance_of(first: tuple[int, int], last: tuple[int, int], moved_fen: int) -> Balance:
    """From (amount, balance after it) of the first and the last line; the newest line may come first or last."""
    falling = Balance(opening_fen=last[1] - last[0], closing_fen=first[1])
    rising = Balance(opening_fen=first[1] - first[0], closing_fen=last[1])
    return falling if falling.closing_fen - falling.opening_fen == moved_fen else rising


def balance_checks(today: Balance, moved_fen: int, before: Balance | None) -> tuple[Checked, ...]:
    """The flows lead from the opening to the closing balance, and the day opens where the one ``before`` closed."""
    within = Checked(Check.BALANCE, today.opening_fen + moved_fen, today.closing_fen)
    if before is None:
        return (within,)
    return (within, Checked(Check.OPENING, before.closing_fen, today.opening_fen))


def days_missing(done: Collection[tuple[date, BillKind]], *, now: datetime) -> tuple[date, ...]:
    """The days in reach of which a bill is not there, the oldest first: they are lost first."""
    return tuple(on for on in reversed(days_in_reach(now)) if any((on, kind) not in done for kind in BillKind))
