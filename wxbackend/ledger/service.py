"""Postings: idempotent by key, guarded by the database, in a small fixed number of statements.

The posting path is plain SQL on the session's connection: no unit of work, no savepoint. A refusal (``Insufficient``,
``IdempotencyMismatch``) leaves the transaction unusable: let it reach the end of the block. Post last in a transaction:
it takes the locks that others wait for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from models.ledger import LedgerAccount, LedgerTransfer, Lot, TransferCode, Unit
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict
from wxbackend.core.sql import insert_into
from wxbackend.ledger import lots
from wxbackend.ledger.errors import IdempotencyMismatch, Insufficient, NoSuchTransfer, OverReversed
from wxbackend.ledger.rules import Account, Entry
from wxbackend.ledger.statements import Line, balance, balances, statement

__all__ = [
    "Entry",
    "IdempotencyMismatch",
    "Insufficient",
    "Line",
    "NoSuchTransfer",
    "OverReversed",
    "Posted",
    "amount_of",
    "balance",
    "balances",
    "credited",
    "left_of",
    "lock",
    "post",
    "reverse",
    "spend",
    "statement",
]


#: The refusals of the database that mean something to a caller, by the name of the rule.
REFUSALS: Mapping[str, type[Conflict]] = {
    "ck_ledger_account_no_overdraft": Insufficient,
    "ck_lot_remaining": Insufficient,
    "ledger_transfer_reversed_once": OverReversed,
}


# Built once: composing a statement costs more than SQLite needs to run it.
FIND = select(LedgerAccount.owner, LedgerAccount.unit, LedgerAccount.id).where(
    LedgerAccount.owner.in_(bindparam("owners", expanding=True))
)
RECALL = select(LedgerTransfer.idem, LedgerTransfer.id, LedgerTransfer.req).where(
    LedgerTransfer.idem.in_(bindparam("keys", expanding=True))
)
ADDING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Posted:
    """``created`` is false when the key was booked before, with the same content."""

    key: str
    transfer_id: int
    created: bool


def post(session: Session, *, entries: Sequence[Entry], now: datetime) -> tuple[Posted, ...]:
    """Book ``entries`` in their order, each once. Keys within one call differ.

    Raises ``Insufficient``, ``IdempotencyMismatch``.
    """
    if len({entry.key for entry in entries}) != len(entries):
        raise ValueError("keys of one call must differ")
    if not entries:
        return ()
    accounts = _account_ids(session, entries)
    with _refusals():
        made = _add_transfers(session, entries, accounts, now)
    old = _replayed(session, [entry for entry in entries if entry.key not in made])
    lots.open_lots(session, made=[(made[e.key], e) for e in entries if e.key in made], accounts=accounts)
    for entry in entries:
        if entry.key in made:
            _use_lots(session, entry, made[entry.key], account_id=accounts[entry.debit.name], on=china_date(now))
    return tuple(Posted(entry.key, (made | old)[entry.key], entry.key in made) for entry in entries)


def _use_lots(session: Session, entry: Entry, transfer_id: int, *, account_id: int, on: date) -> None:
    if entry.takes:
        lots.take(
            session, transfer_id=transfer_id, account_id=account_id, amount=entry.amount, purpose=entry.takes, on=on
        )
    if entry.takes_from:
        with _refusals():
            lots.take_from(session, transfer_id=transfer_id, opened_by=entry.takes_from, amount=entry.amount)


def spend(session: Session, *, entry: Entry, purpose: str, now: datetime) -> Posted:
    """Book ``entry`` out of the lots of ``purpose`` that have not expired, the earliest expiry first.

    Raises ``Insufficient``, also when only expired lots are left.
    """
    return post(session, entries=[replace(entry, takes=purpose)], now=now)[0]


def reverse(
    session: Session, *, key: str, of: str, doc: str, now: datetime, amount: int | None = None, memo: str = ""
) -> Posted:
    """Book the mirror of the transfer ``of`` (its key), whole or in part; lots get back what was taken from them.

    Reversing an earning takes from the very lot that it opened. Raises ``NoSuchTransfer``, ``OverReversed``,
    ``Insufficient`` when what was earned is spent already.
    """
    entry = _mirror(session, of=of, key=key, doc=doc, amount=amount, memo=memo)
    posted = post(session, entries=[entry], now=now)[0]
    if posted.created and entry.reverses_id is not None:
        with _refusals():
            lots.undo(session, original_id=entry.reverses_id, reversal_id=posted.transfer_id, amount=entry.amount)
    return posted


def credited(session: Session, *, key: str) -> Account:
    """Where the transfer of that key went. Raises ``NoSuchTransfer``."""
    row = session.scalar(
        select(LedgerAccount)
        .join(LedgerTransfer, LedgerTransfer.credit_id == LedgerAccount.id)
        .where(LedgerTransfer.idem == key)
    )
    if row is None:
        raise NoSuchTransfer(key)
    return _account(row)


def amount_of(session: Session, *, key: str) -> int:
    """The amount of the transfer of that key; 0 if there is none."""
    return session.scalar(select(LedgerTransfer.amount).where(LedgerTransfer.idem == key)) or 0


def lock(session: Session, *, account: Account) -> None:
    """Lock the account's row, as every posting to it does before it touches a lot."""
    row = select(LedgerAccount.id).where(LedgerAccount.owner == account.owner, LedgerAccount.unit == int(account.unit))
    session.execute(row.with_for_update())


def left_of(session: Session, *, key: str, account: Account) -> tuple[int, int]:
    """(what the transfer of ``key`` brought to ``account``, what is left in its lot); zeros if there is none.

    The account is locked: nobody spends from the lot meanwhile.
    """
    lock(session, account=account)
    row = session.execute(
        select(LedgerTransfer.amount, Lot.remaining)
        .outerjoin(Lot, Lot.transfer_id == LedgerTransfer.id)
        .where(LedgerTransfer.idem == key)
    ).one_or_none()
    return (row[0], row[1] or 0) if row else (0, 0)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal of the database into one that callers know; whatever else it refuses is a defect."""
    try:
        yield
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        name = diagnosis.constraint_name if diagnosis else str(error.orig).removeprefix("CHECK constraint failed: ")
        if name not in REFUSALS:
            raise
        raise REFUSALS[name] from error


def _account_ids(session: Session, entries: Iterable[Entry]) -> dict[tuple[str, int], int]:
    """The ids of all accounts of ``entries``; those not seen before are inserted, at zero."""
    wanted = {account.name: account for entry in entries for account in (entry.debit, entry.credit)}
    found = _find_accounts(session, wanted)
    missing = sorted(wanted.keys() - found.keys())  # in one order: two that open the same accounts do not deadlock
    if not missing:
        return found
    rows = [
        {"owner": a.owner, "unit": int(a.unit), "kind": a.kind, "floor": a.floor, "hot": a.hot}
        for a in map(wanted.__getitem__, missing)
    ]
    session.connection().execute(insert_into(session, LedgerAccount.__table__).on_conflict_do_nothing(), rows)
    return found | _find_accounts(session, missing)


def _find_accounts(session: Session, names: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    rows = session.connection().execute(FIND, {"owners": list({owner for owner, _ in names})})
    return {(owner, unit): account_id for owner, unit, account_id in rows}


def _add_transfers(
    session: Session, entries: Sequence[Entry], accounts: Mapping[tuple[str, int], int], now: datetime
) -> dict[str, int]:
    """Insert what is new, in one statement; returns the new ids by key."""
    rows = [
        {
            "idem": entry.key,
            "req": entry.digest,
            "doc": entry.doc,
            "code": entry.code,
            "debit_id": accounts[entry.debit.name],
            "credit_id": accounts[entry.credit.name],
            "amount": entry.amount,
            "reverses_id": entry.reverses_id,
            "rule_id": entry.rule_id,
            "pledge_id": entry.pledge_id,
            "at": now,
            "memo": entry.memo,
        }
        for entry in entries
    ]
    made = session.connection().execute(_adding(session), rows if len(rows) > 1 else rows[0])
    return {key: transfer_id for key, transfer_id in made}  # noqa: C416 -- a Row is no plain tuple to mypy


def _adding(session: Session) -> Any:
    """The INSERT of transfers for the session's dialect, built once."""
    dialect = session.get_bind().dialect.name
    if dialect not in ADDING:
        adding = insert_into(session, LedgerTransfer.__table__).on_conflict_do_nothing(index_elements=["idem"])
        ADDING[dialect] = adding.returning(LedgerTransfer.idem, LedgerTransfer.id)
    return ADDING[dialect]


def _replayed(session: Session, entries: Sequence[Entry]) -> dict[str, int]:
    """The ids of keys that were booked before, or ``IdempotencyMismatch``."""
    if not entries:
        return {}
    rows = session.connection().execute(RECALL, {"keys": [entry.key for entry in entries]})
    old = {key: (transfer_id, bytes(req)) for key, transfer_id, req in rows}
    for entry in entries:
        if old[entry.key][1] != entry.digest:
            raise IdempotencyMismatch(entry.key)
    return {key: transfer_id for key, (transfer_id, _) in old.items()}


def _mirror(session: Session, *, of: str, key: str, doc: str, amount: int | None, memo: str) -> Entry:
    """The entry that undoes the transfer booked under the key ``of``."""
    t, debit, credit = LedgerTransfer, aliased(LedgerAccount), aliased(LedgerAccount)
    query = select(t.id, t.amount, t.pledge_id, t.rule_id, debit, credit)
    query = query.join(debit, debit.id == t.debit_id).join(credit, credit.id == t.credit_id).where(t.idem == of)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NoSuchTransfer(of)
    original_id, whole, pledge_id, rule_id, payer, taker = row
    return Entry(
        key=key,
        debit=_account(taker),
        credit=_account(payer),
        amount=whole if amount is None else amount,
        code=TransferCode.REVERSAL,
        doc=doc,
        pledge_id=pledge_id,
        rule_id=rule_id,
        reverses_id=original_id,
        memo=memo,
    )


def _account(row: LedgerAccount) -> Account:
    return Account(row.owner, Unit(row.unit), row.kind, row.floor, row.hot)
