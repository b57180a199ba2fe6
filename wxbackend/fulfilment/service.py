"""T2: bind trees to a paid pledge and issue its certificate. Done twice, it changes nothing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, insert, or_, select, update
from sqlalchemy.orm import Session

from certificates.codes import make_token
from models import Certificate, PlantingBase, Pledge, PledgeKind, PledgeStatus, PledgeTree
from wxbackend.core.dates import china_date
from wxbackend.honours import service as honours
from wxbackend.honours.tools import IssuingTools
from wxbackend.pledges import service as pledges
from wxbackend.pledges.rules import term_end
from wxbackend.trees import service as trees

TOKEN_BYTES = 5
#: The topic of the outbox under which a paid pledge waits to be fulfilled.
FULFIL = "pledge.fulfil"


def fulfil(session: Session, *, number: str, tools: IssuingTools, now: datetime) -> None:
    """Finish what the payment of pledge ``number`` promised; nothing, while it is unpaid or when it is done."""
    pledges.lock_owner(session, number=number)
    pledge = _take(session, number=number)
    if pledge is None:
        pledge = _donation(session, number=number)
        if pledge is None:
            return
    elif pledge.kind is PledgeKind.PLANT:
        _allocate(session, pledge=pledge, tools=tools, now=now)
    else:
        _begin_term(session, pledge=pledge, now=now)
    honours.apply_and_issue(session, pledge_id=pledge.id, tools=tools, now=now)


def left_waiting(session: Session, *, before: datetime, limit: int) -> Sequence[str]:
    """Numbers of pledges paid before then and not fulfilled: no trees, or a donation without its certificate."""
    undone = or_(Pledge.kind != PledgeKind.DONATE, ~exists().where(Certificate.pledge_id == Pledge.id))
    return session.scalars(
        select(Pledge.number)
        .where(Pledge.status == PledgeStatus.FUNDED, Pledge.paid_at < before, undone)
        .order_by(Pledge.id)
        .limit(limit)
    ).all()


def _take(session: Session, *, number: str) -> Pledge | None:
    """FUNDED → ALLOCATED; of two workers one gets it."""
    return session.scalar(
        update(Pledge)
        .where(Pledge.number == number, Pledge.status == PledgeStatus.FUNDED, Pledge.kind != PledgeKind.DONATE)
        .values(status=PledgeStatus.ALLOCATED)
        .returning(Pledge)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _donation(session: Session, *, number: str) -> Pledge | None:
    """A paid donation without a certificate: FUNDED is its end. One that was revoked is not made anew."""
    return session.scalar(
        select(Pledge)
        .where(Pledge.number == number, Pledge.status == PledgeStatus.FUNDED, Pledge.kind == PledgeKind.DONATE)
        .where(~exists().where(Certificate.pledge_id == Pledge.id))
        .with_for_update()  # a refund that is asked for meanwhile waits, or is seen here
    )


def _note(session: Session, pledge: Pledge, frm: PledgeStatus, to: PledgeStatus, now: datetime) -> None:
    pledges.note_move(session, pledge_id=pledge.id, frm=frm, to=to, cause="fulfilment", now=now)


def _allocate(session: Session, *, pledge: Pledge, tools: IssuingTools, now: datetime) -> None:
    """The trees come into being here: numbered, planned, bound to the pledge."""
    base = session.get_one(PlantingBase, pledge.base_id)
    n = pledge.tree_count or 0
    tokens = [
        make_token(int.from_bytes(tools.random_bytes(TOKEN_BYTES)), tools.code_keys, purpose="T") for _ in range(n)
    ]
    made = trees.allocate(session, base=base, n=n, tokens=tokens, now=now)
    session.execute(insert(PledgeTree), [{"pledge_id": pledge.id, "tree_id": tree.id} for tree in made])
    _note(session, pledge, PledgeStatus.FUNDED, PledgeStatus.ALLOCATED, now)


def _begin_term(session: Session, *, pledge: Pledge, now: datetime) -> None:
    """An adopted tree stands already: the term begins on the day of payment."""
    months = session.scalars(select(PlantingBase.term_months).where(PlantingBase.id == pledge.base_id)).one()
    paid_on = china_date(pledge.paid_at or now)
    session.execute(
        update(Pledge)
        .where(Pledge.id == pledge.id, Pledge.status == PledgeStatus.ALLOCATED)
        .values(status=PledgeStatus.ACTIVE, active_until=term_end(paid_on, months))
        .execution_options(synchronize_session=False)
    )
    _note(session, pledge, PledgeStatus.FUNDED, PledgeStatus.ALLOCATED, now)
    _note(session, pledge, PledgeStatus.ALLOCATED, PledgeStatus.ACTIVE, now)
    session.expire(pledge)
