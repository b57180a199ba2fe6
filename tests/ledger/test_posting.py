"""Posting: once for each key, exact, refused by the database where it must be."""

from dataclasses import replace

import pytest
from sqlalchemy import event, func, select

from models import LedgerAccount, LedgerTransfer, TransferCode, Unit
from tests.ledger.books import MINT, NOON, balance, book, entry, purse, reverse, terms
from wxbackend.core.db import db, reading, transaction
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import (
    fund_account,
    green_issue,
    honour_issue,
    merchant_account,
    resident_green,
    resident_honour,
    suspense_account,
)

pytestmark = pytest.mark.usefixtures("app")
ALICE, BOB = purse("alice"), purse("bob")


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_transfer_moves_its_amount_from_debit_to_credit() -> None:
    book(entry("a", MINT, ALICE, 30), entry("b", ALICE, BOB, 12))
    assert (balance(MINT), balance(ALICE), balance(BOB)) == (-30, 18, 12)


def test_the_balances_of_a_unit_always_sum_to_zero() -> None:
    book(entry("a", MINT, ALICE, 30), entry("b", ALICE, BOB, 12), entry("c", BOB, ALICE, 5))
    assert balance(MINT) + balance(ALICE) + balance(BOB) == 0


def test_an_unknown_account_has_nothing() -> None:
    assert balance(ALICE) == 0
    assert balance(MINT) == 0


def test_the_same_entry_again_changes_nothing_and_names_the_first_transfer() -> None:
    first = book(entry("a", MINT, ALICE, 30))
    again = book(entry("a", MINT, ALICE, 30))
    assert first[0].created
    assert not again[0].created
    assert again[0].transfer_id == first[0].transfer_id
    assert balance(ALICE) == 30


def test_a_batch_of_old_and_new_entries_books_the_new_ones() -> None:
    book(entry("a", MINT, ALICE, 30))
    posted = book(entry("a", MINT, ALICE, 30), entry("b", MINT, ALICE, 1))
    assert [p.created for p in posted] == [False, True]
    assert balance(ALICE) == 31


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 31},
        {"credit": BOB},
        {"debit": BOB},
        {"code": TransferCode.SPEND},
        {"doc": "another"},
        {"memo": "another"},
        {"lot": terms()},
        {"takes": "store"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_same_key_with_another_content_is_refused(changes: dict[str, object]) -> None:
    old = entry("a", MINT, ALICE, 30)
    book(old)
    with pytest.raises(ledger.IdempotencyMismatch):
        book(replace(old, **changes))  # type: ignore[arg-type]
    assert balance(ALICE) == 30
    assert count(LedgerTransfer) == 1


def test_one_call_cannot_name_a_key_twice() -> None:
    with pytest.raises(ValueError, match="keys"):
        book(entry("a", MINT, ALICE, 30), entry("a", MINT, ALICE, 31))


def test_nothing_to_book_is_nothing() -> None:
    assert book() == ()


def test_nothing_is_booked_below_the_floor() -> None:
    book(entry("a", MINT, ALICE, 30))
    with pytest.raises(ledger.Insufficient):
        book(entry("b", ALICE, BOB, 31))
    assert (balance(ALICE), balance(BOB)) == (30, 0)


def test_entries_of_a_batch_take_effect_one_after_the_other() -> None:
    with pytest.raises(ledger.Insufficient):
        book(entry("b", ALICE, BOB, 5), entry("a", MINT, ALICE, 5))
    book(entry("a", MINT, ALICE, 5), entry("b", ALICE, BOB, 5))
    assert balance(BOB) == 5


def test_a_refused_entry_takes_its_whole_batch_along() -> None:
    with pytest.raises(ledger.Insufficient):
        book(entry("a", MINT, ALICE, 5), entry("b", ALICE, BOB, 6))
    assert count(LedgerTransfer) == 0
    assert count(LedgerAccount) == 0


def test_hot_accounts_have_no_balance_row_to_fight_over() -> None:
    book(entry("a", MINT, ALICE, 30))
    with reading() as session:
        row = session.scalars(select(LedgerAccount).where(LedgerAccount.hot)).one()
    assert (row.balance, row.last_id) == (0, 0)


def payment(number: int) -> list[ledger.Entry]:
    """What one payment of a resident books: money, green points, honour."""
    fund, doc = fund_account(1, 2), f"wxpay:{number}"
    return [
        entry(f"{doc}:money", merchant_account("19"), fund, 9000, lot=terms(None, purpose="plant"), doc=doc),
        entry(f"{doc}:green", green_issue("445281"), resident_green(7), 9, lot=terms(), doc=doc),
        entry(f"{doc}:honour", honour_issue("445281"), resident_honour(7), 90, doc=doc),
    ]


def statements_of(entries: list[ledger.Entry]) -> int:
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append(statement)

    with db.engine.connect() as warm:  # the first connection asks the server who it is
        warm.close()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        book(*entries)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_a_payment_is_booked_in_five_statements_the_first_time_and_three_afterwards() -> None:
    assert statements_of(payment(1)) == 5
    assert statements_of(payment(2)) == 3


def test_a_repeated_payment_is_recognised_in_three_statements() -> None:
    book(*payment(1))
    assert statements_of(payment(1)) == 3


def test_a_reversal_is_the_mirror_of_its_transfer() -> None:
    book(entry("a", MINT, ALICE, 30))
    reverse("back", "a")
    assert (balance(MINT), balance(ALICE)) == (0, 0)


def test_reversals_in_parts_never_exceed_the_transfer() -> None:
    book(entry("a", MINT, ALICE, 30), entry("more", MINT, ALICE, 30))
    reverse("back1", "a", 20)
    with pytest.raises(ledger.OverReversed):
        reverse("back2", "a", 11)
    reverse("back2", "a", 10)
    assert balance(ALICE) == 30


def test_a_repeated_reversal_changes_nothing() -> None:
    book(entry("a", MINT, ALICE, 30))
    first = reverse("back", "a")
    again = reverse("back", "a")
    assert (first.created, again.created) == (True, False)
    assert balance(ALICE) == 0


def test_what_is_spent_already_cannot_be_reversed() -> None:
    book(entry("a", MINT, ALICE, 30), entry("b", ALICE, BOB, 1))
    with pytest.raises(ledger.Insufficient):
        reverse("back", "a")


def test_a_transfer_that_does_not_exist_cannot_be_reversed() -> None:
    with pytest.raises(ledger.NoSuchTransfer):
        reverse("back", "nothing")


def test_suspense_never_pays_back_more_than_it_holds() -> None:
    suspense, merchant = suspense_account("19"), merchant_account("19")
    book(entry("late", merchant, suspense, 500))
    with pytest.raises(ledger.Insufficient):
        book(entry("too much", suspense, merchant, 501))
    assert balance(suspense) == 500


def test_two_units_of_one_owner_are_two_accounts() -> None:
    green, honour = resident_green(7), resident_honour(7)
    book(entry("g", green_issue("445281"), green, 3), entry("h", honour_issue("445281"), honour, 30))
    with reading() as session:
        assert ledger.balances(session, owner=green.owner) == {Unit.GREEN: 3, Unit.HONOUR: 30}


def test_pages_of_a_statement_are_the_whole_list_without_gap_or_repeat() -> None:
    for n in range(1, 8):
        book(entry(f"in{n}", MINT, ALICE, 10 * n), entry(f"out{n}", ALICE, BOB, n))
    pages: list[ledger.Line] = []
    with reading() as session:
        whole = ledger.statement(session, accounts=[ALICE], limit=100)
        for _ in range(len(whole)):  # more pages than there can be
            before = pages[-1].id if pages else None
            pages += ledger.statement(session, accounts=[ALICE], before_id=before, limit=3)
    assert pages == whole
    assert sum(line.amount for line in whole) == balance(ALICE)
    assert [line.amount for line in whole[:2]] == [-7, 70]
    assert whole[0].at == NOON


def test_a_lost_block_books_nothing() -> None:
    def break_off() -> None:
        with transaction() as session:
            ledger.post(session, entries=[entry("a", MINT, ALICE, 30)], now=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert count(LedgerTransfer) == 0
