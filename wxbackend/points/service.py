"""Points: which rule holds, what a payment earns, what somebody has and how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Text, cast, func, literal, or_, select, update
from sqlalchemy.orm import Session

from models.ledger import LAST_DAY, LedgerAccount, Lot, TransferCode, Unit
from models.pledge import Pledge, Reward
from models.points import PAID_PLEDGE, PointsRule, default_rules
from models.refund import PointsDebt, Refund
from wxbackend.core.dates import china_date
from wxbackend.core.errors import Conflict
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, LotTerms, green_issue, honour_issue, resident_green, resident_honour
from wxbackend.points.rules import explain, green_expires_on, points_for_payment

#: Where green points of a payment come from, and what green points are for.
FROM_PAYMENT, FOR_STORE = "payment", "store"


class NoPointsRule(Conflict):
    code, title = "no-points-rule", "该县当前没有生效的积分规则"


class RuleOverlap(Conflict):
    code, title = "points-rule-overlap", "积分规则的生效日期与已有规则重叠"


class PointsOwed(Conflict):
    code, title = "points-owed", "退款应扣回的绿色积分尚未补足，暂不能兑换"


def rule_in_force(session: Session, *, county_code: str, on: date) -> PointsRule:
    """The rule about money paid on that day (China): the county's own, else the one for everywhere."""
    rule = session.scalar(
        select(PointsRule)
        .where(
            PointsRule.code == PAID_PLEDGE,
            or_(PointsRule.county_code == county_code, PointsRule.county_code.is_(None)),
            PointsRule.valid_from <= on,
            or_(PointsRule.valid_to.is_(None), PointsRule.valid_to >= on),
        )
        .order_by(PointsRule.county_code.is_(None))
        .limit(1)
    )
    if rule is None:
        raise NoPointsRule(county_code=county_code)
    return rule


def add_rule(session: Session, *, rule: PointsRule) -> PointsRule:
    """Add a rule. Raises ``RuleOverlap`` when another of its code and county holds on one of its days."""
    end = rule.valid_to or date.max
    clash = session.scalar(
        select(PointsRule.id).where(
            PointsRule.code == rule.code,
            func.coalesce(PointsRule.county_code, "") == (rule.county_code or ""),
            PointsRule.valid_from <= end,
            or_(PointsRule.valid_to.is_(None), PointsRule.valid_to >= rule.valid_from),
        )
    )
    if clash is not None:
        raise RuleOverlap
    session.add(rule)
    session.flush()
    return rule


def ensure_rules(session: Session) -> None:
    """Give a new installation the rules it starts with; one that has any keeps its own."""
    if session.scalar(select(PointsRule.id).limit(1)) is None:
        session.add_all(default_rules())


def end_rule(session: Session, *, rule_id: int, on: date) -> None:
    """Make ``on`` the last day of a rule; its content never changes."""
    session.execute(update(PointsRule).where(PointsRule.id == rule_id).values(valid_to=on))


def entries_for_payment(
    rule: PointsRule,
    *,
    resident_id: int,
    county_code: str,
    reward: Reward,
    amount_fen: int,
    transaction_id: str,
    pledge_id: int,
    paid_on: date,
) -> list[Entry]:
    """What a payment earns by ``rule``, the one shown before it; nothing where a part comes to no whole point."""
    earned = points_for_payment(rule, reward=reward, amount_fen=amount_fen)
    doc, lot = f"wxpay:{transaction_id}", LotTerms(FROM_PAYMENT, FOR_STORE, green_expires_on(paid_on))
    green = Entry(
        key=f"{doc}:green",
        debit=green_issue(county_code),
        credit=resident_green(resident_id),
        amount=earned.green,
        code=TransferCode.POINTS_FOR_PAYMENT,
        doc=doc,
        pledge_id=pledge_id,
        rule_id=rule.id,
        lot=lot,
    )
    honour = Entry(
        key=f"{doc}:honour",
        debit=honour_issue(county_code),
        credit=resident_honour(resident_id),
        amount=earned.honour,
        code=TransferCode.POINTS_FOR_PAYMENT,
        doc=doc,
        pledge_id=pledge_id,
        rule_id=rule.id,
    )
    return [entry for entry in (green, honour) if entry.amount]


@dataclass(frozen=True, slots=True)
class Wallet:
    """``green`` is what can be spent today; ``expiring`` of it is lost after ``expires_on``, the nearest last day."""

    green: int
    honour: int
    expires_on: date | None
    expiring: int


def wallet(session: Session, *, resident_id: int, on: date) -> Wallet:
    """What a resident has on that day (China); points past their last day count no more."""
    green = resident_green(resident_id)
    account_id = select(LedgerAccount.id).where(
        LedgerAccount.owner == green.owner, LedgerAccount.unit == int(Unit.GREEN)
    )
    open_lots = session.execute(
        select(Lot.expires_on, func.sum(Lot.remaining))
        .where(Lot.account_id == account_id.scalar_subquery(), Lot.remaining > 0, LAST_DAY >= on)  # noqa: SIM300
        .group_by(Lot.expires_on)
    )
    by_day = {day: int(amount) for day, amount in open_lots}
    nearest = min((day for day in by_day if day is not None), default=None)
    honour = ledger.balances(session, owner=green.owner).get(Unit.HONOUR, 0)
    return Wallet(sum(by_day.values()), honour, nearest, by_day.get(nearest, 0) if nearest else 0)


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of a resident's statement with the sentence that says where it came from."""

    line: ledger.Line
    rule_code: str | None
    rule_version: int | None
    sentence: str


def explained_lines(
    session: Session, *, resident_id: int, before_id: int | None = None, limit: int = 20
) -> Sequence[Explained]:
    """The statement of both kinds of points, newest first, below ``before_id``."""
    accounts = [resident_green(resident_id), resident_honour(resident_id)]
    lines = ledger.statement(session, accounts=accounts, before_id=before_id, limit=limit)
    rules = _rules(session, {line.rule_id for line in lines if line.rule_id is not None})
    return [_explained(line, rules.get(line.rule_id or 0)) for line in lines]


def _rules(session: Session, ids: set[int]) -> Mapping[int, PointsRule]:
    return {rule.id: rule for rule in session.scalars(select(PointsRule).where(PointsRule.id.in_(ids)))} if ids else {}


def _explained(line: ledger.Line, rule: PointsRule | None) -> Explained:
    sentence = explain(line.code, unit=line.unit, amount=line.amount, rule=rule, memo=line.memo)
    return Explained(line, rule.code if rule else None, rule.version if rule else None, sentence)


def refuse_in_debt(session: Session, *, resident_id: int) -> None:
    """Raises ``PointsOwed`` while points that were spent before their refund are not earned back."""
    owed = select(PointsDebt.id).where(PointsDebt.resident_id == resident_id, PointsDebt.remaining > 0)
    if session.scalar(owed.limit(1)) is not None:
        raise PointsOwed


def debt_green(session: Session, *, resident_id: int) -> int:
    """Green points spent before their refund and not made up for yet: redeeming waits for them."""
    owed = select(cast(func.coalesce(func.sum(PointsDebt.remaining), 0), BigInteger))
    return session.scalars(owed.where(PointsDebt.resident_id == resident_id, PointsDebt.remaining > 0)).one()


def settle_debts(session: Session, *, resident_id: int, now: datetime) -> int:
    """Pay what a resident owes with what can be spent today, the oldest debt first; what was paid."""
    ledger.lock(session, account=resident_green(resident_id))  # before the debts, as a refund does
    debts = session.scalars(
        select(PointsDebt)
        .where(PointsDebt.resident_id == resident_id, PointsDebt.remaining > 0)
        .order_by(PointsDebt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    have = wallet(session, resident_id=resident_id, on=china_date(now)).green if debts else 0
    paid = 0
    for debt in debts:
        amount = min(debt.remaining, have - paid)
        if amount:
            _settle(session, debt=debt, amount=amount, now=now)
            paid += amount
    return paid


def _settle(session: Session, *, debt: PointsDebt, amount: int, now: datetime) -> None:
    """Pay part of one debt. What is left of it makes the key: each part is booked once."""
    county_code, number = session.execute(
        select(Pledge.county_code, Refund.number)
        .join(Refund, Refund.pledge_id == Pledge.id)
        .where(Refund.id == debt.refund_id)
    ).one()
    doc = f"refund:{number}"
    entry = Entry(
        key=f"{doc}:debt:{debt.remaining}",
        debit=resident_green(debt.resident_id),
        credit=green_issue(county_code),
        amount=amount,
        code=TransferCode.POINTS_DEBT,
        doc=doc,
        pledge_id=debt.pledge_id,
    )
    debt.remaining -= amount
    session.flush()
    ledger.spend(session, entry=entry, purpose=FOR_STORE, now=now)


def debtors(session: Session, *, on: date, limit: int) -> Sequence[int]:
    """Residents who owe points and have some that count on that day (China), those with the oldest debts first."""
    owner = literal("resident:") + cast(PointsDebt.resident_id, Text())
    mine = (LedgerAccount.owner == owner) & (LedgerAccount.unit == int(Unit.GREEN))
    lot = select(Lot.id).join(LedgerAccount, LedgerAccount.id == Lot.account_id).where(mine).correlate(PointsDebt)
    return session.scalars(
        select(PointsDebt.resident_id)
        .where(PointsDebt.remaining > 0, lot.where(Lot.remaining > 0, LAST_DAY >= on).exists())  # noqa: SIM300
        .group_by(PointsDebt.resident_id)
        .order_by(func.min(PointsDebt.id))
        .limit(limit)
    ).all()
