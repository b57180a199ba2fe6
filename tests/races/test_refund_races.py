"""Refunds at once, in real processes: exact counts, whoever wins."""

from collections import Counter as Count

import pytest

from models import LedgerTransfer, PaymentAttempt, Refund, RefundReason, TransferCode
from tests.races.acting import Act, act
from tests.races.conftest import PROCESSES
from tests.races.runner import PATIENCE_S
from tests.refunds.counter import Counter
from wxbackend.core.wxpay import RefundState


@pytest.fixture
def counter(walk):
    walk.make.regions()
    return Counter(walk)


@pytest.fixture
def rush(racers, database_url):
    """Deal the acts out to the processes; what came of them, counted."""

    def go(acts):
        dealt = [racers.submit(act, f"racer{n}", database_url, acts[n::PROCESSES]) for n in range(PROCESSES)]
        return Count(done for future in dealt for done in future.result(PATIENCE_S * 2))

    return go


@pytest.fixture
def number(walk):
    """Two trees at ¥50, paid, numbered and certified."""
    me = walk.make.resident()
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.fulfilled(number, me)
    return number


def test_the_last_fen_is_asked_back_once(walk, counter, number, rush, assert_clean):
    by = counter.owner(number)
    wishes = [{"pledge": number, "number": f"R26031200000000{n:02d}", "trees": None, "by": by} for n in range(8)]
    got = rush([Act("ask", wish) for wish in wishes])
    assert got == {"asked": 1, "refund-open": 7}
    assert (len(walk.all(Refund)), walk.all(PaymentAttempt)[0].refund_fen) == (1, 10_000)
    assert_clean()


def test_one_of_eight_decisions_counts(walk, counter, number, rush, assert_clean):
    refund = counter.ask(number, reason=RefundReason.MISTAKE)
    owner = counter.owner(number).id
    acts = [Act("decide", {"number": refund, "approve": n % 2 == 0, "caller": counter.chief}) for n in range(7)]
    got = rush([*acts, Act("withdraw", {"number": refund, "resident_id": owner})])
    assert got["refund-decided"] == 7
    assert got["approved"] + got["rejected"] + got["withdrawn"] == 1
    holds = [t for t in walk.all(LedgerTransfer) if t.code == TransferCode.REFUND_HOLD]
    assert len(holds) == got["approved"]
    assert_clean()


def test_notices_and_queries_of_one_refund_book_it_once(walk, counter, number, rush, assert_clean):
    refund = counter.accepted(number, trees=1)
    told = counter.outcome(refund, RefundState.SUCCESS)
    got = rush([Act("notice" if n % 2 else "take", {"refunded": told}) for n in range(12)])
    assert got == {"answered 204": 6, "moved": got["moved"], "repeated": 6 - got["moved"]}
    assert [t.amount for t in walk.all(LedgerTransfer) if t.code == TransferCode.REFUND] == [5_000]
    assert (counter.green(number), counter.pledge(number).refunded_tree_count) == (5, 1)
    walk.drain()
    assert_clean()


def test_refund_and_fulfilment_at_once_end_in_one_of_the_two(walk, counter, rush, assert_clean):
    """Frozen first, no trees come into being; numbered first, they are there to be taken back."""
    me, base = walk.make.resident(), walk.make.base()
    numbers = [walk.open(base, me, tree_count=2) for _ in range(4)]
    for number in numbers:
        walk.pay_for(number, me)
    by = counter.office()
    asks = [
        Act("ask", {"pledge": number, "number": f"R26031211111111{n:02d}", "trees": None, "by": by})
        for n, number in enumerate(numbers)
    ]
    got = rush(
        [one for pair in zip(asks, [Act("fulfil", {"pledge": n}) for n in numbers], strict=True) for one in pair]
    )
    assert got == {"asked": 4, "fulfilled": 4}
    assert {walk.status(number) for number in numbers} == {"refunding"}
    for refund in walk.all(Refund):
        counter.decide(refund.number)
    walk.drain()
    for refund in walk.all(Refund):
        counter.tell(refund.number, RefundState.SUCCESS)
    walk.drain()
    assert {walk.status(number) for number in numbers} == {"refunded"}
    assert walk.stock(base) == (0, 0, "online")
    assert_clean()
