"""What a payment books: the money to its fund, or to suspense; and the points."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Campaign, PointsRule, TransferCode
from wxbackend.core.dates import china_date
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.ledger.rules import Entry, LotTerms, fund_account, merchant_account, suspense_account
from wxbackend.pledges.service import Funding
from wxbackend.points import service as points


def to_suspense(paid: PaidTransaction, *, pledge_id: int) -> Entry:
    """The money on its way to suspense; ``entries_of`` sends it to the fund instead."""
    doc = f"wxpay:{paid.transaction_id}"
    return Entry(
        key=f"{doc}:money",
        debit=merchant_account(paid.mchid),
        credit=suspense_account(paid.mchid),
        amount=paid.total_fen,
        code=TransferCode.SUSPENSE,
        doc=doc,
        pledge_id=pledge_id,
    )


def entries_of(session: Session, *, paid: PaidTransaction, funding: Funding) -> list[Entry]:
    """The fund's money, one lot a payment, and the points by the rule shown at pledging."""
    pledge = funding.pledge
    payee_id, rule = session.execute(
        select(Campaign.payee_id, PointsRule)
        .outerjoin(PointsRule, PointsRule.id == pledge.points_rule_id)
        .where(Campaign.id == pledge.campaign_id)
    ).one()
    doc = f"wxpay:{paid.transaction_id}"
    money = Entry(
        key=f"{doc}:money",
        debit=merchant_account(paid.mchid),
        credit=fund_account(payee_id or 0, pledge.campaign_id),
        amount=paid.total_fen,
        code=TransferCode.PAYMENT,
        doc=doc,
        pledge_id=pledge.id,
        lot=LotTerms(source="pledge", purpose=f"campaign:{pledge.campaign_id}"),
    )
    if rule is None:
        return [money]
    return [
        money,
        *points.entries_for_payment(
            rule,
            resident_id=pledge.resident_id,
            county_code=pledge.county_code,
            reward=pledge.reward,
            amount_fen=paid.total_fen,
            transaction_id=paid.transaction_id,
            pledge_id=pledge.id,
            paid_on=china_date(paid.paid_at),
        ),
    ]
