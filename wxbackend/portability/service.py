"""The sections of a person's copy that tell of their pledges, payments, trees, points and certificates."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Campaign,
    Certificate,
    InboxMessage,
    MessageConsent,
    PaymentAttempt,
    PlantingBase,
    Pledge,
    PledgeMove,
    PledgeTree,
    PointsDebt,
    PointsRule,
    ReceiptRequest,
    Refund,
    RefundDue,
    RefundMove,
    Species,
    Tree,
)
from wxbackend.identity.exports import Section, Subject, facts, plain
from wxbackend.ledger.rules import resident_green, resident_honour
from wxbackend.ledger.service import Line, statement

PLEDGE_HIDDEN = {"id", "row_key", "resident_id", "base_id", "campaign_id", "points_rule_id"}
PAYMENT_HIDDEN = {"id", "pledge_id", "payer_index", "query_count", "next_query_at"}
DUE_HIDDEN = {"id", "pledge_id", "attempt_id"}
REFUND_HIDDEN = {
    *("id", "pledge_id", "attempt_id", "due_id", "requested_by_id", "decided_by", "settled_by", "try_count"),
    "next_try_at",
}
DEBT_HIDDEN = {"id", "resident_id", "pledge_id", "refund_id"}
RECEIPT_HIDDEN = {"id", "pledge_id", "resident_id", "row_key", "decided_by", "reversed_by"}
CERTIFICATE_HIDDEN = {"id", "pledge_id", "resident_id", "row_key", "name_salt_sealed", "supersedes_id"}
MESSAGE_HIDDEN = {"id", "resident_id", "key"}
ENTRIES_AT_ONCE = 1_000


def pledges(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    moves = _moves(session, whose.resident_id)
    rows = session.execute(
        select(Pledge, PlantingBase.name, Campaign.name)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .where(Pledge.resident_id == whose.resident_id)
        .order_by(Pledge.id)
    )
    return [
        {
            **facts(pledge, safe=whose.safe, hide=PLEDGE_HIDDEN),
            "base": base,
            "campaign": campaign,
            "history": moves[pledge.id],
        }
        for pledge, base, campaign in rows
    ]


def _moves(session: Session, resident_id: int) -> Mapping[int, list[dict[str, Any]]]:
    mine = select(Pledge.id).where(Pledge.resident_id == resident_id)
    found: dict[int, list[dict[str, Any]]] = {pledge_id: [] for pledge_id in session.scalars(mine)}
    for move in session.scalars(select(PledgeMove).where(PledgeMove.pledge_id.in_(mine)).order_by(PledgeMove.id)):
        found[move.pledge_id].append({"to_status": move.to_status, "cause": move.cause, "at": plain(move.at)})
    return found


def payments(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    rows = session.execute(
        select(PaymentAttempt, Pledge.number)
        .join(Pledge, Pledge.id == PaymentAttempt.pledge_id)
        .where(Pledge.resident_id == whose.resident_id)
        .order_by(PaymentAttempt.id)
    )
    return [{"pledge": number, **facts(attempt, safe=whose.safe, hide=PAYMENT_HIDDEN)} for attempt, number in rows]


def refunds_due(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    rows = session.execute(
        select(RefundDue, Pledge.number)
        .join(Pledge, Pledge.id == RefundDue.pledge_id)
        .where(Pledge.resident_id == whose.resident_id)
        .order_by(RefundDue.id)
    )
    return [{"pledge": number, **facts(due, safe=whose.safe, hide=DUE_HIDDEN)} for due, number in rows]


def refunds(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """Every refund with its history. Which clerk decided is not the person's data."""
    query = select(Refund, Pledge.number.label("pledge")).join(Pledge, Pledge.id == Refund.pledge_id)
    rows = session.execute(query.where(Pledge.resident_id == whose.resident_id).order_by(Refund.id)).all()
    moves = _refund_moves(session, whose.resident_id)
    return [
        {
            "pledge": number,
            **facts(refund, safe=whose.safe, hide=REFUND_HIDDEN),
            "history": [move for refund_id, move in moves if refund_id == refund.id],
        }
        for refund, number in rows
    ]


def _refund_moves(session: Session, resident_id: int) -> list[tuple[int, dict[str, Any]]]:
    mine = select(Refund.id).join(Pledge, Pledge.id == Refund.pledge_id).where(Pledge.resident_id == resident_id)
    query = select(RefundMove).where(RefundMove.refund_id.in_(mine)).order_by(RefundMove.id)
    return [
        (move.refund_id, {"to_status": move.to_status, "cause": move.cause, "at": plain(move.at)})
        for move in session.scalars(query)
    ]


def points_debts(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """Points that were spent before their refund."""
    query = select(PointsDebt, Refund.number).join(Refund, Refund.id == PointsDebt.refund_id)
    rows = session.execute(query.where(PointsDebt.resident_id == whose.resident_id).order_by(PointsDebt.id))
    return [{"refund": number, **facts(debt, safe=whose.safe, hide=DEBT_HIDDEN)} for debt, number in rows]


def receipts(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(ReceiptRequest, Pledge.number).join(Pledge, Pledge.id == ReceiptRequest.pledge_id)
    rows = session.execute(query.where(ReceiptRequest.resident_id == whose.resident_id).order_by(ReceiptRequest.id))
    return [{"pledge": number, **facts(row, safe=whose.safe, hide=RECEIPT_HIDDEN)} for row, number in rows]


def trees(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    rows = session.execute(
        select(
            Pledge.number.label("pledge"),
            Tree.number,
            Tree.token,
            Species.name.label("species"),
            Tree.life,
            Tree.planted_on,
            PledgeTree.ended_at,
        )
        .join(PledgeTree, PledgeTree.pledge_id == Pledge.id)
        .join(Tree, Tree.id == PledgeTree.tree_id)
        .join(Species, Species.id == Tree.species_id)
        .where(Pledge.resident_id == whose.resident_id)
        .order_by(Tree.id)
    )
    return [{name: plain(value) for name, value in row.items()} for row in rows.mappings()]


def points(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    """Every entry of both kinds of points, newest first, with the sentence of the rule it came from."""
    mine = select(Pledge.id, Pledge.number).where(Pledge.resident_id == whose.resident_id)
    numbers = dict(session.execute(mine).all())
    sentences = dict(session.execute(select(PointsRule.id, PointsRule.sentence)).all())
    return [
        {
            "at": plain(line.at),
            "unit": line.unit.name.lower(),
            "amount": line.amount,
            "code": line.code,
            "pledge": numbers.get(line.pledge_id) if line.pledge_id else None,
            "rule": sentences.get(line.rule_id) if line.rule_id else None,
            "memo": line.memo,
        }
        for line in entries(session, resident_id=whose.resident_id)
    ]


def entries(session: Session, *, resident_id: int, at_once: int = ENTRIES_AT_ONCE) -> Iterator[Line]:
    """Every line of the resident's statement, newest first, page by page."""
    accounts = resident_green(resident_id), resident_honour(resident_id)
    before_id: int | None = None
    while page := statement(session, accounts=accounts, before_id=before_id, limit=at_once):
        yield from page
        before_id = page[-1].id


def certificates(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(Certificate).where(Certificate.resident_id == whose.resident_id).order_by(Certificate.id)
    return [facts(row, safe=whose.safe, hide=CERTIFICATE_HIDDEN) for row in session.scalars(query)]


def messages(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(InboxMessage).where(InboxMessage.resident_id == whose.resident_id).order_by(InboxMessage.id)
    return [facts(row, safe=whose.safe, hide=MESSAGE_HIDDEN) for row in session.scalars(query)]


def message_consents(session: Session, *, whose: Subject) -> list[dict[str, Any]]:
    query = select(MessageConsent).where(MessageConsent.resident_id == whose.resident_id)
    rows = session.scalars(query.order_by(MessageConsent.kind))
    return [facts(row, safe=whose.safe, hide={"resident_id"}) for row in rows]


SECTIONS = (
    Section("pledges", pledges),
    Section("payments", payments),
    Section("refunds_due", refunds_due),
    Section("refunds", refunds),
    Section("receipts", receipts),
    Section("trees", trees),
    Section("points", points),
    Section("points_debts", points_debts),
    Section("certificates", certificates),
    Section("messages", messages),
    Section("message_consents", message_consents),
)
