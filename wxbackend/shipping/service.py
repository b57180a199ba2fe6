"""Shipping reports (发货信息): one a payment, written down before WeChat is told, corrected at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import (
    SHIPPING_MOVES,
    Campaign,
    PaymentAttempt,
    PlantingBase,
    Pledge,
    PledgeStatus,
    Resident,
    ShippingReport,
    ShippingStatus,
    Species,
)
from wxbackend.core import audit
from wxbackend.core.crypto import Vault
from wxbackend.core.errors import Conflict
from wxbackend.core.health import alarm
from wxbackend.core.sql import insert_into
from wxbackend.core.states import sources
from wxbackend.identity.service import openid_place
from wxbackend.shipping.rules import description

UNREPORTED = (ShippingStatus.WAITING, ShippingStatus.FAILED)
UNSETTLED = (ShippingStatus.SHIPPED, ShippingStatus.CONFIRMED)
#: Why no report can be made: WeChat wants the payer's openid, and it was destroyed.
PAYER_ERASED = "payer-erased"
#: What no further try mends.
FOR_GOOD = (PAYER_ERASED,)


class NotCorrectable(Conflict):
    code, title = "shipping-not-correctable", "该认领没有可更正的发货信息：尚未录入、已确认收货，或已更正过一次"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What WeChat is to be told. ``asked_before`` when an earlier attempt may have reached it."""

    transaction_id: str
    openid: str
    description: str
    asked_before: bool = False


def prepare(session: Session, *, transaction_id: str, safe: Vault, now: datetime) -> Parcel | None:
    """Write down that a payment is about to be reported; ``None`` when there is nothing to report (any more)."""
    payment = _payment(session, transaction_id=transaction_id)
    if payment is None:
        return None
    report = _ensure(session, payment=payment, now=now)
    if report.status not in UNREPORTED:
        return None
    if payment.Pledge.status is PledgeStatus.REFUNDED:
        note_state(session, transaction_id=transaction_id, to=ShippingStatus.REFUNDED, at=now)
        return None
    if payment.openid_sealed is None:
        if note_refusal(session, transaction_id=transaction_id, error=PAYER_ERASED, failed=True):
            alarm("shipping-payer-erased", pledge_number=payment.Pledge.number)
        return None
    first = _begin(session, transaction_id=transaction_id, nth=1)
    return _parcel(payment, safe=safe, asked_before=not first)


def _payment(session: Session, *, transaction_id: str) -> Any:
    return session.execute(_payments().where(PaymentAttempt.transaction_id == transaction_id)).one_or_none()


def _payments() -> Any:
    return (
        select(
            PaymentAttempt.id.label("attempt_id"),
            PaymentAttempt.transaction_id,
            Pledge,
            PlantingBase.name.label("base"),
            Campaign.name.label("campaign"),
            Species.name.label("species"),
            Resident.row_key,
            Resident.openid_sealed,
        )
        .join(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .join(Species, Species.id == PlantingBase.species_id)
        .join(Resident, Resident.id == Pledge.resident_id)
    )


def _ensure(session: Session, *, payment: Any, now: datetime) -> ShippingReport:
    row = {
        "attempt_id": payment.attempt_id,
        "transaction_id": payment.transaction_id,
        "status": ShippingStatus.WAITING,
        "upload_count": 0,
        "created_at": now,
    }
    session.execute(insert_into(session, ShippingReport).values(row).on_conflict_do_nothing())
    return session.scalars(
        select(ShippingReport)
        .where(ShippingReport.attempt_id == payment.attempt_id)
        .execution_options(populate_existing=True)
    ).one()


def _begin(session: Session, *, transaction_id: str, nth: int) -> bool:
    """Count the upload that is about to happen; of two who want to make it, one does."""
    status = ShippingReport.status.in_(UNREPORTED if nth == 1 else (ShippingStatus.SHIPPED,))
    begun = (
        update(ShippingReport)
        .where(ShippingReport.transaction_id == transaction_id, ShippingReport.upload_count == nth - 1, status)
        .values(upload_count=nth)
        .returning(ShippingReport.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(begun) is not None


def _parcel(payment: Any, *, safe: Vault, asked_before: bool) -> Parcel:
    pledge = payment.Pledge
    return Parcel(
        transaction_id=payment.transaction_id,
        openid=safe.open(payment.openid_sealed, place=openid_place(payment.row_key)),
        description=description(
            kind=pledge.kind,
            species=payment.species,
            tree_count=(pledge.tree_count or 0) - pledge.refunded_tree_count,
            base=payment.base,
            campaign=payment.campaign,
            number=pledge.number,
        ),
        asked_before=asked_before,
    )


def note_state(session: Session, *, transaction_id: str, to: ShippingStatus, at: datetime) -> bool:
    """What WeChat holds now. False where it changes nothing: what comes late takes nothing back."""
    settled = {"settled_at": at} if to is ShippingStatus.SETTLED else {}
    reported = {} if to is ShippingStatus.REFUNDED else {"reported_at": func.coalesce(ShippingReport.reported_at, at)}
    moved = (
        update(ShippingReport)
        .where(
            ShippingReport.transaction_id == transaction_id,
            ShippingReport.status.in_(sources(to, SHIPPING_MOVES)),
        )
        .values(status=to, last_error=None, **reported, **settled)
        .returning(ShippingReport.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(moved) is not None


def note_refusal(session: Session, *, transaction_id: str, error: str, failed: bool) -> bool:
    """Why it was not reported; ``failed`` where more than time is missing. ``error`` is a code, never a text.

    Whether that is news.
    """
    status = {"status": ShippingStatus.FAILED} if failed else {}
    noted = (
        update(ShippingReport)
        .where(ShippingReport.transaction_id == transaction_id, ShippingReport.status.in_(UNREPORTED))
        .where(ShippingReport.last_error.is_distinct_from(error))
        .values(last_error=error, **status)
        .returning(ShippingReport.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(noted) is not None


def status_of(session: Session, *, transaction_id: str) -> ShippingStatus | None:
    return session.scalar(select(ShippingReport.status).where(ShippingReport.transaction_id == transaction_id))


def is_ours(session: Session, *, transaction_id: str) -> bool:
    query = select(PaymentAttempt.id).where(PaymentAttempt.transaction_id == transaction_id)
    return session.scalar(query) is not None


def unreported(session: Session, *, before: datetime, turn: int, turns: int, limit: int) -> Sequence[str]:
    """Transaction ids of reports begun before then that WeChat has not got, and may get.

    Those whose turn it is come first, then the oldest: where many are refused again and again, they starve no other.
    """
    query = select(ShippingReport.transaction_id).where(
        ShippingReport.status.in_(UNREPORTED),
        ShippingReport.created_at < before,
        func.coalesce(ShippingReport.last_error, "").not_in(FOR_GOOD),
    )
    return session.scalars(query.order_by(ShippingReport.id % turns != turn, ShippingReport.id).limit(limit)).all()


def unsettled(session: Session, *, turn: int, turns: int, limit: int) -> Sequence[str]:
    """Transaction ids that WeChat has and holds the money of; each comes round once in ``turns``."""
    query = select(ShippingReport.transaction_id).where(ShippingReport.status.in_(UNSETTLED))
    return session.scalars(
        query.where(ShippingReport.id % turns == turn).order_by(ShippingReport.id).limit(limit)
    ).all()


def waiting(session: Session, *, limit: int) -> Sequence[tuple[ShippingReport, str]]:
    """(report, pledge number) of what WeChat has not got, the oldest first."""
    rows = session.execute(
        select(ShippingReport, Pledge.number)
        .join(PaymentAttempt, PaymentAttempt.id == ShippingReport.attempt_id)
        .join(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(ShippingReport.status.in_(UNREPORTED))
        .order_by(ShippingReport.id)
        .limit(limit)
    )
    return [(report, number) for report, number in rows]


def begin_correction(session: Session, *, number: str, safe: Vault, now: datetime) -> Parcel:
    """Use the one correction of a pledge's report. Raises ``NotCorrectable``."""
    found = _payments().join(ShippingReport, ShippingReport.attempt_id == PaymentAttempt.id)
    payment = session.execute(found.where(Pledge.number == number).limit(1)).one_or_none()
    if payment is None or payment.openid_sealed is None:
        raise NotCorrectable
    if not _begin(session, transaction_id=payment.transaction_id, nth=2):
        raise NotCorrectable
    audit.record(session, caller=None, action="shipping.correct", on=("pledge", number), now=now)
    return _parcel(payment, safe=safe, asked_before=False)


def give_correction_back(session: Session, *, transaction_id: str) -> None:
    """It did not get through: it may be tried again. If it did, WeChat refuses a second one."""
    session.execute(
        update(ShippingReport)
        .where(ShippingReport.transaction_id == transaction_id, ShippingReport.upload_count == 2)  # noqa: PLR2004
        .values(upload_count=1)
        .execution_options(synchronize_session=False)
    )
