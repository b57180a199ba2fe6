"""Open a pledge, and move it on: cancelled, expired, funded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, true, update
from sqlalchemy.orm import Session

from certificates.fonts import FontBook
from models import (
    PLEDGE_MOVES,
    AttemptStatus,
    DedicationStatus,
    Display,
    PaymentAttempt,
    Pledge,
    PledgeKind,
    PledgeMove,
    PledgeStatus,
    Resident,
    Reward,
)
from wxbackend.core.crypto import Vault
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict, InvalidInput, NotFound
from wxbackend.core.states import sources
from wxbackend.pledges import stock, views
from wxbackend.pledges.rules import HOLD, amount_due_fen
from wxbackend.pledges.stock import HeldTree, Offer
from wxbackend.pledges.views import PledgeView, TreeLine
from wxbackend.points import service as points
from wxbackend.points.rules import points_for_payment


class BaseFull(Conflict):
    code, title = "base-full", "该基地认种名额已满"


class BaseNotOpen(Conflict):
    code, title = "base-not-open", "该基地或项目当前不接受认种认捐认养"


class TooManyUnpaid(Conflict):
    code, title = "too-many-unpaid", "未支付的认种认捐单过多，请先支付或取消"


class TreesTaken(Conflict):
    code, title = "trees-taken", "所选树木已被他人认养或不可认养"


class AdoptionNotOffered(Conflict):
    code, title = "adoption-not-offered", "该基地未开放认养"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a resident asked for, as far as the body alone can be checked."""

    kind: PledgeKind
    base_id: str
    tree_count: int | None
    amount_fen: int | None
    tree_tokens: tuple[str, ...]
    display: Display
    reward: Reward
    dedication: str | None
    holder_name: str | None
    occasion: str | None


@dataclass(frozen=True, slots=True)
class Naming:
    """The names a new pledge needs from the random source."""

    number: str
    row_key: str


def holder_place(row_key: str) -> str:
    return f"pledge.holder_name:{row_key}"


def check_glyphs(field: str, text: str | None, *, fonts: FontBook) -> None:
    """Refuse at once what no font could print. Raises ``InvalidInput`` that names the characters."""
    if text and (missing := fonts.missing(text)):
        raise InvalidInput.at(field, f"以下字符无法印制：{' '.join(missing)}")


def open_pledge(
    session: Session,
    *,
    wish: Wish,
    resident_id: int,
    naming: Naming,
    safe: Vault,
    now: datetime,
    dedication_status: DedicationStatus = DedicationStatus.PENDING,
) -> PledgeView:
    """Hold what is wished for 15 minutes, at a price computed here.

    Raises ``NotFound`` for an unknown base, ``BaseNotOpen``, ``BaseFull``, ``TreesTaken``, ``AdoptionNotOffered``,
    ``TooManyUnpaid``.
    """
    offer = _offer(session, wish=wish, resident_id=resident_id, now=now)
    held = _hold_trees(session, wish=wish, offer=offer)
    unit_price = _unit_price_fen(wish, offer)
    rule = points.rule_in_force(session, county_code=offer.county_code, on=china_date(now))
    pledge = Pledge(
        number=naming.number,
        kind=wish.kind,
        status=PledgeStatus.PENDING,
        resident_id=resident_id,
        base_id=offer.base_id,
        campaign_id=offer.campaign_id,
        county_code=offer.county_code,
        tree_count=wish.tree_count,
        unit_price_fen=unit_price,
        amount_fen=wish.amount_fen or amount_due_fen(unit_price or 0, wish.tree_count or 0),
        display=wish.display,
        reward=wish.reward,
        points_rule_id=rule.id,
        occasion=wish.occasion,
        dedication=wish.dedication,
        dedication_status=dedication_status if wish.dedication else None,
        row_key=naming.row_key,
        holder_name_sealed=_sealed_name(wish, naming, safe),
        created_at=now,
        hold_expires_at=now + HOLD,
    )
    session.add(pledge)
    session.flush()
    if held:
        stock.bind_trees(session, pledge_id=pledge.id, tree_ids=[tree.id for tree in held])
    earns = points_for_payment(rule, reward=wish.reward, amount_fen=pledge.amount_fen)
    allows = views.refund_policy(pledge, procured_at=offer.procured_at, now=now)
    trees = [TreeLine(t.number, t.token, t.species, t.life) for t in held]
    return PledgeView(pledge, wish.base_id, earns, allows, trees)


def _sealed_name(wish: Wish, naming: Naming, safe: Vault) -> str | None:
    return safe.seal(wish.holder_name, place=holder_place(naming.row_key)) if wish.holder_name else None


def _offer(session: Session, *, wish: Wish, resident_id: int, now: datetime) -> Offer:
    on, n = china_date(now), wish.tree_count or 0
    modest = stock.holds_little(resident_id=resident_id, n=n)
    if wish.kind is PledgeKind.PLANT:
        offer = stock.hold_places(session, base_public_id=wish.base_id, n=n, on=on, only_if=modest)
    else:
        offer = stock.open_offer(session, base_public_id=wish.base_id, on=on, only_if=modest)
    if offer is None:
        _refuse(session, wish=wish, modest=modest, now=now)
        raise BaseNotOpen
    return offer


def _refuse(session: Session, *, wish: Wish, modest: ColumnElement[bool], now: datetime) -> None:
    """Tell an unknown base from a closed and a full one, and from a person who holds too much already."""
    visible, places_left = stock.why_not(session, base_public_id=wish.base_id)
    if not visible:
        raise NotFound("基地不存在")
    if not session.scalar(select(modest)):
        raise TooManyUnpaid
    open_now = stock.open_offer(session, base_public_id=wish.base_id, on=china_date(now), only_if=true())
    if open_now and wish.kind is PledgeKind.PLANT:
        raise BaseFull(places_left=places_left)


def _hold_trees(session: Session, *, wish: Wish, offer: Offer) -> list[HeldTree]:
    if wish.kind is not PledgeKind.ADOPT:
        return []
    if offer.adopt_price_fen is None:
        raise AdoptionNotOffered
    n = wish.tree_count or 0
    held = stock.hold_trees(session, base_id=offer.base_id, n=n, tokens=wish.tree_tokens)
    if len(held) < n:
        raise TreesTaken(trees_left=len(held))
    return held


def _unit_price_fen(wish: Wish, offer: Offer) -> int | None:
    prices = {PledgeKind.PLANT: offer.price_fen, PledgeKind.ADOPT: offer.adopt_price_fen}
    return prices.get(wish.kind)


def note_move(
    session: Session,
    *,
    pledge_id: int,
    frm: PledgeStatus | None,
    to: PledgeStatus,
    cause: str,
    now: datetime,
) -> None:
    session.execute(insert(PledgeMove).values(pledge_id=pledge_id, from_status=frm, to_status=to, cause=cause, at=now))


def lock_owner(session: Session, *, number: str) -> None:
    """Person before pledge, as an erasure locks them: in the other order the two could wait for each other."""
    owner = select(Pledge.resident_id).where(Pledge.number == number).scalar_subquery()
    session.execute(select(Resident.id).where(Resident.id == owner).with_for_update(read=True, key_share=True))


def _has_open_attempt() -> ColumnElement[bool]:
    return (
        select(PaymentAttempt.id)
        .where(PaymentAttempt.pledge_id == Pledge.id)
        .where(PaymentAttempt.status.in_((AttemptStatus.CREATED, AttemptStatus.PREPAY)))
        .exists()
    )


def end_unpaid(session: Session, *, pledge_id: int, to: PledgeStatus, cause: str, now: datetime) -> bool:
    """Move PENDING to CANCELLED or EXPIRED and release the stock; False if it moved on or an attempt is still open.

    With an attempt open the money may be on its way: the caller closes it at WeChat first.
    """
    # PostgreSQL: a statement that waits for a lock still sees the attempts of before; one that follows sees all.
    session.execute(select(Pledge.id).where(Pledge.id == pledge_id).with_for_update())
    pledge = session.scalar(
        update(Pledge)
        .where(Pledge.id == pledge_id, Pledge.status == PledgeStatus.PENDING, ~_has_open_attempt())
        .values(status=to)
        .returning(Pledge)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if pledge is None:
        return False
    stock.release(session, pledge=pledge, now=now)
    note_move(session, pledge_id=pledge_id, frm=PledgeStatus.PENDING, to=to, cause=cause, now=now)
    return True


@dataclass(frozen=True, slots=True)
class Funding:
    """What became of a payment: the pledge it funded, or ``None`` when nothing could take it."""

    pledge: Pledge
    took_stock: bool
    was: PledgeStatus


def fund(session: Session, *, pledge_id: int, paid_at: datetime, now: datetime) -> Funding:
    """Take a payment: PENDING sells what it held; a late one takes its stock again, if it can.

    ``took_stock`` is False when the stock is gone or the pledge was funded before: the money must go back.
    """
    held = _funded(session, pledge_id=pledge_id, frm=(PledgeStatus.PENDING,), paid_at=paid_at)
    if held is not None:
        stock.sell_held(session, pledge=held)
        note_move(
            session, pledge_id=pledge_id, frm=PledgeStatus.PENDING, to=PledgeStatus.FUNDED, cause="payment", now=now
        )
        return Funding(held, took_stock=True, was=PledgeStatus.PENDING)
    return _fund_late(session, pledge_id=pledge_id, paid_at=paid_at, now=now)


def _fund_late(session: Session, *, pledge_id: int, paid_at: datetime, now: datetime) -> Funding:
    pledge = session.scalars(select(Pledge).where(Pledge.id == pledge_id).with_for_update()).one()
    was = pledge.status
    if was not in sources(PledgeStatus.FUNDED, PLEDGE_MOVES) or not stock.sell_again(session, pledge=pledge):
        return Funding(pledge, took_stock=False, was=was)
    funded = _funded(session, pledge_id=pledge_id, frm=(was,), paid_at=paid_at)
    if funded is None:  # the row is locked on PostgreSQL, the queue is ours on SQLite: nobody moved it
        raise RuntimeError("a locked pledge moved")
    note_move(session, pledge_id=pledge_id, frm=was, to=PledgeStatus.FUNDED, cause="late payment", now=now)
    return Funding(funded, took_stock=True, was=was)


def _funded(session: Session, *, pledge_id: int, frm: tuple[PledgeStatus, ...], paid_at: datetime) -> Pledge | None:
    return session.scalar(
        update(Pledge)
        .where(Pledge.id == pledge_id, Pledge.status.in_(frm))
        .values(status=PledgeStatus.FUNDED, paid_at=paid_at)
        .returning(Pledge)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def find_own(session: Session, *, number: str, resident_id: int) -> Pledge:
    """One's own pledge. Raises ``NotFound``, for another person's as well."""
    pledge = session.scalar(select(Pledge).where(Pledge.number == number, Pledge.resident_id == resident_id))
    if pledge is None:
        raise NotFound("认种认捐单不存在")
    return pledge
