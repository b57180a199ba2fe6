"""Finding a pledge by any number that stands on a paper or a screen, and its whole history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased

from models import (
    AuditEntry,
    Campaign,
    Certificate,
    LedgerAccount,
    LedgerTransfer,
    PaymentAttempt,
    PaymentMismatch,
    PaymentNotice,
    PlantingBase,
    Pledge,
    PledgeKind,
    PledgeMove,
    PledgeStatus,
    PledgeTree,
    ReceiptRequest,
    Refund,
    RefundDue,
    ShippingReport,
    Species,
    Staff,
    Tree,
)
from wxbackend.console.reads.pages import Sheet, newest_first
from wxbackend.core.errors import NotFound
from wxbackend.regions.service import under

AUDIT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PledgeFilter:
    """``text`` is a pledge number, out_trade_no, transaction id, tree number or token, or certificate serial."""

    text: str | None = None
    status: PledgeStatus | None = None
    kind: PledgeKind | None = None


def find_pledges(session: Session, *, want: PledgeFilter, prefixes: Sequence[str], after: int | None) -> Sheet[Any]:
    """(pledge, name of its base), newest first; one statement."""
    query = (
        select(Pledge, PlantingBase.name)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .where(under(Pledge.county_code, prefixes))
    )
    if want.text:
        query = query.where(Pledge.id.in_(_named(want.text)))
    if want.status:
        query = query.where(Pledge.status == want.status)
    if want.kind:
        query = query.where(Pledge.kind == want.kind)
    return newest_first(session, query, Pledge.id, after=after)


def _named(text: str) -> Select[tuple[int]]:
    """Ids of pledges with this number; each part is one look into a unique index."""
    upper = text.upper()
    parts = union_all(
        select(Pledge.id.label("id")).where(Pledge.number == upper),
        select(PaymentAttempt.pledge_id).where(PaymentAttempt.out_trade_no == upper),
        select(PaymentAttempt.pledge_id).where(PaymentAttempt.transaction_id == text),
        select(Certificate.pledge_id).where(Certificate.serial == upper),
        select(PledgeTree.pledge_id)
        .join(Tree, Tree.id == PledgeTree.tree_id)
        .where(or_(Tree.number == upper, Tree.token == upper)),
    ).subquery()
    return select(parts.c.id)


@dataclass(frozen=True, slots=True)
class PledgeHistory:
    """Everything that is known of one pledge. Rows are detached; names stay sealed."""

    pledge: Pledge
    base: PlantingBase
    campaign: Campaign
    species: Species
    moves: Sequence[PledgeMove]
    attempts: Sequence[PaymentAttempt]
    notices: Sequence[PaymentNotice]
    mismatches: Sequence[PaymentMismatch]
    refunds_due: Sequence[RefundDue]
    shipping: Sequence[ShippingReport]
    refunds: Sequence[Refund]
    receipts: Sequence[ReceiptRequest]
    transfers: Sequence[Any]
    trees: Sequence[Tree]
    certificates: Sequence[Certificate]
    trail: Sequence[Any]


def read_history(session: Session, *, number: str, prefixes: Sequence[str]) -> PledgeHistory:
    """Thirteen statements, whatever happened. Raises ``NotFound`` outside ``prefixes``."""
    row = session.execute(
        select(Pledge, PlantingBase, Campaign, Species)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .join(Species, Species.id == PlantingBase.species_id)
        .where(Pledge.number == number, under(Pledge.county_code, prefixes))
    ).one_or_none()
    if row is None:
        raise NotFound("没有这笔认种认捐，或不在管辖范围内")
    pledge, base, campaign, species = row
    attempts = _rows(session, PaymentAttempt, PaymentAttempt.pledge_id == pledge.id)
    orders = [attempt.out_trade_no for attempt in attempts]
    certificates = _rows(session, Certificate, Certificate.pledge_id == pledge.id)
    refunds = _rows(session, Refund, Refund.pledge_id == pledge.id)
    receipts = _rows(session, ReceiptRequest, ReceiptRequest.pledge_id == pledge.id)
    things = [("pledge", pledge.number), *(("refund", r.number) for r in refunds)]
    things += [("receipt", r.public_id) for r in receipts]
    things += [("certificate", key) for c in certificates for key in (c.serial, c.public_id) if key]
    return PledgeHistory(
        pledge=pledge,
        base=base,
        campaign=campaign,
        species=species,
        moves=_rows(session, PledgeMove, PledgeMove.pledge_id == pledge.id),
        attempts=attempts,
        notices=_notices(session, orders),
        mismatches=_rows(session, PaymentMismatch, PaymentMismatch.out_trade_no.in_(orders)),
        refunds_due=_rows(session, RefundDue, RefundDue.pledge_id == pledge.id),
        shipping=_rows(session, ShippingReport, ShippingReport.attempt_id.in_([attempt.id for attempt in attempts])),
        refunds=refunds,
        receipts=receipts,
        transfers=_transfers(session, pledge.id),
        trees=_trees(session, pledge.id),
        certificates=certificates,
        trail=_trail(session, things),
    )


def _rows(session: Session, model: Any, condition: Any) -> Sequence[Any]:
    return session.scalars(select(model).where(condition).order_by(model.id)).all()


def _notices(session: Session, orders: Sequence[str]) -> Sequence[PaymentNotice]:
    query = select(PaymentNotice).where(PaymentNotice.out_trade_no.in_(orders))
    return session.scalars(query.order_by(PaymentNotice.received_at, PaymentNotice.id)).all()


def _transfers(session: Session, pledge_id: int) -> Sequence[Any]:
    """(transfer, unit, from, to)."""
    giver, taker = aliased(LedgerAccount), aliased(LedgerAccount)
    return session.execute(
        select(LedgerTransfer, giver.unit, giver.owner.label("giver"), taker.owner.label("taker"))
        .join(giver, giver.id == LedgerTransfer.debit_id)
        .join(taker, taker.id == LedgerTransfer.credit_id)
        .where(LedgerTransfer.pledge_id == pledge_id)
        .order_by(LedgerTransfer.id)
    ).all()


def _trees(session: Session, pledge_id: int) -> Sequence[Tree]:
    bound = select(Tree).join(PledgeTree, PledgeTree.tree_id == Tree.id).where(PledgeTree.pledge_id == pledge_id)
    return session.scalars(bound.order_by(Tree.number)).all()


def _trail(session: Session, things: Sequence[tuple[str, str]]) -> Sequence[Any]:
    """(entry, name of the staff member): what people did to the pledge and what belongs to it, newest first."""
    return session.execute(
        select(AuditEntry, Staff.display_name)
        .outerjoin(Staff, (Staff.id == AuditEntry.actor_id) & (AuditEntry.actor_kind == literal("staff")))
        .where(tuple_(AuditEntry.object_kind, AuditEntry.object_key).in_(things))
        .order_by(AuditEntry.id.desc())
        .limit(AUDIT_LIMIT)
    ).all()
