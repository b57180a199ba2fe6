"""What money is worth in points, as arithmetic."""

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Reward, TransferCode, Unit
from wxbackend.points.rules import Earned, explain, green_expires_on, points_for_payment


@dataclass(frozen=True)
class Dated:
    code: str = "P02"
    version: int = 3
    fen_per_green: int | None = 1000
    fen_per_honour: int = 100
    sentence: str = "每满10元得1绿色积分，每满1元得1荣誉值"


@pytest.mark.parametrize(
    ("amount_fen", "green", "honour"),
    [(99, 0, 0), (100, 0, 1), (999, 0, 9), (1000, 1, 10), (15_050, 15, 150)],
)
def test_only_whole_points_are_earned(amount_fen: int, green: int, honour: int) -> None:
    assert points_for_payment(Dated(), reward=Reward.POINTS, amount_fen=amount_fen) == Earned(green, honour)


@given(amount_fen=st.integers(0, 10**10))
def test_who_takes_a_receipt_gains_honour_only(amount_fen: int) -> None:
    earned = points_for_payment(Dated(), reward=Reward.RECEIPT, amount_fen=amount_fen)
    assert earned == Earned(green=0, honour=amount_fen // 100)


def test_a_county_without_points_for_money_gives_honour_only() -> None:
    earned = points_for_payment(Dated(fen_per_green=None), reward=Reward.POINTS, amount_fen=15_000)
    assert earned == Earned(green=0, honour=150)


@pytest.mark.parametrize("earned_on", [date(2026, 1, 1), date(2026, 12, 31)])
def test_green_points_last_until_the_end_of_the_next_year(earned_on: date) -> None:
    assert green_expires_on(earned_on) == date(2027, 12, 31)


def test_an_entry_is_told_with_its_rule_and_version() -> None:
    told = explain(TransferCode.POINTS_FOR_PAYMENT, unit=Unit.GREEN, amount=15, rule=Dated(), memo="")
    assert told == "认种认捐认养付款，绿色积分+15，依据规则P02第3版：每满10元得1绿色积分，每满1元得1荣誉值。"


def test_an_entry_without_a_rule_is_told_with_its_memo() -> None:
    told = explain(TransferCode.REVERSAL, unit=Unit.HONOUR, amount=-5, rule=None, memo="退款")
    assert told == "冲正，荣誉值-5（退款）。"


OF_MONEY = {TransferCode.PAYMENT, TransferCode.SUSPENSE, TransferCode.REFUND_HOLD, TransferCode.REFUND}


@pytest.mark.parametrize("code", TransferCode)
def test_every_code_that_moves_points_is_told(code: TransferCode) -> None:
    told = explain(code, unit=Unit.GREEN, amount=1, rule=None, memo="")
    assert told.startswith("其他") == (code in OF_MONEY)
