"""Payment attempts: one order at WeChat Pay each. No call goes out from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    BaseStatus,
    Campaign,
    CampaignStatus,
    MismatchStatus,
    Payee,
    PaymentAttempt,
    PaymentMismatch,
    PlantingBase,
    Pledge,
    PledgeStatus,
)
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict, NotFound
from wxbackend.payments.rules import BUSY_STEP, next_query_at, order_description, out_trade_no
from wxbackend.pledges.rules import KIND_WORDS, PAY_MARGIN
from wxbackend.pledges.service import BaseNotOpen

OPEN = (AttemptStatus.CREATED, AttemptStatus.PREPAY)


class PledgeNotPayable(Conflict):
    code, title = "pledge-not-payable", "该认种认捐单当前不可支付"


class HoldEnding(Conflict):
    code, title = "hold-ending", "名额保留时间即将结束，请重新认种认捐"


@dataclass(frozen=True, slots=True)
class Order:
    """A frozen copy of an attempt: it outlives the transaction that read it."""

    id: int
    pledge_id: int
    pledge_number: str
    out_trade_no: str
    mchid: str
    amount_fen: int
    expires_at: datetime
    created_at: datetime
    query_count: int
    prepay_id: str | None
    description: str = ""


def take_attempt(
    session: Session, *, number: str, resident_id: int, appid: str, payer_index: str, now: datetime
) -> Order:
    """The open attempt of one's pledge, or a new one.

    Raises ``NotFound``, ``PledgeNotPayable``, ``HoldEnding`` in its last minute, ``BaseNotOpen`` when the base or its
    campaign closed meanwhile.
    """
    pledge, base_name, mchid = _payable(session, number=number, resident_id=resident_id, now=now)
    description = order_description(KIND_WORDS[pledge.kind], base_name)
    newest = _newest_attempt(session, pledge_id=pledge.id)
    if newest is not None:
        _refuse_after_mismatch(session, pledge_id=pledge.id)
    if newest is None or newest.status not in OPEN:
        ordinal = newest.ordinal + 1 if newest else 1
        newest = _new_attempt(pledge, ordinal=ordinal, mchid=mchid, appid=appid, payer_index=payer_index, now=now)
        session.add(newest)
        session.flush()
    return _order(newest, pledge.number, description)


def _payable(session: Session, *, number: str, resident_id: int, now: datetime) -> tuple[Pledge, str, str]:
    on = china_date(now)
    row = session.execute(
        select(Pledge, PlantingBase, Campaign, Payee.mchid)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .join(Payee, Payee.id == Campaign.payee_id)
        .where(Pledge.number == number, Pledge.resident_id == resident_id)
        .with_for_update(of=Pledge)  # nobody cancels it between here and the new attempt
    ).one_or_none()
    if row is None:
        raise NotFound("认种认捐单不存在")
    pledge, base, campaign, mchid = row
    if pledge.status is not PledgeStatus.PENDING:
        raise PledgeNotPayable(pledge_status=str(pledge.status))
    if now >= pledge.hold_expires_at - PAY_MARGIN:
        raise HoldEnding
    runs = campaign.status is CampaignStatus.ONLINE and campaign.starts_on <= on <= campaign.ends_on
    if not runs or base.status not in (BaseStatus.ONLINE, BaseStatus.FULL):
        raise BaseNotOpen
    return pledge, base.name, mchid


def _newest_attempt(session: Session, *, pledge_id: int) -> PaymentAttempt | None:
    """The last one; only it can be open. The pledge is locked, so nobody adds another meanwhile."""
    return session.scalar(
        select(PaymentAttempt)
        .where(PaymentAttempt.pledge_id == pledge_id)
        .order_by(PaymentAttempt.ordinal.desc())
        .limit(1)
    )


def _refuse_after_mismatch(session: Session, *, pledge_id: int) -> None:
    """Money that does not fit was paid for one of its orders: nobody pays again before staff looked."""
    mismatch = (
        select(PaymentMismatch.id)
        .join(PaymentAttempt, PaymentAttempt.out_trade_no == PaymentMismatch.out_trade_no)
        .where(PaymentAttempt.pledge_id == pledge_id, PaymentMismatch.status == MismatchStatus.OPEN)
    )
    if session.scalar(mismatch.limit(1)) is not None:
        raise PledgeNotPayable("该认种认捐单的款项正在人工核对，请勿重复支付")


def _new_attempt(
    pledge: Pledge, *, ordinal: int, mchid: str, appid: str, payer_index: str, now: datetime
) -> PaymentAttempt:
    return PaymentAttempt(
        pledge_id=pledge.id,
        ordinal=ordinal,
        out_trade_no=out_trade_no(pledge.number, ordinal),
        mchid=mchid,
        appid=appid,
        payer_index=payer_index,
        amount_fen=pledge.amount_fen,
        status=AttemptStatus.CREATED,
        expires_at=pledge.hold_expires_at,
        created_at=now,
        query_count=0,
        next_query_at=next_query_at(created_at=now, expires_at=pledge.hold_expires_at, query_count=0),
    )


def _order(attempt: PaymentAttempt, pledge_number: str, description: str = "") -> Order:
    return Order(
        id=attempt.id,
        pledge_id=attempt.pledge_id,
        pledge_number=pledge_number,
        out_trade_no=attempt.out_trade_no,
        mchid=attempt.mchid,
        amount_fen=attempt.amount_fen,
        expires_at=attempt.expires_at,
        created_at=attempt.created_at,
        query_count=attempt.query_count,
        prepay_id=attempt.prepay_id,
        description=description,
    )


def note_prepaid(session: Session, *, order: Order, prepay_id: str, now: datetime) -> bool:
    """Keep the prepay_id; False when the attempt was closed while WeChat was asked."""
    kept = session.scalar(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == order.id, PaymentAttempt.status.in_(OPEN))
        .values(status=AttemptStatus.PREPAY, prepay_id=prepay_id, prepay_at=now)
        .returning(PaymentAttempt.id)
        .execution_options(synchronize_session=False)
    )
    return kept is not None


def note_ended(session: Session, *, attempt_id: int, status: AttemptStatus) -> None:
    """An order that WeChat takes no money for: CLOSED, or FAILED where its number was spent. It is asked no more."""
    session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == attempt_id, PaymentAttempt.status != AttemptStatus.SUCCESS)
        .values(status=case((PaymentAttempt.status.in_(OPEN), status), else_=PaymentAttempt.status), next_query_at=None)
        .execution_options(synchronize_session=False)
    )


def note_asked(session: Session, *, order: Order, busy: bool, now: datetime) -> None:
    """The answer was not final: ask again on the schedule, or in a minute while the user is paying.

    An attempt that ended meanwhile is not asked about again.
    """
    count = order.query_count + 1
    planned = next_query_at(created_at=order.created_at, expires_at=order.expires_at, query_count=count)
    again = now + BUSY_STEP if busy or planned <= now else planned
    session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id == order.id)
        .values(query_count=count, next_query_at=case((PaymentAttempt.status.in_(OPEN), again), else_=None))
        .execution_options(synchronize_session=False)
    )


def ask_soon(session: Session, *, number: str, now: datetime) -> None:
    """Have the poller query an order at once (a late but genuine notification named it)."""
    ask_at(session, number=number, at=now)


def ask_at(session: Session, *, number: str, at: datetime) -> None:
    """Have the poller query an unpaid order at a moment of its own, off the schedule."""
    session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.out_trade_no == number, PaymentAttempt.status != AttemptStatus.SUCCESS)
        .values(next_query_at=at)
        .execution_options(synchronize_session=False)
    )


def unsettled(session: Session, *, out_trade_no: str) -> Order | None:
    """The order of that number, unless it is paid or unknown."""
    row = session.execute(
        select(PaymentAttempt, Pledge.number)
        .join(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(PaymentAttempt.out_trade_no == out_trade_no, PaymentAttempt.status != AttemptStatus.SUCCESS)
    ).one_or_none()
    return _order(*row) if row else None


def newest_unsettled(session: Session, *, number: str, resident_id: int) -> list[Order]:
    """Every attempt of one's pledge that is not paid, newest first. Raises ``NotFound``."""
    pledge = session.scalar(select(Pledge).where(Pledge.number == number, Pledge.resident_id == resident_id))
    if pledge is None:
        raise NotFound("认种认捐单不存在")
    rows = session.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.pledge_id == pledge.id, PaymentAttempt.status != AttemptStatus.SUCCESS)
        .order_by(PaymentAttempt.ordinal.desc())
    )
    return [_order(row, pledge.number) for row in rows]


def due(session: Session, *, now: datetime, limit: int) -> Sequence[Order]:
    """Attempts whose query is due, oldest first."""
    rows = session.execute(
        select(PaymentAttempt, Pledge.number)
        .join(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(PaymentAttempt.next_query_at <= now)
        .order_by(PaymentAttempt.next_query_at)
        .limit(limit)
    )
    return [_order(attempt, number) for attempt, number in rows]


def overdue_pledges(session: Session, *, now: datetime, limit: int) -> Sequence[int]:
    """Pending pledges past their hold that have no open attempt: nothing can pay them any more."""
    open_attempt = select(PaymentAttempt.id).where(
        PaymentAttempt.pledge_id == Pledge.id, PaymentAttempt.status.in_(OPEN)
    )
    return session.scalars(
        select(Pledge.id)
        .where(Pledge.status == PledgeStatus.PENDING, Pledge.hold_expires_at < now, ~open_attempt.exists())
        .order_by(Pledge.hold_expires_at)
        .limit(limit)
    ).all()
