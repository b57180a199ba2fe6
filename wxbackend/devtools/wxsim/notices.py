"""Notifications as bytes: sealed, signed, and, when a test asks for it, wrong in one chosen way."""

import base64
import copy
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wxbackend.devtools.wxsim.clock import SimClock, random_bytes, random_hex, rfc3339
from wxbackend.devtools.wxsim.keys import SigningKey, seal
from wxbackend.devtools.wxsim.merchants import Merchant, SignMode
from wxbackend.devtools.wxsim.wire import Json, json_bytes

STALE_BY_S = 3600
MOST_COPIES = 1000
REFUND_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


class Forgery(StrEnum):
    """What is wrong with a notification; everything not named here is right."""

    RANDOM_SIGNATURE = "random-signature"
    UNKNOWN_SERIAL = "unknown-serial"  # properly signed, under a certificate serial nobody issued
    UNKNOWN_PUBLIC_KEY = "unknown-public-key"  # properly signed, under a public key id of nobody
    SIGNTEST = "signtest"  # WeChat's own probe: the next try of the same notification is genuine
    TAMPERED_BODY = "tampered-body"
    STALE_TIMESTAMP = "stale-timestamp"  # properly signed an hour ago, as a replay would be
    WRONG_APIV3_KEY = "wrong-apiv3-key"  # properly signed, sealed with another key


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
    """How a notification travels. ``override`` maps dotted names inside the resource to other values."""

    copies: int = 1
    second_id: bool = False
    delay_s: float = 0.0
    hold: bool = False
    drop: bool = False
    forge: Forgery | None = None
    sign_mode: SignMode | None = None
    override: Json = field(default_factory=dict)

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
    apiv3_key = random_hex(32) if forge is Forgery.WRONG_APIV3_KEY else merchant.apiv3_key
    resource = seal(json_bytes(notice.plain), apiv3_key=apiv3_key, associated_data=notice.original_type)
    return json_bytes(
        {
            "id": notification_id,
            "create_time": rfc3339(now),
            "resource_type": "encrypt-resource",
            "event_type": notice.event_type,
            "summary": notice.summary,
            "resource": {"original_type": notice.original_type, **resource},
        }
    )


def signed_post(
    body: bytes, signer: SigningKey, *, clock: SimClock, forge: Forgery | None
) -> tuple[dict[str, str], bytes]:
    """Headers and body of one try; each try is signed anew."""
    timestamp = int(clock.signing_now())
    if forge is Forgery.STALE_TIMESTAMP:
        timestamp -= STALE_BY_S
    headers = _claimed(signer, forge).signed_headers(body, timestamp=timestamp)
    if forge is Forgery.RANDOM_SIGNATURE:
        headers["Wechatpay-Signature"] = _random_signature()
    if forge is Forgery.SIGNTEST:
        headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + _random_signature()
    if forge is Forgery.TAMPERED_BODY:
        body = body.replace(b'"resource_type":', b'"resource_type" :', 1)
    headers |= {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}
    return headers, body


def _claimed(signer: SigningKey, forge: Forgery | None) -> SigningKey:
    if forge is Forgery.UNKNOWN_SERIAL:
        return replace(signer, serial=random_hex(40).upper())
    if forge is Forgery.UNKNOWN_PUBLIC_KEY:
        return replace(signer, serial="PUB_KEY_ID_" + random_hex(28).upper())
    return signer


def _random_signature() -> str:
    return base64.b64encode(random_bytes(256)).decode()
