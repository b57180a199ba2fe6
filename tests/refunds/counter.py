"""The steps of a refund, one call each: what the owner does, what staff do, what the desk does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import func, select

from models import (
    LedgerAccount,
    LedgerTransfer,
    PaymentAttempt,
    Pledge,
    Refund,
    RefundReason,
    Staff,
    TransferCode,
)
from tests.payments.walk import Walk
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports
from wxbackend.core.wxpay import Refunded, RefundState
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, green_issue, resident_green
from wxbackend.points import service as points
from wxbackend.refunds import service
from wxbackend.refunds.desk import Desk, desk
from wxbackend.refunds.rules import RefundWish, refund_number
from wxbackend.refunds.service import Asker

COUNTY_PREFIX = "445281"
MIND = RefundReason.CHANGE_OF_MIND


@dataclass
class Counter:
    """Where refunds are asked for and decided. ``clerk`` and ``chief`` are two people of the finance office."""

    walk: Walk
    staff: dict[str, Caller] = field(default_factory=dict)
    turn: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def __post_init__(self) -> None:
        with transaction() as session:
            for name in ("clerk", "chief"):
                row = Staff(row_key=name, username=name, display_name=name, created_at=self.now, totp_last_step=0)
                session.add(row)
                session.flush()
                self.staff[name] = Caller(
                    kind="staff", id=row.id, session_id=1, prefixes=(COUNTY_PREFIX,), confirmed=True
                )

    @property
    def now(self):  # type: ignore[no-untyped-def]
        return self.walk.clock()

    @property
    def clerk(self) -> Caller:
        return self.staff["clerk"]

    @property
    def chief(self) -> Caller:
        return self.staff["chief"]

    @property
    def desk(self) -> Desk:
        return desk()

    def pledge(self, number: str) -> Pledge:
        with reading() as session:
            return session.scalars(select(Pledge).where(Pledge.number == number)).one()

    def owner(self, number: str) -> Asker:
        return Asker("resident", self.pledge(number).resident_id)

    def office(self) -> Asker:
        return Asker("staff", self.clerk.id, self.clerk.prefixes)

    def ask(
        self, number: str, *, trees: int | None = None, reason: RefundReason = MIND, by: Asker | None = None
    ) -> str:
        """Ask for a refund, as the owner unless ``by`` says who; its number."""
        name = refund_number(self.now, self.turn().to_bytes(7))
        with transaction() as session:
            refund = service.request_refund(
                session,
                pledge_number=number,
                wish=RefundWish(reason, trees),
                by=by or self.owner_of(session, number),
                number=name,
                now=self.now,
            )
        return refund.number

    def owner_of(self, session, number: str) -> Asker:  # type: ignore[no-untyped-def]
        owner = session.scalars(select(Pledge.resident_id).where(Pledge.number == number)).one()
        return Asker("resident", owner)

    def decide(self, refund: str, *, approve: bool = True, by: Caller | None = None) -> None:
        with transaction() as session:
            service.decide(
                session, number=refund, approve=approve, note="核对无误", caller=by or self.chief, now=self.now
            )

    def approved(self, number: str, *, trees: int | None = None, reason: RefundReason = MIND) -> str:
        refund = self.ask(number, trees=trees, reason=reason)
        self.decide(refund)
        return refund

    def accepted(self, number: str, *, trees: int | None = None, reason: RefundReason = MIND) -> str:
        refund = self.approved(number, trees=trees, reason=reason)
        self.desk.submit(refund)
        return refund

    def refunded(self, number: str, *, trees: int | None = None, reason: RefundReason = MIND) -> str:
        """Asked, approved, taken by WeChat and paid; told by a notice."""
        refund = self.accepted(number, trees=trees, reason=reason)
        self.tell(refund, RefundState.SUCCESS)
        return refund

    def outcome(self, refund: str, state: RefundState) -> Refunded:
        """WeChat makes up its mind; nobody is told."""
        return self.walk.pay.refund_outcome(refund, state)

    def tell(self, refund: str, state: RefundState, *, notice_id: str | None = None) -> None:
        body = self.walk.pay.refund_notice_of(self.outcome(refund, state), notice_id=notice_id)
        answer = self.walk.notify(body, about="refund")
        assert answer.status_code == 204, answer.text

    def settle_offline(self, refund: str, *, by: Caller | None = None) -> None:
        """Said by whoever did not decide."""
        self.desk.settle(refund, note="已银行转账", caller=by or self.clerk)

    def seen(self, refund: str) -> Refund:
        with reading() as session:
            return session.scalars(select(Refund).where(Refund.number == refund)).one()

    def status(self, refund: str) -> str:
        return str(self.seen(refund).status)

    def taken_fen(self, number: str) -> int:
        """What open and finished refunds took of the payments of a pledge."""
        with reading() as session:
            pledge = select(Pledge.id).where(Pledge.number == number).scalar_subquery()
            return session.scalars(
                select(func.sum(PaymentAttempt.refund_fen)).where(PaymentAttempt.pledge_id == pledge)
            ).one()

    def balance(self, owner: str, unit: int = 1) -> int:
        with reading() as session:
            one = select(LedgerAccount.balance).where(LedgerAccount.owner == owner, LedgerAccount.unit == unit)
            return session.scalar(one) or 0

    def refunding(self) -> int:
        return self.balance("refunding:1900000109")

    def green(self, number: str) -> int:
        return self.balance(f"resident:{self.pledge(number).resident_id}", 2)

    def honour(self, number: str) -> int:
        return self.balance(f"resident:{self.pledge(number).resident_id}", 3)

    def spend(self, number: str, amount: int) -> None:
        """The owner of the pledge redeems points."""
        owner, key = self.pledge(number).resident_id, f"spend:{self.turn()}"
        entry = Entry(key, resident_green(owner), green_issue("445281000000"), amount, TransferCode.SPEND, key)
        with transaction() as session:
            points.refuse_in_debt(session, resident_id=owner)
            ledger.spend(session, entry=entry, purpose="store", now=self.now)

    def transfers(self, *codes: TransferCode) -> Sequence[LedgerTransfer]:
        return [one for one in self.walk.all(LedgerTransfer) if one.code in codes]

    def work(self) -> None:
        """The worker's round, without the clock."""
        ports()
        self.walk.drain()
