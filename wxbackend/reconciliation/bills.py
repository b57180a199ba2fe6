"""Bills as WeChat gave them: kept whole or not at all, whoever fetches them how often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from models import Bill, BillLine, BillLineKind, BillStatus
from wxbackend.core.sql import insert_into
from wxbackend.core.wxpay import BillKind, FundBill, FundLine, TradeBill, TradeLine
from wxbackend.reconciliation.rules import about_flow

#: So many lines are written in one transaction: on SQLite everybody waits for it.
LINES_AT_ONCE = 5_000
DONE = (BillStatus.FETCHED, BillStatus.EMPTY)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paper:
    """One bill in the shape of our tables. Without a hash there was no trade on that day."""

    kind: BillKind
    sha1: str | None = None
    in_fen: int = 0
    out_fen: int = 0
    fee_fen: int = 0
    lines: Sequence[Row] = ()


def trade_paper(bill: TradeBill | None) -> Paper:
    if bill is None:
        return Paper(BillKind.TRADE)
    rows = [_trade_row(ordinal, line) for ordinal, line in enumerate(bill.lines, 1)]
    return Paper(BillKind.TRADE, bill.sha1, bill.total_fen, bill.refund_fen, bill.fee_fen, rows)


def fund_paper(bill: FundBill | None) -> Paper:
    if bill is None:
        return Paper(BillKind.FUND)
    rows = [_fund_row(ordinal, line) for ordinal, line in enumerate(bill.lines, 1)]
    return Paper(BillKind.FUND, bill.sha1, bill.income_fen, bill.expense_fen, 0, rows)


def _trade_row(ordinal: int, line: TradeLine) -> Row:
    """A revoked payment has no number of ours: it goes by WeChat's, or by that of its payment."""
    is_refund = line.state in {"REFUND", "REVOKED"} or line.out_refund_no is not None
    refund_number = line.out_refund_no or line.wx_refund_id or line.transaction_id
    return {
        "ordinal": ordinal,
        "kind": BillLineKind.REFUND if is_refund else BillLineKind.PAYMENT,
        "at": line.at,
        "transaction_id": line.transaction_id,
        "out_trade_no": line.out_trade_no,
        "out_refund_no": refund_number if is_refund else None,
        "about": line.state,
        "amount_fen": line.amount_fen,
        "fee_fen": line.fee_fen,
        "balance_fen": None,
    }


def _fund_row(ordinal: int, line: FundLine) -> Row:
    return {
        "ordinal": ordinal,
        "kind": BillLineKind.FLOW,
        "at": line.at,
        "transaction_id": line.business_no,
        "out_trade_no": line.document,
        "out_refund_no": None,
        "about": about_flow(line.business, line.kind),
        "amount_fen": line.amount_fen if line.is_income else -line.amount_fen,
        "fee_fen": 0,
        "balance_fen": line.balance_fen,
    }


def portions(paper: Paper) -> Iterator[Sequence[Row]]:
    """The lines, so many at once."""
    for start in range(0, len(paper.lines), LINES_AT_ONCE):
        yield paper.lines[start : start + LINES_AT_ONCE]


def note_waiting(session: Session, *, mchid: str, on: date, kind: BillKind, reason: str, now: datetime) -> None:
    """It could not be had this time. A copy that is there stays."""
    statement = insert_into(session, Bill).values(
        mchid=mchid, bill_on=on, kind=str(kind), status=BillStatus.WAITING, tried_at=now, last_error=reason
    )
    told = {"tried_at": now, "last_error": reason}
    session.execute(statement.on_conflict_do_update(index_elements=[Bill.mchid, Bill.bill_on, Bill.kind], set_=told))


def begin(session: Session, *, mchid: str, on: date, paper: Paper, now: datetime) -> int | None:
    """Make room for a new copy; ``None`` when the very same is there already.

    Until ``finish`` the bill is waiting, and ``now`` says whose copy it becomes: who begins later takes it over.
    """
    bill = session.scalar(_mine(mchid, on, paper.kind).with_for_update())
    if bill is not None and bill.status in DONE and bill.sha1 == paper.sha1:
        bill.tried_at, bill.last_error = now, None
        return None
    blank: Row = {"status": BillStatus.WAITING, "sha1": None, "line_count": 0, "in_fen": 0, "out_fen": 0, "fee_fen": 0}
    blank |= {"tried_at": now, "last_error": None}
    statement = insert_into(session, Bill).values(mchid=mchid, bill_on=on, kind=str(paper.kind), **blank)
    bill_id: int = session.execute(
        statement.on_conflict_do_update(index_elements=[Bill.mchid, Bill.bill_on, Bill.kind], set_=blank).returning(
            Bill.id
        )
    ).scalar_one()
    session.execute(delete(BillLine).where(BillLine.bill_id == bill_id).execution_options(synchronize_session=False))
    return bill_id


def add_lines(session: Session, *, bill_id: int, lines: Sequence[Row], begun_at: datetime) -> bool:
    """Write a portion; False when somebody else began a new copy meanwhile."""
    mine = select(Bill.id).where(Bill.id == bill_id, *_still(begun_at)).with_for_update()
    if session.scalar(mine) is None:
        return False
    rows = [{"bill_id": bill_id, **line} for line in lines]
    session.connection().execute(insert(BillLine.__table__), rows)  # type: ignore[arg-type]
    return True


def finish(session: Session, *, bill_id: int, paper: Paper, begun_at: datetime) -> None:
    """All lines are written: from now on the bill counts."""
    session.execute(
        update(Bill)
        .where(Bill.id == bill_id, *_still(begun_at))
        .values(
            status=BillStatus.FETCHED if paper.sha1 else BillStatus.EMPTY,
            sha1=paper.sha1,
            line_count=len(paper.lines),
            in_fen=paper.in_fen,
            out_fen=paper.out_fen,
            fee_fen=paper.fee_fen,
            fetched_at=begun_at,
        )
        .execution_options(synchronize_session=False)
    )


def find_bill(session: Session, *, mchid: str, on: date, kind: BillKind) -> Bill | None:
    return session.scalar(_mine(mchid, on, kind))


def is_there(session: Session, *, mchid: str, on: date, kind: BillKind) -> bool:
    """Whether it need not be asked for. That there was no trade may have been said too early."""
    bill = find_bill(session, mchid=mchid, on=on, kind=kind)
    return bill is not None and bill.status is BillStatus.FETCHED


def day_after(session: Session, *, mchid: str, on: date) -> date | None:
    """The next day with flows, which opens where this one closed."""
    later = Bill.mchid == mchid, Bill.bill_on > on, Bill.kind == str(BillKind.FUND), Bill.status == BillStatus.FETCHED
    return session.scalar(select(func.min(Bill.bill_on)).where(*later))


def _mine(mchid: str, on: date, kind: BillKind) -> Select[Bill]:
    return select(Bill).where(Bill.mchid == mchid, Bill.bill_on == on, Bill.kind == str(kind))


def _still(begun_at: datetime) -> tuple[Any, ...]:
    return Bill.status == BillStatus.WAITING, Bill.tried_at == begun_at
