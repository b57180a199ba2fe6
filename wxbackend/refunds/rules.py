"""What may be refunded, how much of it, and when WeChat is asked. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from models import PledgeKind, PledgeStatus, RefundReason, RefundStatus
from wxbackend.core.dates import CHINA
from wxbackend.pledges.refund_policy import REFUND_LIFE, reasons_heard
from wxbackend.pledges.rules import CROCKFORD, NUMBER_LETTERS
from wxbackend.refunds.errors import NotRefundable, ReasonNotOpen, RefundTooLate

#: WeChat's own limits: how often, and how close together.
MOST_REFUNDS = 50
SPACING = timedelta(minutes=1)
#: When WeChat is asked again for an outcome; the last step repeats.
STEPS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 30, 60, 120, 360, 1440))
DAILY = timedelta(days=1)

#: Refunds for which money is set aside, and all that have not ended.
HELD = (RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.ABNORMAL)
OPEN = (RefundStatus.REQUESTED, *HELD)

#: ``last_error`` while nobody knows whether WeChat took the refund.
UNKNOWN = "UNKNOWN"
NOT_ENOUGH = "NOT_ENOUGH"
#: ``last_error`` once staff had WeChat pay it into the merchant's own bank account, and when it lies there.
TO_MERCHANT, AT_MERCHANT = "TO_MERCHANT", "AT_MERCHANT"
VIA_MERCHANT = frozenset({TO_MERCHANT, AT_MERCHANT})

#: Told to the payer in WeChat's own message; at most 80 bytes.
REASON_WORDS = {
    RefundReason.CHANGE_OF_MIND: "申请退款",
    RefundReason.DUPLICATE: "重复支付退款",
    RefundReason.MISTAKE: "误操作退款",
    RefundReason.PROJECT_FAILURE: "项目未能实施退款",
    RefundReason.MINOR: "未成年人支付退款",
    RefundReason.NO_STOCK: "名额已满自动退款",
    RefundReason.SECOND_PAYMENT: "重复支付自动退款",
    RefundReason.MISMATCH: "款项不符退款",
}


@dataclass(frozen=True, slots=True)
class RefundWish:
    """``tree_count`` None is everything that is left; a donation knows nothing else."""

    reason: RefundReason
    tree_count: int | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a paid pledge stands for today: ``live`` is what no refund took yet."""

    kind: PledgeKind
    status: PledgeStatus
    paid_at: datetime
    procured_at: datetime | None
    unit_price_fen: int | None
    live_tree_count: int
    live_fen: int


@dataclass(frozen=True, slots=True)
class Share:
    """What goes back. ``tree_count`` is None for a donation."""

    amount_fen: int
    tree_count: int | None


def refund_number(now: datetime, luck: bytes) -> str:
    """``R`` + yymmdd in China + 10 Crockford characters of ``luck`` (7 bytes): the out_refund_no at WeChat."""
    value = int.from_bytes(luck)
    letters = "".join(CROCKFORD[value >> 5 * place & 31] for place in range(NUMBER_LETTERS))
    return f"R{now.astimezone(CHINA):%y%m%d}{letters}"


def suspense_number(*, transaction_id: str, turn: int, owed_at: datetime) -> str:
    """The number of the ``turn``-th refund of money in suspense.

    It follows from the payment: whoever makes that refund, however often, makes the same one.
    """
    return refund_number(owed_at, hashlib.sha256(f"{transaction_id}:{turn}".encode()).digest()[:7])


def reasons_open(standing: Standing, *, now: datetime) -> frozenset[RefundReason]:
    """The reasons that are heard for this pledge today; none when it cannot be refunded at all."""
    return reasons_heard(
        kind=standing.kind,
        status=standing.status,
        paid_at=standing.paid_at,
        procured_at=standing.procured_at,
        now=now,
    )


def share_of(standing: Standing, wish: RefundWish, *, by_staff: bool, now: datetime) -> Share:
    """What the wish comes to.

    Raises ``NotRefundable``, ``ReasonNotOpen``, ``RefundTooLate``.
    """
    heard = reasons_open(standing, now=now)
    if not heard:
        raise NotRefundable(pledge_status=str(standing.status))
    check_age(standing.paid_at, now=now)
    if wish.reason not in heard:
        raise ReasonNotOpen(reasons=sorted(map(str, heard)))
    if standing.kind is PledgeKind.DONATE:
        if wish.tree_count is not None:
            raise NotRefundable("认捐只能全额退款")
        return Share(standing.live_fen, None)
    return _trees(standing, wish, by_staff=by_staff)


def _trees(standing: Standing, wish: RefundWish, *, by_staff: bool) -> Share:
    count = standing.live_tree_count if wish.tree_count is None else wish.tree_count
    if not 1 <= count <= standing.live_tree_count:
        raise NotRefundable(live_tree_count=standing.live_tree_count)
    if standing.status is PledgeStatus.FUNDED:  # its trees are being numbered this very minute, or something is wrong
        if not by_staff:
            raise NotRefundable("树木正在分配，请稍后再申请退款")
        if count != standing.live_tree_count:
            raise NotRefundable("树木尚未分配，只能全额退款")
    return Share(count * (standing.unit_price_fen or 0), count)


def check_age(paid_at: datetime, *, now: datetime) -> None:
    """Raises ``RefundTooLate`` where WeChat would."""
    if now - paid_at > REFUND_LIFE:
        raise RefundTooLate


def next_step(count: int) -> timedelta:
    """How long to wait after ``count`` answers that settled nothing (1 is the first)."""
    return STEPS[min(max(count, 1), len(STEPS)) - 1]


def points_back(earned: int, *, amount_fen: int, before_fen: int, refund_fen: int) -> int:
    """Points that a refund takes back: the whole ones of the share refunded so far, less those taken before."""
    after = earned * (before_fen + refund_fen) // amount_fen
    return after - earned * before_fen // amount_fen
