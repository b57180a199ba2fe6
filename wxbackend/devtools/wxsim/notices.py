"""Notifications: what they tell, how they travel, and their sealed bodies."""

import copy
from dataclasses import dataclass, field, replace

from wxbackend.devtools.wxsim.clock import random_hex, rfc3339
from wxbackend.devtools.wxsim.merchants import Merchant, SignMode
from wxbackend.devtools.wxsim.notices_forged import Forgery, sealed_envelope
from wxbackend.devtools.wxsim.wire import Json

MOST_COPIES = 1000
REFUND_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


class BadNotice(Exception):
    """The order for a notification makes no sense."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification before it is sealed; ``plain`` is what the resource will hold."""

    mchid: str
    subject: str
    url: str
    event_type: str
    summary: str
    original_type: str
    plain: Json


@dataclass(frozen=True, slots=True)
class Handling:
    """How a notification travels.

    ``override`` maps dotted names inside the resource to other values; ``event_type`` and ``url`` replace the true
    ones, so that a notification of one kind or merchant comes to the address of another.
    """

    copies: int = 1
    second_id: bool = False
    delay_s: float = 0.0
    hold: bool = False
    drop: bool = False
    forge: Forgery | None = None
    sign_mode: SignMode | None = None
    override: Json = field(default_factory=dict)
    event_type: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.copies <= MOST_COPIES or self.delay_s < 0:
            raise BadNotice("copies is 1 to 1000, delay_s is not negative")


def transaction_notice(transaction: Json, *, url: str) -> Notice:
    """TRANSACTION.SUCCESS for a paid order."""
    return Notice(
        mchid=transaction["mchid"],
        subject=transaction["out_trade_no"],
        url=url,
        event_type="TRANSACTION.SUCCESS",
        summary="支付成功",
        original_type="transaction",
        plain=transaction,
    )


def refund_notice(resource: Json, *, url: str) -> Notice:
    """REFUND.SUCCESS, REFUND.ABNORMAL or REFUND.CLOSED for a refund that ended so."""
    state = resource["refund_status"]
    return Notice(
        mchid=resource["mchid"],
        subject=resource["out_trade_no"],
        url=url,
        event_type=f"REFUND.{state}",
        summary=REFUND_SUMMARIES[state],
        original_type="refund",
        plain=resource,
    )


def as_handled(notice: Notice, handling: Handling) -> Notice:
    """The notice as it will arrive; raises BadNotice for an override of nothing."""
    altered = with_override(notice, handling.override)
    return replace(altered, event_type=handling.event_type or notice.event_type, url=handling.url or notice.url)


def with_override(notice: Notice, override: Json) -> Notice:
    """The same notice with some values of its resource replaced; raises BadNotice for a name that is not there."""
    plain = copy.deepcopy(notice.plain)
    for name, value in override.items():
        *parents, last = name.split(".")
        place: object = plain
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last not in place:
            raise BadNotice(f"the resource has no {name}")
        place[last] = value
    return replace(notice, plain=plain)


def new_notification_id() -> str:
    """36 characters, shaped like a UUID."""
    return "-".join(random_hex(length) for length in (8, 4, 4, 4, 12))


def sealed_body(
    notice: Notice, merchant: Merchant, *, notification_id: str, now: float, forge: Forgery | None
) -> bytes:
    envelope: Json = {
        "id": notification_id,
        "create_time": rfc3339(now),
        "resource_type": "encrypt-resource",
        "event_type": notice.event_type,
        "summary": notice.summary,
    }
    return sealed_envelope(
        envelope, notice.plain, apiv3_key=merchant.apiv3_key, original_type=notice.original_type, forge=forge
    )
