"""Ask for a receipt, and what the finance office makes of it. Every move is one guarded statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import RECEIPT_MOVES, Pledge, PledgeStatus, PointsRule, ReceiptRequest, ReceiptStatus
from wxbackend.core.audit import record
from wxbackend.core.caller import Caller
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.errors import Conflict, IllegalMove, InvalidInput, NotFound
from wxbackend.core.sql import insert_into
from wxbackend.core.states import sources
from wxbackend.points.rules import points_for_payment
from wxbackend.receipts.frozen import refuse_disputed, refuse_disputed_request
from wxbackend.receipts.rules import RECEIPT_STATUS_WORDS, RECEIPTABLE, is_receipt_number, is_safe_url, is_uscc
from wxbackend.regions.service import under
from wxbackend.staff.errors import ConfirmationNeeded

#: What stands in a request about its owner: behind the address the finance system shows the whole receipt.
_PERSONAL = ("title_sealed", "uscc", "receipt_url", "note")


class NotPaid(Conflict):
    code, title = "receipt-not-paid", "尚未支付，不能申请捐赠票据"


class BenefitInReturn(Conflict):
    code, title = "benefit-in-return", "该笔已选择绿色积分回馈，按规定不能开具公益事业捐赠票据"


class RefundUnderWay(Conflict):
    code, title = "refund-under-way", "退款处理中，不能申请捐赠票据"


class AllRefunded(Conflict):
    code, title = "all-refunded", "款项已全部退还，不能申请捐赠票据"


class AlreadyAsked(Conflict):
    code, title = "receipt-already-asked", "该笔已申请过捐赠票据"


class NumberTaken(Conflict):
    code, title = "receipt-number-taken", "该票据号码已登记在另一笔申请上"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose receipt it is: a person's or an organisation's name (抬头); ``uscc`` for organisations only."""

    title: str
    uscc: str | None


@dataclass(frozen=True, slots=True)
class Naming:
    """The names a new request needs from the random source."""

    public_id: str
    row_key: str


@dataclass(frozen=True, slots=True)
class OwnReceipt:
    """A request as its owner sees it."""

    request: ReceiptRequest
    pledge_number: str
    title: str | None


def title_place(row_key: str) -> str:
    return place_of("receipt_request", "title_sealed", row_key)


def request_receipt(
    session: Session, *, number: str, wish: Wish, naming: Naming, safe: Vault, caller: Caller, now: datetime
) -> OwnReceipt:
    """Ask for a receipt over the money that is left in ``caller``'s paid pledge.

    Raises ``NotFound``, ``NotPaid``, ``BenefitInReturn``, ``RefundUnderWay``, ``AllRefunded``, ``AlreadyAsked``,
    ``PaymentDisputed``, ``InvalidInput`` for a wrong code.
    """
    if wish.uscc is not None and not is_uscc(wish.uscc):
        raise InvalidInput.at("/body/uscc", "统一社会信用代码有误，请核对 18 位代码")
    pledge, rule = _locked(session, number=number, resident_id=caller.id)
    _require_receiptable(pledge, rule)
    refuse_disputed(session, pledge_id=pledge.id)
    added = session.scalar(
        insert_into(session, ReceiptRequest)
        .values(
            public_id=naming.public_id,
            pledge_id=pledge.id,
            resident_id=caller.id,
            county_code=pledge.county_code,
            row_key=naming.row_key,
            title_sealed=safe.seal(wish.title, place=title_place(naming.row_key)),
            uscc=wish.uscc,
            amount_fen=pledge.amount_fen - pledge.refunded_fen,
            status=ReceiptStatus.REQUESTED,
            requested_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ReceiptRequest)
    )
    if added is None:
        raise AlreadyAsked
    record(session, caller=caller, action="receipt.request", on=("receipt", naming.public_id), now=now)
    return OwnReceipt(added, number, wish.title)


def _locked(session: Session, *, number: str, resident_id: int) -> tuple[Pledge, PointsRule | None]:
    """The pledge, locked: a refund that is asked for meanwhile waits, and then sees the request."""
    row = session.execute(
        select(Pledge, PointsRule)
        .outerjoin(PointsRule, PointsRule.id == Pledge.points_rule_id)
        .where(Pledge.number == number, Pledge.resident_id == resident_id)
        .with_for_update(of=Pledge)
    ).one_or_none()
    if row is None:
        raise NotFound("认种认捐单不存在")
    return row[0], row[1]


def _require_receiptable(pledge: Pledge, rule: PointsRule | None) -> None:
    if pledge.status is PledgeStatus.REFUNDING:
        raise RefundUnderWay
    if pledge.status is PledgeStatus.REFUNDED:
        raise AllRefunded
    if pledge.status not in RECEIPTABLE:
        raise NotPaid
    if earns_benefit(pledge, rule):
        raise BenefitInReturn


def earns_benefit(pledge: Pledge, rule: PointsRule | None) -> bool:
    """Whether the pledge earned, or will earn, points that can be redeemed for goods."""
    return rule is not None and points_for_payment(rule, reward=pledge.reward, amount_fen=pledge.amount_fen).green > 0


def own_receipt(session: Session, *, number: str, resident_id: int, safe: Vault) -> OwnReceipt:
    """The newest request for one's own pledge. Raises ``NotFound``, for another person's as well."""
    found = session.scalar(
        select(ReceiptRequest)
        .join(Pledge, Pledge.id == ReceiptRequest.pledge_id)
        .where(Pledge.number == number, Pledge.resident_id == resident_id)
        .order_by(ReceiptRequest.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound("该笔没有申请过捐赠票据")
    return OwnReceipt(found, number, opened_title(found, safe=safe))


def opened_title(request: ReceiptRequest, *, safe: Vault) -> str | None:
    """The title; ``None`` after the erasure of its owner."""
    return safe.open_optional(request.title_sealed, place=title_place(request.row_key))


def withdraw(session: Session, *, number: str, caller: Caller, safe: Vault, now: datetime) -> OwnReceipt:
    """REQUESTED → WITHDRAWN by its owner. Raises ``NotFound``, ``IllegalMove`` once it was decided."""
    newest = own_receipt(session, number=number, resident_id=caller.id, safe=safe).request
    mine = ReceiptRequest.id == newest.id
    moved = _moved(session, mine, to=ReceiptStatus.WITHDRAWN, values={})
    if moved is None:
        raise _not_from(session, mine)
    record(session, caller=caller, action="receipt.withdraw", on=("receipt", moved.public_id), now=now)
    return OwnReceipt(moved, number, opened_title(moved, safe=safe))


def issue(
    session: Session, *, public_id: str, receipt_number: str, url: str | None, caller: Caller, now: datetime
) -> None:
    """REQUESTED → ISSUED: keep what the finance system answered. Raises ``NumberTaken``, ``InvalidInput``,
    ``PaymentDisputed``; ``IllegalMove``, ``NotFound`` outside the caller's regions, as everything below."""
    if not is_receipt_number(receipt_number):
        raise InvalidInput.at("/receipt_number", "票据号码应为 6 至 40 位数字、大写字母或连字符")
    if url is not None and not is_safe_url(url):
        raise InvalidInput.at("/url", "票据地址应以 https:// 开头")
    refuse_disputed_request(session, public_id=public_id)
    facts = {"receipt_number": receipt_number, "receipt_url": url, "decided_by": caller.id, "decided_at": now}
    try:
        _take(session, public_id=public_id, to=ReceiptStatus.ISSUED, values=facts, caller=caller)
    except IntegrityError as error:
        if "receipt_number" not in str(error.orig):
            raise
        raise NumberTaken from error
    on = ("receipt", public_id)
    record(session, caller=caller, action="receipt.issue", on=on, now=now, receipt_number=receipt_number)


def reject(session: Session, *, public_id: str, reason: str, caller: Caller, now: datetime) -> None:
    """REQUESTED → REJECTED; its owner reads the reason and may ask again."""
    facts = {"note": reason, "decided_by": caller.id, "decided_at": now}
    _take(session, public_id=public_id, to=ReceiptStatus.REJECTED, values=facts, caller=caller)
    record(session, caller=caller, action="receipt.reject", on=("receipt", public_id), now=now, reason=reason)


def reverse(session: Session, *, public_id: str, reason: str, caller: Caller, now: datetime) -> None:
    """ISSUED → RED_REVERSED (红冲), after it was cancelled in the finance system: from then on money may go back.

    Raises ``ConfirmationNeeded`` without a fresh code.
    """
    if not caller.confirmed:
        raise ConfirmationNeeded
    facts = {"note": reason, "reversed_by": caller.id, "reversed_at": now}
    _take(session, public_id=public_id, to=ReceiptStatus.RED_REVERSED, values=facts, caller=caller)
    record(session, caller=caller, action="receipt.reverse", on=("receipt", public_id), now=now, reason=reason)


def _take(session: Session, *, public_id: str, to: ReceiptStatus, values: Mapping[str, Any], caller: Caller) -> None:
    within = (ReceiptRequest.public_id == public_id) & under(ReceiptRequest.county_code, caller.prefixes)
    if _moved(session, within, to=to, values=values) is None:
        raise _not_from(session, within)


def _moved(
    session: Session, which: ColumnElement[bool], *, to: ReceiptStatus, values: Mapping[str, Any]
) -> ReceiptRequest | None:
    return session.scalar(
        update(ReceiptRequest)
        .where(which, ReceiptRequest.status.in_(sources(to, RECEIPT_MOVES)))
        .values(status=to, **values)
        .returning(ReceiptRequest)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _not_from(session: Session, which: ColumnElement[bool]) -> Exception:
    """Why nothing moved."""
    status = session.scalar(select(ReceiptRequest.status).where(which))
    if status is None:
        return NotFound("没有这份票据申请，或不在管辖范围内")
    return IllegalMove(f"该申请{RECEIPT_STATUS_WORDS[status]}，不能进行该操作", current=str(status))


def erase_receipts(session: Session, *, resident_id: int, now: datetime) -> None:  # noqa: ARG001
    """Titles, codes, addresses and words go; a request that nobody decided is withdrawn, an issued one keeps its
    number."""
    theirs = update(ReceiptRequest).where(ReceiptRequest.resident_id == resident_id)
    undecided = theirs.where(ReceiptRequest.status == ReceiptStatus.REQUESTED)
    session.execute(undecided.values(status=ReceiptStatus.WITHDRAWN).execution_options(synchronize_session=False))
    filled = or_(*(getattr(ReceiptRequest, name).is_not(None) for name in _PERSONAL))
    told = theirs.where(filled).values(dict.fromkeys(_PERSONAL))
    session.execute(told.execution_options(synchronize_session=False))


def waiting(session: Session, *, limit: int) -> Sequence[tuple[ReceiptRequest, str]]:
    """Requests that nobody decided, with the numbers of their pledges, oldest first."""
    query = select(ReceiptRequest, Pledge.number).join(Pledge, Pledge.id == ReceiptRequest.pledge_id)
    rows = session.execute(
        query.where(ReceiptRequest.status == ReceiptStatus.REQUESTED).order_by(ReceiptRequest.id).limit(limit)
    )
    return [(request, number) for request, number in rows]
