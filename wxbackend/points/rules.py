"""What a deed is worth in points, and how an entry is told to its owner. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from models.ledger import TransferCode, Unit
from models.pledge import Reward


class Rule(Protocol):
    """What arithmetic and sentences need of a dated rule."""

    @property
    def code(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def fen_per_green(self) -> int | None: ...
    @property
    def fen_per_honour(self) -> int: ...
    @property
    def sentence(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Earned:
    green: int
    honour: int


def points_for_payment(rule: Rule, *, reward: Reward, amount_fen: int) -> Earned:
    """Points for money, whole ones only. Who wants a receipt may gain nothing redeemable: honour only."""
    per_green = rule.fen_per_green if reward is Reward.POINTS else None
    return Earned(green=amount_fen // per_green if per_green else 0, honour=amount_fen // rule.fen_per_honour)


def green_expires_on(earned_on: date) -> date:
    """The last day of green points: 31 December of the year after they were earned."""
    return date(earned_on.year + 1, 12, 31)


UNIT_NAMES = {Unit.GREEN: "绿色积分", Unit.HONOUR: "荣誉值"}
DEEDS = {
    TransferCode.POINTS_FOR_PAYMENT: "认种认捐认养付款",
    TransferCode.SPEND: "兑换",
    TransferCode.REVERSAL: "冲正",
    TransferCode.POINTS_DEBT: "补扣退款前已兑换的积分",
}


def explain(code: TransferCode, *, unit: Unit, amount: int, rule: Rule | None, memo: str) -> str:
    """One Chinese sentence: what happened, how much, by which rule and version."""
    change = f"{UNIT_NAMES[unit]}{amount:+d}"
    by_rule = f"，依据规则{rule.code}第{rule.version}版：{rule.sentence}" if rule else ""
    return f"{DEEDS.get(code, '其他')}，{change}{by_rule}{f'（{memo}）' if memo else ''}。"
