"""Lots: first in, first out by the last day; exact, never from an expired one, given back to where they came from."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from models import Lot, LotUse, Unit
from tests.ledger.books import MINT, NOON, balance, book, entry, purse, reverse, spend, terms
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading
from wxbackend.ledger import lots
from wxbackend.ledger import service as ledger

pytestmark = pytest.mark.usefixtures("app")
ALICE, FUND = purse("alice"), purse("fund", hot=True)
TODAY = china_date(NOON)


def earn(key: str, amount: int, expires_on: date | None = None, *, purpose: str = "store") -> None:
    book(entry(key, MINT, ALICE, amount, lot=terms(expires_on, purpose=purpose)))


def remaining() -> dict[str, int]:
    """What is left of each lot, by the key of the transfer that opened it."""
    with reading() as session:
        rows = session.execute(select(Lot.remaining, Lot.transfer_id).order_by(Lot.id)).all()
        keys = {line.id: line.doc.removeprefix("doc:") for line in ledger.statement(session, accounts=[ALICE, FUND])}
    return {keys[transfer_id]: left for left, transfer_id in rows}


def test_the_lot_that_expires_first_is_spent_first_and_one_without_end_last() -> None:
    earn("never", 10)
    earn("late", 10, date(2027, 12, 31))
    earn("soon", 10, date(2026, 12, 31))
    spend("s", ALICE, 15)
    assert remaining() == {"never": 10, "late": 5, "soon": 0}
    spend("t", ALICE, 10)
    assert remaining() == {"never": 5, "late": 0, "soon": 0}


def test_lots_of_one_day_are_spent_in_the_order_in_which_they_came() -> None:
    earn("first", 10, date(2026, 12, 31))
    earn("second", 10, date(2026, 12, 31))
    spend("s", ALICE, 11)
    assert remaining() == {"first": 0, "second": 9}


def test_a_lot_can_be_spent_on_its_last_day_and_not_after_it() -> None:
    earn("yesterday", 10, TODAY - timedelta(days=1))
    earn("today", 10, TODAY)
    spend("s", ALICE, 10)
    assert remaining() == {"yesterday": 10, "today": 0}
    with pytest.raises(ledger.Insufficient):
        spend("t", ALICE, 1)
    assert balance(ALICE) == 10


def test_a_gift_for_one_purpose_is_not_spent_on_another() -> None:
    earn("trees", 10, purpose="plant")
    earn("care", 5, purpose="care")
    with pytest.raises(ledger.Insufficient):
        spend("s", ALICE, 6, purpose="care")
    spend("s", ALICE, 5, purpose="care")
    assert remaining() == {"trees": 10, "care": 0}


def test_a_hot_fund_without_a_balance_row_is_guarded_by_its_lots() -> None:
    book(entry("gift", MINT, FUND, 10, lot=terms(None)))
    with pytest.raises(ledger.Insufficient):
        spend("s", FUND, 11)
    spend("s", FUND, 10)
    assert balance(FUND) == 0


def test_the_same_spending_again_takes_nothing() -> None:
    earn("a", 10)
    assert spend("s", ALICE, 4).created
    assert not spend("s", ALICE, 4).created
    assert remaining() == {"a": 6}


def test_the_same_key_for_another_purpose_is_refused() -> None:
    earn("a", 10)
    spend("s", ALICE, 4)
    with pytest.raises(ledger.IdempotencyMismatch):
        spend("s", ALICE, 4, purpose="other")


def test_a_spending_over_several_pages_of_lots_takes_them_all() -> None:
    many = 2 * lots.PAGE + 3
    book(*[entry(f"e{n}", MINT, ALICE, 1, lot=terms(TODAY + timedelta(days=n % 7))) for n in range(many)])
    spend("s", ALICE, many - 1)
    with reading() as session:
        left = session.scalars(select(Lot).where(Lot.remaining > 0)).all()
    assert [(lot.remaining, lot.expires_on) for lot in left] == [(1, TODAY + timedelta(days=6))]


def test_a_reversed_spending_goes_back_to_the_very_lots() -> None:
    earn("soon", 10, date(2026, 12, 31))
    earn("late", 10, date(2027, 12, 31))
    spend("s", ALICE, 15)
    reverse("back", "s")
    assert remaining() == {"soon": 10, "late": 10}
    assert balance(ALICE) == 20


def test_a_spending_reversed_in_parts_fills_the_last_used_lot_first() -> None:
    earn("soon", 10, date(2026, 12, 31))
    earn("late", 10, date(2027, 12, 31))
    spend("s", ALICE, 15)
    reverse("back1", "s", 3)
    assert remaining() == {"soon": 0, "late": 8}
    reverse("back2", "s", 4)
    assert remaining() == {"soon": 2, "late": 10}
    reverse("back3", "s", 8)
    assert remaining() == {"soon": 10, "late": 10}


def test_a_reversed_earning_leaves_the_lot_that_it_opened() -> None:
    earn("a", 10, date(2026, 12, 31))
    earn("b", 10, date(2027, 12, 31))
    reverse("back", "b", 4)
    assert remaining() == {"a": 10, "b": 6}
    assert balance(ALICE) == 16


def test_an_earning_whose_lot_is_used_up_cannot_be_reversed_from_another_lot() -> None:
    earn("a", 10, date(2026, 12, 31))
    earn("b", 10, date(2027, 12, 31))
    spend("s", ALICE, 10)
    with pytest.raises(ledger.Insufficient):
        reverse("back", "a")
    assert remaining() == {"a": 0, "b": 10}


def test_uses_of_a_transfer_sum_to_its_amount() -> None:
    for n in range(5):
        earn(f"e{n}", 3, TODAY + timedelta(days=n))
    posted = spend("s", ALICE, 13)
    with reading() as session:
        used = session.scalars(select(LotUse.amount).where(LotUse.transfer_id == posted.transfer_id)).all()
    assert sum(used) == 13
    assert sum(remaining().values()) == balance(ALICE) == 2


def test_honour_has_no_lots() -> None:
    honour, issue = purse("alice", unit=Unit.HONOUR), purse("issue", unit=Unit.HONOUR, hot=True)
    book(entry("h", issue, honour, 90))
    with reading() as session:
        assert session.scalars(select(Lot)).all() == []
