"""Short words for tests of the ledger."""

from dataclasses import replace
from datetime import UTC, date, datetime

from models import AccountKind, TransferCode, Unit
from wxbackend.core.db import reading, transaction
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Account, Entry, LotTerms

NOON = datetime(2026, 3, 12, 4, tzinfo=UTC)
MINT = Account("issue:green:445281000000", Unit.GREEN, AccountKind.ISSUE, hot=True)
NEXT_YEAR = date(2027, 12, 31)


def purse(name: str, *, unit: Unit = Unit.GREEN, hot: bool = False) -> Account:
    """An account that may not go below zero, unless it is hot."""
    return Account(f"resident:{name}", unit, AccountKind.RESIDENT, floor=None if hot else 0, hot=hot)


def entry(key: str, debit: Account, credit: Account, amount: int, **changes: object) -> Entry:
    made = Entry(key, debit, credit, amount, TransferCode.POINTS_FOR_PAYMENT, doc=f"doc:{key}")
    return replace(made, **changes)  # type: ignore[arg-type]


def terms(expires_on: date | None = NEXT_YEAR, *, purpose: str = "store", source: str = "payment") -> LotTerms:
    return LotTerms(source=source, purpose=purpose, expires_on=expires_on)


def book(*entries: Entry) -> tuple[ledger.Posted, ...]:
    with transaction() as session:
        return ledger.post(session, entries=entries, now=NOON)


def spend(key: str, account: Account, amount: int, *, purpose: str = "store") -> ledger.Posted:
    with transaction() as session:
        return ledger.spend(session, entry=entry(key, account, MINT, amount), purpose=purpose, now=NOON)


def reverse(key: str, of: str, amount: int | None = None) -> ledger.Posted:
    with transaction() as session:
        return ledger.reverse(session, key=key, of=of, doc=f"doc:{key}", amount=amount, now=NOON)


def balance(account: Account) -> int:
    with reading() as session:
        return ledger.balance(session, account=account)
