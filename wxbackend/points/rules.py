"""What a deed is worth in points. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from models.pledge import Reward


class EarningRule(Protocol):
    """The part of a dated rule that arithmetic needs."""

    @property
    def fen_per_green(self) -> int | None: ...

    @property
    def fen_per_honour(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Earned:
    green: int
    honour: int


def points_for_payment(rule: EarningRule, *, reward: Reward, amount_fen: int) -> Earned:
    """Points for money: whole ones only. Who wants a receipt may gain nothing redeemable, only honour."""
    redeemable = reward is Reward.POINTS and rule.fen_per_green is not None
    green = amount_fen // rule.fen_per_green if redeemable and rule.fen_per_green else 0
    return Earned(green=green, honour=amount_fen // rule.fen_per_honour)


def green_expires_on(earned_on: date) -> date:
    """Green points of a year can be spent until 31 December of the next."""
    return date(earned_on.year + 1, 12, 31)
