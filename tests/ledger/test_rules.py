"""Splitting and taking in order, as arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from wxbackend.ledger.rules import (
    fund_account,
    green_issue,
    honour_issue,
    merchant_account,
    resident_green,
    resident_honour,
    split_fen,
    suspense_account,
    take_in_order,
)

weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any)


@given(total_fen=st.integers(0, 10**12), weights=weights)
def test_a_split_always_sums_to_the_whole(total_fen: int, weights: list[int]) -> None:
    assert sum(split_fen(total_fen, weights)) == total_fen


@given(total_fen=st.integers(0, 10**12), weights=weights)
def test_each_share_is_less_than_one_fen_from_its_exact_part(total_fen: int, weights: list[int]) -> None:
    whole = sum(weights)
    for share, weight in zip(split_fen(total_fen, weights), weights, strict=True):
        assert abs(share * whole - total_fen * weight) < whole


@given(total_fen=st.integers(0, 10**12), weights=weights)
def test_who_has_no_weight_gets_nothing_and_equal_weights_differ_by_a_fen_at_most(
    total_fen: int, weights: list[int]
) -> None:
    shares = split_fen(total_fen, weights)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)
    equal = split_fen(total_fen, [1] * len(weights))
    assert max(equal) - min(equal) <= 1


def test_ten_yuan_by_three_loses_no_fen() -> None:
    assert split_fen(1000, [1, 1, 1]) == [334, 333, 333]


lots = st.lists(st.integers(1, 1000), max_size=30).map(lambda sizes: list(enumerate(sizes)))


@given(lots=lots, amount=st.integers(0, 20_000))
def test_what_is_taken_and_what_is_short_sum_to_what_was_asked(lots: list[tuple[int, int]], amount: int) -> None:
    taken, short = take_in_order(lots, amount)
    assert sum(part.amount for part in taken) + short == amount
    assert short == max(0, amount - sum(size for _, size in lots))


@given(lots=lots, amount=st.integers(0, 20_000))
def test_a_lot_is_begun_only_when_all_before_it_are_used_up(lots: list[tuple[int, int]], amount: int) -> None:
    taken, _ = take_in_order(lots, amount)
    assert [part.lot_id for part in taken] == [lot_id for lot_id, _ in lots[: len(taken)]]
    assert all(part.amount == lots[i][1] for i, part in enumerate(taken[:-1]))
    assert all(0 < part.amount <= lots[i][1] for i, part in enumerate(taken))


def test_every_account_has_a_name_of_its_own() -> None:
    accounts = [
        merchant_account("1"),
        suspense_account("1"),
        fund_account(1, 1),
        fund_account(11, 1),
        fund_account(1, 11),
        green_issue("445281"),
        honour_issue("445281"),
        resident_green(1),
        resident_honour(1),
    ]
    assert len({account.name for account in accounts}) == len(accounts)


def test_nobody_who_holds_value_may_fall_below_zero() -> None:
    assert [a.floor for a in (suspense_account("1"), resident_green(1), resident_honour(1))] == [0, 0, 0]


def test_no_hot_account_has_a_floor() -> None:
    hot = (merchant_account("1"), fund_account(1, 1), green_issue("1"), honour_issue("1"))
    assert all(account.hot and account.floor is None for account in hot)
