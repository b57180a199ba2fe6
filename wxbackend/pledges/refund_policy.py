"""Which reasons for a refund are heard for a pledge, and until when: a grace, stated before payment. Pure.

Source: 民法典 第六百五十八条: a gift for the public good is not revocable once it is given; what goes back goes back by
grace, or because an error is corrected.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models import PledgeKind, PledgeStatus, RefundReason
from wxbackend.core.dates import china_date

#: A change of mind is heard until so many days (in China) after the payment.
GRACE_DAYS = 7
#: How long after a payment WeChat pays it back.
REFUND_LIFE = timedelta(days=365)

#: A correction of an error is heard for as long as WeChat pays back, planted or not.
CORRECTIONS = frozenset({RefundReason.DUPLICATE, RefundReason.MISTAKE})
GRAVE = CORRECTIONS | {RefundReason.PROJECT_FAILURE, RefundReason.MINOR}
#: What a person may name. The others are told by the money itself.
NAMEABLE = GRAVE | {RefundReason.CHANGE_OF_MIND}
#: What was paid for is there, or on its way, and was not handed back.
REFUNDABLE = (PledgeStatus.FUNDED, PledgeStatus.ALLOCATED, PledgeStatus.PLANTED, PledgeStatus.ACTIVE)


def reasons_heard(
    *, kind: PledgeKind, status: PledgeStatus, paid_at: datetime, procured_at: datetime | None, now: datetime
) -> frozenset[RefundReason]:
    """The reasons that are heard for a paid pledge today; none when it cannot be refunded at all."""
    if status not in REFUNDABLE:
        return frozenset()
    grown = status is PledgeStatus.ACTIVE and kind is PledgeKind.PLANT
    if status is PledgeStatus.PLANTED or grown:
        return CORRECTIONS
    early = procured_at is None and (china_date(now) - china_date(paid_at)).days <= GRACE_DAYS
    return NAMEABLE if early else GRAVE


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """``until`` is the last day (in China) on which a change of mind is heard; ``None`` when it is not, or not yet."""

    reasons: tuple[RefundReason, ...]
    until: date | None


def policy_of(
    *, kind: PledgeKind, status: PledgeStatus, paid_at: datetime | None, procured_at: datetime | None, now: datetime
) -> RefundPolicy:
    """What may be asked now; before the payment, what paying now would allow."""
    if status is PledgeStatus.PENDING:
        heard = reasons_heard(kind=kind, status=PledgeStatus.FUNDED, paid_at=now, procured_at=procured_at, now=now)
        return RefundPolicy(_sorted(heard), None)
    if paid_at is None or now - paid_at > REFUND_LIFE:
        return RefundPolicy((), None)
    heard = reasons_heard(kind=kind, status=status, paid_at=paid_at, procured_at=procured_at, now=now)
    lasts = RefundReason.CHANGE_OF_MIND in heard
    return RefundPolicy(_sorted(heard), china_date(paid_at) + timedelta(days=GRACE_DAYS) if lasts else None)


def _sorted(heard: frozenset[RefundReason]) -> tuple[RefundReason, ...]:
    return tuple(reason for reason in RefundReason if reason in heard)
