"""What there is to tell, read afresh when it is told: nothing of it travels through the outbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import (
    Campaign,
    Certificate,
    CertificateStatus,
    MessageKind,
    PlantingBase,
    Pledge,
    PledgeTree,
    Refund,
    Species,
    Tree,
)
from wxbackend.core.dates import CHINA, china_date
from wxbackend.honours.rules import KIND_NAMES
from wxbackend.messages.rules import REFUND_SENTENCES, REFUND_TITLES, SETTLED_SENTENCE, Facts, yuan
from wxbackend.pledges.rules import KIND_WORDS
from wxbackend.points import service as points
from wxbackend.trees.rules import LIFE_STATES


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell ``resident_id``; ``key`` tells it from other news of its kind, ``document`` is its number."""

    kind: MessageKind
    key: str
    document: str
    resident_id: int
    facts: Facts


def read_news(session: Session, *, kind: MessageKind, document: str, now: datetime) -> News | None:
    """``None`` when there is nothing to tell any more: a certificate was revoked, points were spent."""
    return READERS[kind](session, document, now)


def _moment(at: datetime | None) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds") if at else ""


def _of_pledge(*columns: Any) -> Select[Any]:
    """``columns`` beside the names of the pledge's base and campaign."""
    query = select(PlantingBase.name.label("base"), Campaign.name.label("campaign"), *columns).select_from(Pledge)
    query = query.join(PlantingBase, PlantingBase.id == Pledge.base_id)
    return query.join(Campaign, Campaign.id == Pledge.campaign_id)


def _paid(session: Session, number: str, now: datetime) -> News | None:  # noqa: ARG001
    row = session.execute(_of_pledge(Pledge).where(Pledge.number == number)).one_or_none()
    if row is None or row.Pledge.paid_at is None:
        return None
    pledge = row.Pledge
    facts = {
        "number": number,
        "base": row.base,
        "campaign": row.campaign,
        "verb": KIND_WORDS[pledge.kind],
        "amount": yuan(pledge.amount_fen),
        "paid_at": _moment(pledge.paid_at),
        "status": "支付成功",
    }
    return News(MessageKind.PAID, number, number, pledge.resident_id, facts)


def _certificate(session: Session, serial: str, now: datetime) -> News | None:  # noqa: ARG001
    query = _of_pledge(Certificate).join(Certificate, Certificate.pledge_id == Pledge.id)
    row = session.execute(query.where(Certificate.serial == serial)).one_or_none()
    if row is None or row.Certificate.status is not CertificateStatus.ISSUED:
        return None
    certificate = row.Certificate
    facts = {
        "serial": serial,
        "base": row.base,
        "campaign": row.campaign,
        "certificate": KIND_NAMES[certificate.kind],
        "issued_on": f"{certificate.issued_on}",
        "status": "已颁发",
    }
    return News(MessageKind.CERTIFICATE_ISSUED, serial, serial, certificate.resident_id, facts)


def _refund(session: Session, number: str, now: datetime) -> News | None:
    """Each end of a refund is news of its own, so its key carries where it stands."""
    query = _of_pledge(Refund, Pledge.number, Pledge.resident_id).join(Refund, Refund.pledge_id == Pledge.id)
    row = session.execute(query.where(Refund.number == number)).one_or_none()
    if row is None or row.Refund.status not in REFUND_TITLES:
        return None
    refund = row.Refund
    facts = {
        "number": number,
        "pledge": row.number,
        "base": row.base,
        "campaign": row.campaign,
        "amount": yuan(refund.amount_fen),
        "status": REFUND_TITLES[refund.status],
        "outcome": REFUND_SENTENCES[refund.status] if refund.settled_by is None else SETTLED_SENTENCE,
        "at": _moment(refund.succeeded_at or now),
    }
    return News(MessageKind.REFUND, f"{number}:{refund.status}", number, row.resident_id, facts)


def _planted(session: Session, number: str, now: datetime) -> News | None:  # noqa: ARG001
    row = session.execute(_of_pledge(Pledge).where(Pledge.number == number)).one_or_none()
    trees = (row.Pledge.tree_count or 0) - row.Pledge.refunded_tree_count if row else 0
    if row is None or trees == 0:
        return None
    facts = {"number": number, "base": row.base, "campaign": row.campaign, "trees": str(trees), "status": "已种植"}
    return News(MessageKind.PLANTED, number, number, row.Pledge.resident_id, facts)


def _tree(session: Session, document: str, now: datetime) -> News | None:  # noqa: ARG001
    """For whoever holds the tree now."""
    query = _of_pledge(Tree, Species.name.label("species"), Pledge.resident_id)
    query = query.join(PledgeTree, (PledgeTree.pledge_id == Pledge.id) & PledgeTree.ended_at.is_(None))
    query = query.join(Tree, Tree.id == PledgeTree.tree_id).join(Species, Species.id == Tree.species_id)
    row = session.execute(query.where(Tree.number == document.partition("@")[0])).one_or_none()
    if row is None:
        return None
    tree = row.Tree
    facts = {
        "tree": tree.number,
        "token": tree.token,
        "base": row.base,
        "species": row.species,
        "status": LIFE_STATES[tree.life].text,
    }
    return News(MessageKind.TREE_NEWS, document, tree.token, row.resident_id, facts)


def _points(session: Session, document: str, now: datetime) -> News | None:
    """What is left of the points that expire next, if that is still the day it was about."""
    resident_id, _, rest = document.partition("@")
    found = points.wallet(session, resident_id=int(resident_id), on=china_date(now))
    if found.expires_on is None or found.expires_on.isoformat() != rest.partition("@")[0]:
        return None
    facts = {"points": str(found.expiring), "expires_on": found.expires_on.isoformat(), "status": "即将到期"}
    return News(MessageKind.POINTS_EXPIRING, document, document, int(resident_id), facts)


READERS: Mapping[MessageKind, Callable[[Session, str, datetime], News | None]] = MappingProxyType(
    {
        MessageKind.PAID: _paid,
        MessageKind.CERTIFICATE_ISSUED: _certificate,
        MessageKind.REFUND: _refund,
        MessageKind.PLANTED: _planted,
        MessageKind.TREE_NEWS: _tree,
        MessageKind.POINTS_EXPIRING: _points,
    }
)
