"""A machine books at random on both engines beside a model in plain Python; both agree after every step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, Executable, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import AccountKind, LedgerAccount, LedgerTransfer, Lot, LotUse, TransferCode, Unit
from tests.ledger.books import NOON
from wxbackend.core.dates import china_date
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Account, Entry, LotTerms

TODAY = china_date(NOON)
EXAMPLES, STEPS = 12, 25
_runs = count()
days = st.sampled_from([None, TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=300)])
amounts = st.integers(1, 60)


@dataclass
class OracleLot:
    key: str
    holder: str
    last_day: date
    amount: int
    uses: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return self.amount - sum(self.uses.values())


@dataclass
class Oracle:
    """The ledger as one would explain it on paper: every number is summed anew from what happened."""

    booked: dict[str, Entry] = field(default_factory=dict)
    lots: list[OracleLot] = field(default_factory=list)

    def balance(self, holder: str) -> int:
        return sum(
            (e.credit.owner == holder) * e.amount - (e.debit.owner == holder) * e.amount for e in self.booked.values()
        )

    def reversed_of(self, key: str) -> int:
        return sum(e.amount for e in self.booked.values() if e.doc == f"reverses {key}")

    def spendable(self, holder: str) -> list[OracleLot]:
        found = [lot for lot in self.lots if lot.holder == holder and lot.left and lot.last_day >= TODAY]
        return sorted(found, key=lambda lot: lot.last_day)  # stable: in the order in which they came

    def spend(self, entry: Entry) -> bool:
        found, due = self.spendable(entry.debit.owner), entry.amount
        if sum(lot.left for lot in found) < due or (self.balance(entry.debit.owner) < due and not entry.debit.hot):
            return False
        for lot in found:
            part = min(lot.left, due)
            if part:
                lot.uses[entry.key] = part
                due -= part
        self.booked[entry.key] = entry
        return True

    def reverse(self, key: str, of: str, amount: int) -> bool:
        original = self.booked[of]
        payer, taker = original.credit, original.debit
        opened = next((lot for lot in self.lots if lot.key == of), None)
        short = not payer.hot and self.balance(payer.owner) < amount
        if self.reversed_of(of) + amount > original.amount or short or (opened and opened.left < amount):
            return False
        if opened:
            opened.uses[key] = amount
        self._give_back(key, of, amount)
        self.booked[key] = Entry(key, payer, taker, amount, TransferCode.REVERSAL, doc=f"reverses {of}")
        return True

    def _give_back(self, key: str, of: str, due: int) -> None:
        earlier = {k for k, e in self.booked.items() if e.doc == f"reverses {of}"}
        used = [lot for lot in self.lots if lot.uses.get(of, 0) > 0 and lot.key != of]
        order = {id(lot): n for n, lot in enumerate(self.lots)}
        for lot in sorted(used, key=lambda lot: (lot.last_day, order[id(lot)]), reverse=True):
            still = lot.uses[of] + sum(lot.uses.get(k, 0) for k in earlier)
            part = min(still, due)
            if part:
                lot.uses[key] = -part
                due -= part


class Books(RuleBasedStateMachine):
    """Every run has accounts of its own in one database; keys carry the number of the run."""

    engine: Engine

    @initialize()
    def open_books(self) -> None:
        run = f"{os.getpid()}.{next(_runs)}"
        self.run, self.oracle, self.keys = run, Oracle(), count()
        self.mint = Account(f"{run}:mint", Unit.GREEN, AccountKind.ISSUE, hot=True)
        self.fund = Account(f"{run}:fund", Unit.GREEN, AccountKind.FUND, hot=True)
        self.people = [Account(f"{run}:{name}", Unit.GREEN, AccountKind.RESIDENT, floor=0) for name in "abc"]
        self.history: dict[int, tuple[object, ...]] = {}

    @property
    def holders(self) -> list[Account]:
        return [self.fund, *self.people]

    def key(self) -> str:
        return f"{self.run}:{next(self.keys)}"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    def book(self, entry: Entry) -> bool:
        with self.transaction() as session:
            return ledger.post(session, entries=[entry], now=NOON)[0].created

    def entry(self, debit: Account, credit: Account, amount: int, lot: LotTerms | None = None) -> Entry:
        key = self.key()
        return Entry(key, debit, credit, amount, TransferCode.POINTS_FOR_PAYMENT, doc=f"doc:{key}", lot=lot)

    @rule(who=st.integers(0, 3), amount=amounts, last_day=days)
    def earn(self, who: int, amount: int, last_day: date | None) -> None:
        entry = self.entry(self.mint, self.holders[who], amount, LotTerms("payment", "store", last_day))
        assert self.book(entry)
        self.oracle.booked[entry.key] = entry
        self.oracle.lots.append(OracleLot(entry.key, entry.credit.owner, last_day or date.max, amount))

    @rule(who=st.integers(0, 3), amount=amounts)
    def spend(self, who: int, amount: int) -> None:
        entry = replace(self.entry(self.holders[who], self.mint, amount), takes="store")
        try:
            assert self.book(entry)
            done = True
        except ledger.Insufficient:
            done = False
        assert done == self.oracle.spend(entry)

    @precondition(lambda self: self.oracle.booked)
    @rule(pick=st.integers(0, 10**6), amount=amounts)
    def reverse(self, pick: int, amount: int) -> None:
        originals = [key for key, e in self.oracle.booked.items() if not e.doc.startswith("reverses")]
        of, key = originals[pick % len(originals)], self.key()
        try:
            with self.transaction() as session:
                ledger.reverse(session, key=key, of=of, doc=f"reverses {of}", amount=amount, now=NOON)
            done = True
        except (ledger.OverReversed, ledger.Insufficient):
            done = False
        assert done == self.oracle.reverse(key, of, amount)

    @precondition(lambda self: self.oracle.booked)
    @rule(pick=st.integers(0, 10**6))
    def replay(self, pick: int) -> None:
        again = [e for e in self.oracle.booked.values() if not e.doc.startswith("reverses")]
        assert not self.book(again[pick % len(again)])

    @precondition(lambda self: self.oracle.booked)
    @rule(pick=st.integers(0, 10**6))
    def reuse_a_key(self, pick: int) -> None:
        again = list(self.oracle.booked.values())
        old = again[pick % len(again)]
        with pytest.raises(ledger.IdempotencyMismatch):
            self.book(replace(old, amount=old.amount + 1))

    @rule(who=st.integers(0, 2), amount=amounts)
    def overdraw(self, who: int, amount: int) -> None:
        """A transfer beyond what is there, in one batch with a good one: nothing of it happens."""
        poor = self.people[who]
        good = self.entry(self.mint, self.people[2], amount)
        beyond = self.entry(poor, self.mint, self.oracle.balance(poor.owner) + amount + amount)
        with pytest.raises(ledger.Insufficient), self.transaction() as session:
            ledger.post(session, entries=[good, beyond], now=NOON)

    @rule(which=st.integers(0, 6), amount=amounts)
    def tamper(self, which: int, amount: int) -> None:
        """Straight SQL against the tables: whatever hits a row of this run is refused."""
        owner = LedgerAccount.owner == self.people[which % 3].owner
        mine = LedgerTransfer.idem.startswith(f"{self.run}:")
        my_transfers = select(LedgerTransfer.id).where(mine)
        deeds: list[Executable] = [
            update(LedgerAccount).where(owner).values(balance=LedgerAccount.balance + amount),
            update(LedgerAccount).where(owner).values(floor=-amount),
            delete(LedgerAccount).where(owner),
            update(LedgerTransfer).where(mine).values(amount=LedgerTransfer.amount + amount),
            delete(LedgerTransfer).where(mine),
            update(Lot).where(Lot.transfer_id.in_(my_transfers)).values(remaining=Lot.remaining + amount),
            delete(LotUse).where(LotUse.transfer_id.in_(my_transfers)),
        ]
        try:
            with self.transaction() as session:
                assert session.execute(deeds[which]).rowcount == 0  # type: ignore[attr-defined]
        except IntegrityError:
            return

    @invariant()
    def balances_agree(self) -> None:
        with Session(self.engine) as session:
            held = {a.owner: ledger.balance(session, account=a) for a in [self.mint, *self.holders]}
        assert held == {owner: self.oracle.balance(owner) for owner in held}
        assert sum(held.values()) == 0
        assert all(held[person.owner] >= 0 for person in self.people)

    @invariant()
    def lots_agree(self) -> None:
        query = select(LedgerTransfer.idem, Lot.remaining).join(Lot, Lot.transfer_id == LedgerTransfer.id)
        with Session(self.engine) as session:
            left = dict(session.execute(query.where(LedgerTransfer.idem.startswith(f"{self.run}:"))).all())
        assert left == {lot.key: lot.left for lot in self.oracle.lots}

    @invariant()
    def lots_are_the_balance(self) -> None:
        """All value here comes and goes in lots."""
        for holder in self.holders:
            left = sum(lot.left for lot in self.oracle.lots if lot.holder == holder.owner)
            assert left == self.oracle.balance(holder.owner)

    @invariant()
    def history_never_changes(self) -> None:
        with Session(self.engine) as session:
            rows = session.execute(
                select(LedgerTransfer.__table__).where(LedgerTransfer.idem.startswith(f"{self.run}:"))
            ).all()
            uses = select(func.coalesce(func.sum(LotUse.amount), 0)).where(LotUse.transfer_id.in_([r.id for r in rows]))
            used = session.scalar(uses)
        now = {row.id: tuple(row) for row in rows}
        assert {key: now[key] for key in self.history} == self.history
        assert len(now) == len(self.oracle.booked)
        assert used == sum(sum(lot.uses.values()) for lot in self.oracle.lots)
        self.history = now


def test_the_books_and_the_model_agree_after_every_step(engine: Engine) -> None:
    machine = type("BooksOnEngine", (Books,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
