"""Answers about points."""

from datetime import date
from typing import Literal

from models.ledger import Unit
from wxbackend.core.schema import Answer, Moment
from wxbackend.points.service import Explained, Wallet

UNIT_WORDS: dict[Unit, Literal["green", "honour"]] = {Unit.GREEN: "green", Unit.HONOUR: "honour"}


class ExpiringAnswer(Answer):
    """``green`` points can be spent up to and including ``on``."""

    green: int
    on: date


class PointsAnswer(Answer):
    """``green`` (绿色积分) can be spent today; ``honour`` (荣誉值) is never spent.

    ``debt_green`` was spent before its refund: while it is not made up for, nothing can be redeemed.
    """

    green: int
    honour: int
    next_expiry: ExpiringAnswer | None
    debt_green: int

    @classmethod
    def of(cls, wallet: Wallet, *, debt_green: int) -> "PointsAnswer":
        expiry = ExpiringAnswer(green=wallet.expiring, on=wallet.expires_on) if wallet.expires_on else None
        return cls(green=wallet.green, honour=wallet.honour, next_expiry=expiry, debt_green=debt_green)


class PointsEntryAnswer(Answer):
    """One change; ``amount`` is negative where points left."""

    id: str
    at: Moment
    unit: Literal["green", "honour"]
    amount: int
    rule_code: str | None
    rule_version: int | None
    sentence: str

    @classmethod
    def of(cls, entry: Explained) -> "PointsEntryAnswer":
        return cls(
            id=str(entry.line.id),
            at=entry.line.at,
            unit=UNIT_WORDS[entry.line.unit],
            amount=entry.line.amount,
            rule_code=entry.rule_code,
            rule_version=entry.rule_version,
            sentence=entry.sentence,
        )
