"""Erasure (注销, PIPL art. 47): what names a person is destroyed; what the books need stays, without a name.

Kept are ledger, pledges, payments, trees, and of certificates serial, hash, signature and status: they verify for
ever, and say nothing of the holder. Features that keep personal data add an eraser in the factory.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models import (
    AttemptStatus,
    Certificate,
    CertificateFile,
    IdempotencyKey,
    PaymentAttempt,
    Pledge,
    PledgeStatus,
    Refund,
    RefundStatus,
    Resident,
    ResidentSession,
    ResidentStatus,
)
from wxbackend.core.errors import Conflict, NotSignedIn
from wxbackend.core.outbox import enqueue

DELETE_FILE = "file.delete"
#: Of the account's own row. Without the index nobody finds it by a sign-in.
EMPTY = dict.fromkeys(
    (
        "openid_index",
        "openid_sealed",
        "unionid_sealed",
        "name_sealed",
        "nickname_sealed",
        "phone_sealed",
        "phone_index",
    )
)


class PaymentOpen(Conflict):
    code, title = "payment-open", "有尚未完成的支付，请先完成或取消（未支付的认领 15 分钟后自动失效），再注销账号"


class RefundOpen(Conflict):
    code, title = "refund-unfinished", "有尚未完成的退款，请等退款到账或先撤回申请，再注销账号"


class Eraser(Protocol):
    """Destroys what one feature keeps of a person. Run again, it destroys what came in between."""

    def __call__(self, session: Session, *, resident_id: int, now: datetime) -> None: ...


def erase(session: Session, *, resident_id: int, erasers: Iterable[Eraser], now: datetime) -> None:
    """Raises ``PaymentOpen``, ``RefundOpen``; ``NotSignedIn`` if the account is erased already.

    The row is locked first: whoever is about to write for the person waits on PostgreSQL, so nothing is overlooked.
    """
    _lock(session, resident_id)
    emptied = session.scalar(
        update(Resident)
        .where(Resident.id == resident_id, Resident.status == ResidentStatus.ACTIVE)
        .values(status=ResidentStatus.ERASED, erased_at=now, **EMPTY)
        .returning(Resident.id)
    )
    if emptied is None:
        raise NotSignedIn
    if _owes_a_decision(session, resident_id):
        raise PaymentOpen
    if _waits_for_money(session, resident_id):
        raise RefundOpen
    erase_traces(session, resident_id=resident_id, erasers=erasers, now=now)


def erase_or_begin(session: Session, *, resident_id: int, erasers: Iterable[Eraser], now: datetime) -> bool:
    """Erase; where open money forbids that, take away at once all that names the person. Whether it is finished.

    An account without its openid is one whose erasure was begun (see ``begun``): nobody can sign in to it any more.
    """
    everything = tuple(erasers)
    _lock(session, resident_id)  # outside the savepoint, which would give the lock back with itself
    try:
        with session.begin_nested():
            erase(session, resident_id=resident_id, erasers=everything, now=now)
    except Conflict:
        session.execute(update(Resident).where(Resident.id == resident_id).values(**EMPTY))
        erase_traces(session, resident_id=resident_id, erasers=everything, now=now)
        return False
    return True


def _lock(session: Session, resident_id: int) -> None:
    """Against everybody who only holds the person's key: emptying a row that is empty already would let them by."""
    session.execute(select(Resident.id).where(Resident.id == resident_id).with_for_update())


def begun(session: Session, *, appid: str) -> Sequence[int]:
    """Accounts whose erasure waits for open money, oldest first."""
    waiting = Resident.appid == appid, Resident.openid_index.is_(None), Resident.status == ResidentStatus.ACTIVE
    return session.scalars(select(Resident.id).where(*waiting).order_by(Resident.id)).all()


def erase_traces(session: Session, *, resident_id: int, erasers: Iterable[Eraser], now: datetime) -> None:
    """What requests and jobs wrote about a person who is erased already, or about to be."""
    for eraser in erasers:
        eraser(session, resident_id=resident_id, now=now)


def erased_since(session: Session, *, moment: datetime) -> Sequence[int]:
    query = select(Resident.id).where(Resident.status == ResidentStatus.ERASED, Resident.erased_at >= moment)
    return session.scalars(query.order_by(Resident.id)).all()


def _owes_a_decision(session: Session, resident_id: int) -> bool:
    """Whether money may still come in: a pledge that waits for it, or an order that WeChat has not closed."""
    undecided = PaymentAttempt.status.in_((AttemptStatus.CREATED, AttemptStatus.PREPAY))
    query = (
        select(Pledge.id)
        .outerjoin(PaymentAttempt, PaymentAttempt.pledge_id == Pledge.id)
        .where(Pledge.resident_id == resident_id, or_(Pledge.status == PledgeStatus.PENDING, undecided))
    )
    return session.scalar(query.limit(1)) is not None


def _waits_for_money(session: Session, resident_id: int) -> bool:
    """Whether money is on its way back: somebody may have to ask the person how to pay it."""
    ended = (RefundStatus.SUCCESS, RefundStatus.CLOSED, RefundStatus.REJECTED, RefundStatus.WITHDRAWN)
    query = select(Refund.id).join(Pledge, Pledge.id == Refund.pledge_id)
    mine = query.where(Pledge.resident_id == resident_id, Refund.status.not_in(ended))
    return session.scalar(mine.limit(1)) is not None


def erase_sessions(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    session.execute(delete(ResidentSession).where(ResidentSession.resident_id == resident_id))


def erase_kept_answers(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    scope = IdempotencyKey.scope.startswith(f"resident:{resident_id} ", autoescape=True)
    session.execute(delete(IdempotencyKey).where(scope))


def erase_pledges(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    """The name to be printed, the dedication (寄语), which may name anybody, and the occasion, which is theirs."""
    given = (Pledge.holder_name_sealed, Pledge.dedication, Pledge.occasion)
    session.execute(
        update(Pledge)
        .where(Pledge.resident_id == resident_id, or_(*(column.is_not(None) for column in given)))
        .values(holder_name_sealed=None, dedication=None, dedication_status=None, occasion=None)
    )


def erase_certificates(session: Session, *, resident_id: int, now: datetime) -> None:
    """Name and salt; the list of characters that could not be drawn, for they are the name's; and the files."""
    session.execute(
        update(Certificate)
        .where(Certificate.resident_id == resident_id)
        .values(holder_name_sealed=None, name_salt_sealed=None, missing_glyphs=None)
    )
    theirs = select(Certificate.id).where(Certificate.resident_id == resident_id)
    forgotten = delete(CertificateFile).where(CertificateFile.certificate_id.in_(theirs))
    for key in session.scalars(forgotten.returning(CertificateFile.storage_key)).all():
        delete_file_later(session, key=key, now=now)


def delete_file_later(session: Session, *, key: str, now: datetime) -> None:
    """Delete a stored file once this transaction stands. The moment tells a file from a later one under its key."""
    enqueue(session, topic=DELETE_FILE, key=f"{key} {now:%Y%m%d%H%M%S%f}", payload={"key": key}, now=now)


ERASERS: tuple[Eraser, ...] = (erase_sessions, erase_kept_answers, erase_pledges, erase_certificates)
