"""The figures of the workbench: one statement, within the reader's regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Select, cast, false, func, select
from sqlalchemy.orm import Session

from models import (
    Approval,
    ApprovalStatus,
    BaseStatus,
    Certificate,
    CertificateStatus,
    OutboxMessage,
    OutboxStatus,
    PlantingBase,
    Pledge,
    PledgeStatus,
    Tree,
    TreeLife,
)
from wxbackend.console.reads import content, reconciliation
from wxbackend.console.reads.queues import within_mismatches
from wxbackend.console.reads.receipts import count_waiting
from wxbackend.console.reads.refunds import count_stuck
from wxbackend.regions.service import under
from wxbackend.staff.approvals import Approvable, Scopes, may_decide

SHORT_LIST = 6
PERCENT = 100
NOT_IN_THE_GROUND = (TreeLife.PLANNED, TreeLife.PIT_DUG)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was given, what stands, and what waits for somebody. Money is fen."""

    pledge_count: int
    paid_fen: int
    planned_count: int
    planted_count: int
    certificate_count: int
    mismatch_count: int
    refund_count: int
    receipt_count: int
    review_count: int
    recon_count: int
    dead_letter_count: int
    missing_glyph_count: int
    approval_count: int


def read_figures(
    session: Session,
    *,
    prefixes: Sequence[str],
    scopes: Scopes,
    staff_id: int,
    approvable: Mapping[str, Approvable],
) -> Figures:
    """``scopes`` decide the queues: somebody without the permission reads zero."""
    pay, jobs = scopes.get("payments.read", ()), scopes.get("jobs.read", ())
    trees = _trees(prefixes)
    queries: dict[str, Select[int]] = {
        "pledge_count": _paid(prefixes, func.count()),
        "paid_fen": _paid(
            prefixes, cast(func.coalesce(func.sum(Pledge.amount_fen - Pledge.refunded_fen), 0), BigInteger)
        ),
        "planned_count": trees.where(Tree.life.in_(NOT_IN_THE_GROUND)),
        "planted_count": trees.where(Tree.life.not_in(NOT_IN_THE_GROUND)),
        "certificate_count": _certificates(prefixes).where(Certificate.status == CertificateStatus.ISSUED),
        "mismatch_count": within_mismatches(select(func.count()), pay),
        "refund_count": count_stuck(select(func.count()), scopes.get("refunds.read", ())),
        "receipt_count": count_waiting(select(func.count()), scopes.get("receipts.read", ())),
        "review_count": content.count_open(scopes.get("content.review", ())),
        "recon_count": reconciliation.count_open(scopes.get("reconciliation.read", ())),
        "dead_letter_count": _dead_letters(jobs),
        "missing_glyph_count": _missing_glyphs(scopes.get("certificates.read", ())),
        "approval_count": _approvals(scopes, staff_id, approvable),
    }
    columns = [query.scalar_subquery().label(name) for name, query in queries.items()]
    return Figures(**session.execute(select(*columns)).mappings().one())


def _paid(prefixes: Sequence[str], figure: ColumnElement[int]) -> Select[int]:
    """Over pledges that were paid and not wholly paid back."""
    kept = Pledge.paid_at.is_not(None), Pledge.status != PledgeStatus.REFUNDED
    return select(figure).select_from(Pledge).where(*kept, under(Pledge.county_code, prefixes))


def _trees(prefixes: Sequence[str]) -> Select[int]:
    joined = select(func.count()).select_from(Tree).join(PlantingBase, PlantingBase.id == Tree.base_id)
    return joined.where(under(PlantingBase.county_code, prefixes))


def _certificates(prefixes: Sequence[str]) -> Select[int]:
    return select(func.count()).select_from(Certificate).where(under(Certificate.county_code, prefixes))


def _missing_glyphs(prefixes: Sequence[str]) -> Select[int]:
    return _certificates(prefixes).where(Certificate.status == CertificateStatus.APPLIED)


def _dead_letters(prefixes: Sequence[str]) -> Select[int]:
    """Messages belong to no county: whoever looks after the machines anywhere sees them all."""
    dead = OutboxMessage.status == OutboxStatus.DEAD
    return select(func.count()).select_from(OutboxMessage).where(dead if prefixes else false())


def _approvals(scopes: Scopes, staff_id: int, approvable: Mapping[str, Approvable]) -> Select[int]:
    """What waits for this person's word: others' wishes, not their own."""
    return (
        select(func.count())
        .select_from(Approval)
        .where(Approval.status == ApprovalStatus.OPEN, Approval.requested_by != staff_id)
        .where(may_decide(scopes, approvable))
    )


def latest_paid(session: Session, *, prefixes: Sequence[str]) -> Sequence[Pledge]:
    """The newest pledges that were paid."""
    query = select(Pledge).where(Pledge.paid_at.is_not(None), under(Pledge.county_code, prefixes))
    return session.scalars(query.order_by(Pledge.id.desc()).limit(SHORT_LIST)).all()


def fullest_bases(session: Session, *, prefixes: Sequence[str]) -> Sequence[PlantingBase]:
    """Bases that take pledges, nearest to full first."""
    query = select(PlantingBase).where(PlantingBase.status == BaseStatus.ONLINE, PlantingBase.capacity > 0)
    query = query.where(under(PlantingBase.county_code, prefixes))
    share = PlantingBase.sold * PERCENT / PlantingBase.capacity
    return session.scalars(query.order_by(share.desc(), PlantingBase.id).limit(SHORT_LIST)).all()
