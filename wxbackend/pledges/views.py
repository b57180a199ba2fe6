"""Pledges as their owner sees them: the row with its trees, certificates and points, in two statements."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, cast, exists, func, literal, select, type_coerce, union_all
from sqlalchemy.orm import Session, aliased

from models import (
    Certificate,
    CertificateStatus,
    PlantingBase,
    Pledge,
    PledgeStatus,
    PledgeTree,
    PointsRule,
    Refund,
    RefundDue,
    RefundStatus,
    Species,
    Tree,
)
from wxbackend.core.errors import NotFound
from wxbackend.pledges.refund_policy import RefundPolicy, policy_of
from wxbackend.points.rules import Earned, points_for_payment

UNPAID_ENDS = (PledgeStatus.CANCELLED, PledgeStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class TreeLine:
    number: str
    token: str
    species: str
    life: str


@dataclass(frozen=True, slots=True)
class CertificateLine:
    serial: str
    kind: str
    status: str


@dataclass(frozen=True, slots=True)
class RefundLine:
    number: str
    status: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PledgeView:
    """``points`` is what the payment earns or has earned by the rule fixed at pledging, less what refunds took back.

    ``refund_policy`` is what may be asked back; ``refund`` is the newest refund of the pledge's own money.
    ``refund_due_fen`` was paid but could not be taken, and waits to be paid back.
    """

    pledge: Pledge
    base_public_id: str
    points: Earned
    refund_policy: RefundPolicy
    trees: list[TreeLine] = field(default_factory=list)
    certificates: list[CertificateLine] = field(default_factory=list)
    refund_due_fen: int = 0
    refund: RefundLine | None = None


def own_pledges(
    session: Session, *, resident_id: int, before_id: int | None, limit: int, now: datetime
) -> list[PledgeView]:
    """Newest first."""
    query = _query().where(Pledge.resident_id == resident_id).order_by(Pledge.id.desc()).limit(limit)
    return _views(session, query if before_id is None else query.where(Pledge.id < before_id), now=now)


def own_pledge(session: Session, *, resident_id: int, number: str, now: datetime) -> PledgeView:
    """Raises ``NotFound``, for another person's pledge as well."""
    found = _views(session, _query().where(Pledge.number == number, Pledge.resident_id == resident_id), now=now)
    if not found:
        raise NotFound("认种认捐单不存在")
    return found[0]


def _query() -> Select[Pledge, str, datetime | None, PointsRule]:
    return (
        select(Pledge, PlantingBase.public_id, PlantingBase.procured_at, PointsRule)
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .outerjoin(PointsRule, PointsRule.id == Pledge.points_rule_id)
    )


def _views(
    session: Session, query: Select[Pledge, str, datetime | None, PointsRule], *, now: datetime
) -> list[PledgeView]:
    rows = session.execute(query).all()
    lines = _sorted_lines(session, [pledge.id for pledge, *_ in rows])
    return [
        PledgeView(
            pledge,
            base,
            _points(pledge, rule),
            refund_policy(pledge, procured_at=procured_at, now=now),
            lines.trees[pledge.id],
            lines.certificates[pledge.id],
            lines.owed_fen[pledge.id],
            lines.refunds.get(pledge.id),
        )
        for pledge, base, procured_at, rule in rows
    ]


def _points(pledge: Pledge, rule: PointsRule | None) -> Earned:
    if rule is None or pledge.status in UNPAID_ENDS:
        return Earned(green=0, honour=0)
    earned = points_for_payment(rule, reward=pledge.reward, amount_fen=pledge.amount_fen)
    return Earned(green=_kept(earned.green, pledge), honour=_kept(earned.honour, pledge))


def _kept(earned: int, pledge: Pledge) -> int:
    """What refunds left of the points: they take the whole ones of the share that went back."""
    return earned - earned * pledge.refunded_fen // pledge.amount_fen


def refund_policy(pledge: Pledge, *, procured_at: datetime | None, now: datetime) -> RefundPolicy:
    return policy_of(kind=pledge.kind, status=pledge.status, paid_at=pledge.paid_at, procured_at=procured_at, now=now)


@dataclass(frozen=True, slots=True)
class _Lines:
    """What lies below the pledges, by their ids."""

    trees: defaultdict[int, list[TreeLine]]
    certificates: defaultdict[int, list[CertificateLine]]
    owed_fen: defaultdict[int, int]
    refunds: dict[int, RefundLine]


def _sorted_lines(session: Session, ids: Sequence[int]) -> _Lines:
    """Trees, certificates, money owed back and the newest refund of all the pledges at once."""
    lines = _Lines(defaultdict(list), defaultdict(list), defaultdict(int), {})
    for what, pledge_id, *facts in _lines(session, ids) if ids else ():
        match what:
            case "tree":
                lines.trees[pledge_id].append(TreeLine(*facts))
            case "certificate":
                lines.certificates[pledge_id].append(CertificateLine(*facts[:3]))
            case "owed":
                lines.owed_fen[pledge_id] += int(facts[0])
            case "refund":
                lines.refunds[pledge_id] = RefundLine(facts[0], facts[1], int(facts[2]))
    return lines


def _plain(column: Any) -> Any:
    """The text of an enum column: one column of a union holds words of two enums."""
    return type_coerce(column, Text())


def _lines(session: Session, ids: Sequence[int]) -> Sequence[tuple[str, int, str, str, str, str]]:
    bound = (
        select(
            literal("tree").label("what"),
            PledgeTree.pledge_id,
            Tree.number,
            Tree.token,
            Species.name,
            _plain(Tree.life),
        )
        .join(Tree, Tree.id == PledgeTree.tree_id)
        .join(Species, Species.id == Tree.species_id)
        .where(PledgeTree.pledge_id.in_(ids), PledgeTree.ended_at.is_(None))
    )
    issued = select(
        literal("certificate"),
        Certificate.pledge_id,
        Certificate.serial,
        _plain(Certificate.kind),
        _plain(Certificate.status),
        literal(""),
    ).where(Certificate.pledge_id.in_(ids), Certificate.status != CertificateStatus.APPLIED)
    paid_back = Refund.status == RefundStatus.SUCCESS
    owed = select(
        literal("owed"), RefundDue.pledge_id, cast(RefundDue.amount_fen, Text()), literal(""), literal(""), literal("")
    ).where(RefundDue.pledge_id.in_(ids), ~exists().where(Refund.due_id == RefundDue.id, paid_back))
    parts = union_all(bound, issued, owed, _newest_refunds(ids))
    return session.execute(parts.order_by("pledge_id", "number")).all()


def _newest_refunds(ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """Of the pledges' own money; what was in suspense never was a pledge's."""
    other = aliased(Refund)
    newest = select(func.max(other.id)).where(other.pledge_id.in_(ids), other.due_id.is_(None))
    return select(
        literal("refund"),
        Refund.pledge_id,
        Refund.number,
        _plain(Refund.status),
        cast(Refund.amount_fen, Text()),
        literal(""),
    ).where(Refund.id.in_(newest.group_by(other.pledge_id)))
