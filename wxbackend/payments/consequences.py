"""What a payment sets going: trees and certificate, a word to the payer, and one to WeChat's settlement."""

from models import MessageKind
from wxbackend.core.news import news
from wxbackend.core.outbox import Work
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.fulfilment.service import FULFIL
from wxbackend.shipping.rules import report_due


def consequences(number: str, paid: PaidTransaction) -> list[Work]:
    """The work that the payment of pledge ``number`` puts into the outbox, all with one statement."""
    return [
        Work(FULFIL, number, {"pledge": number}),
        news(MessageKind.PAID, number),
        report_due(paid.transaction_id),
    ]
