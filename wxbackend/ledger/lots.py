"""Lots: opened by what comes in, used up earliest expiry first, given back by reversals.

On PostgreSQL the lots are locked as they are read, always earliest expiry first; on SQLite the whole write
transaction has the database for itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import func, insert, or_, select, tuple_
from sqlalchemy.orm import Session

from models.ledger import LAST_DAY, LedgerTransfer, Lot, LotUse
from wxbackend.ledger.errors import Insufficient, NoSuchTransfer
from wxbackend.ledger.rules import Entry, Take, take_in_order

PAGE = 100
# Built once, and without RETURNING: one statement however many rows.
OPEN, USE = insert(Lot.__table__), insert(LotUse.__table__)  # type: ignore[arg-type]


def open_lots(session: Session, *, made: Sequence[tuple[int, Entry]], accounts: Mapping[tuple[str, int], int]) -> None:
    """Open the lots of entries just booked, given with their transfer ids, in one statement."""
    rows = [
        {
            "account_id": accounts[entry.credit.name],
            "transfer_id": transfer_id,
            "source": entry.lot.source,
            "purpose": entry.lot.purpose,
            "expires_on": entry.lot.expires_on,
            "amount": entry.amount,
            "remaining": entry.amount,
        }
        for transfer_id, entry in made
        if entry.lot is not None
    ]
    if rows:
        session.connection().execute(OPEN, rows)


def take(session: Session, *, transfer_id: int, account_id: int, amount: int, purpose: str, on: date) -> None:
    """Use up ``amount`` of the account's lots of ``purpose`` that can be spent ``on`` that day, or ``Insufficient``."""
    open_lots = _walk(session, account_id=account_id, purpose=purpose, on=on)
    taken, short = take_in_order(open_lots, amount)
    if short:
        raise Insufficient
    _use(session, transfer_id, taken)


def take_from(session: Session, *, transfer_id: int, opened_by: str, amount: int) -> None:
    """Use up ``amount`` of the one lot that the transfer of the key ``opened_by`` opened, expired or not.

    The database refuses more than is left of it. Raises ``NoSuchTransfer`` if it opened none.
    """
    query = select(Lot.id).join(LedgerTransfer, LedgerTransfer.id == Lot.transfer_id)
    lot_id = session.connection().execute(query.where(LedgerTransfer.idem == opened_by)).scalar()
    if lot_id is None:
        raise NoSuchTransfer(opened_by)
    _use(session, transfer_id, [Take(lot_id, amount)])


def _walk(session: Session, *, account_id: int, purpose: str, on: date) -> Iterator[tuple[int, int]]:
    """``(lot_id, remaining)`` of what can be spent, earliest expiry first, locked, read page by page."""
    query = select(Lot.id, Lot.remaining, LAST_DAY.label("last_day")).where(
        Lot.account_id == account_id,
        Lot.purpose == purpose,
        Lot.remaining > 0,
        LAST_DAY >= on,  # noqa: SIM300
    )
    query = query.order_by(LAST_DAY, Lot.id).limit(PAGE).with_for_update(key_share=True)
    page = session.connection().execute(query).all()
    while page:
        yield from ((lot_id, remaining) for lot_id, remaining, _ in page)
        lot_id, _, last_day = page[-1]
        page = session.connection().execute(query.where(tuple_(LAST_DAY, Lot.id) > (last_day, lot_id))).all()


def undo(session: Session, *, original_id: int, reversal_id: int, amount: int) -> None:
    """Give ``amount`` back to the lots that the original used, the last used first; take it from the lot it opened."""
    opened = session.connection().execute(select(Lot.id).where(Lot.transfer_id == original_id)).scalar()
    taken = [] if opened is None else [Take(opened, amount)]
    returned, _ = take_in_order(_used(session, original_id), amount)
    back = [Take(given.lot_id, -given.amount) for given in reversed(returned)]  # in the order in which others lock
    _use(session, reversal_id, taken + back)


def _used(session: Session, original_id: int) -> Iterable[tuple[int, int]]:
    """``(lot_id, still used)`` of a transfer after its reversals so far, the last to expire first."""
    t, used = LedgerTransfer, func.sum(LotUse.amount)
    query = select(Lot.id, used).join(LotUse, LotUse.lot_id == Lot.id).join(t, t.id == LotUse.transfer_id)
    query = query.where(or_(t.id == original_id, t.reverses_id == original_id), Lot.transfer_id != original_id)
    query = query.group_by(Lot.id, Lot.expires_on).having(used > 0).order_by(LAST_DAY.desc(), Lot.id.desc())
    return [(lot_id, int(amount)) for lot_id, amount in session.connection().execute(query)]


def _use(session: Session, transfer_id: int, taken: Sequence[Take]) -> None:
    if taken:
        rows = [{"transfer_id": transfer_id, "lot_id": part.lot_id, "amount": part.amount} for part in taken]
        session.connection().execute(USE, rows)
