"""What an account holds and how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from models.ledger import LedgerAccount, LedgerTransfer, TransferCode, Unit
from wxbackend.ledger.rules import Account


def balance(session: Session, *, account: Account) -> int:
    """The balance; that of a hot account is summed over its transfers."""
    account_id = select(LedgerAccount.id).where(_is(account)).scalar_subquery()
    if not account.hot:
        return session.scalar(select(LedgerAccount.balance).where(_is(account))) or 0
    sums = [
        select(func.coalesce(func.sum(LedgerTransfer.amount), 0)).where(side == account_id).scalar_subquery()
        for side in (LedgerTransfer.credit_id, LedgerTransfer.debit_id)
    ]
    return int(session.execute(select(sums[0] - sums[1])).scalar_one())


def balances(session: Session, *, owner: str) -> Mapping[Unit, int]:
    """The materialised balances of one owner, by unit; units without an account are missing."""
    query = select(LedgerAccount.unit, LedgerAccount.balance).where(LedgerAccount.owner == owner)
    return {Unit(unit): amount for unit, amount in session.execute(query)}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement; ``amount`` is signed as the account sees it."""

    id: int
    at: datetime
    unit: Unit
    amount: int
    code: TransferCode
    doc: str
    rule_id: int | None
    pledge_id: int | None
    memo: str


def statement(
    session: Session, *, accounts: Sequence[Account], before_id: int | None = None, limit: int = 20
) -> list[Line]:
    """Transfers of ``accounts``, newest first, below ``before_id``: each branch reads ``limit`` rows of an index."""
    branches = [
        _branch(account, side, before_id=before_id, limit=limit)
        for account in accounts
        for side in (LedgerTransfer.debit_id, LedgerTransfer.credit_id)
    ]
    lines = union_all(*branches).subquery()
    rows = session.execute(select(lines).order_by(lines.c.id.desc()).limit(limit))
    return [Line(**{**row, "unit": Unit(row["unit"])}) for row in rows.mappings()]


def _branch(account: Account, side: Any, *, before_id: int | None, limit: int) -> Any:
    t = LedgerTransfer
    account_id = select(LedgerAccount.id).where(_is(account)).scalar_subquery()
    amount = (t.amount if side is t.credit_id else -t.amount).label("amount")
    unit = literal(int(account.unit)).label("unit")
    query = select(t.id, t.at, unit, amount, t.code, t.doc, t.rule_id, t.pledge_id, t.memo).where(side == account_id)
    if before_id is not None:
        query = query.where(t.id < before_id)
    return select(query.order_by(t.id.desc()).limit(limit).subquery())


def _is(account: Account) -> Any:
    return (LedgerAccount.owner == account.owner) & (LedgerAccount.unit == int(account.unit))
