"""The healthy county's bills: one difference that went away, one that staff explained, one payment sent back."""

from sqlalchemy import select

from models import AttemptStatus, PaymentAttempt, PaymentMismatch, ReconItem, ReconStatus
from tests.fakes import MCHID, Clock, FakePay
from tests.reconciliation.paper import flow, fund_bill, payment, trade_bill
from wxbackend.core.caller import Caller
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.payments import mismatches
from wxbackend.reconciliation import service
from wxbackend.reconciliation.bookkeeper import bookkeeper

PREFIXES = ("445281",)
FINANCE = Caller(kind="staff", id=1, session_id=1, prefixes=PREFIXES)


def compare(pay: FakePay, clock: Clock) -> None:
    """A first copy of the bill that lacks a payment, a second one that has it, and a stranger on both."""
    with reading() as session:
        paid = session.scalars(
            select(PaymentAttempt).where(PaymentAttempt.status == AttemptStatus.SUCCESS).order_by(PaymentAttempt.id)
        ).all()
    lines = [payment(str(row.transaction_id), row.out_trade_no, row.amount_fen) for row in paid]
    lines += [payment("4200999", "SHOP-0001", 880)]
    on = china_date(clock())
    pay.fund_bills[MCHID, on] = fund_bill(flow("充值", 500), flow("提现", -40))
    for sha1, shown in (("a", lines[1:]), ("c", lines)):
        pay.trade_bills[MCHID, on] = trade_bill(*shown, sha1=sha1 * 40)
        bookkeeper().reconcile(mchid=MCHID, on=on, again=True)
    with transaction() as session:
        stranger = session.scalars(select(ReconItem).where(ReconItem.key == "4200999")).one()
        service.resolve_item(session, item_id=stranger.id, caller=FINANCE, note="旧店订单", now=clock())
    with reading() as session:
        gone = session.scalars(select(ReconItem.key).where(ReconItem.status == ReconStatus.MATCHED)).all()
    assert gone == [paid[0].transaction_id]


def send_back(pay: FakePay, clock: Clock, out_trade_no: str) -> None:
    """Staff send a payment back that did not fit."""
    with transaction() as session:
        mismatch = session.scalars(select(PaymentMismatch).where(PaymentMismatch.out_trade_no == out_trade_no)).one()
        case = mismatches.find_case(session, mismatch_id=mismatch.id, prefixes=PREFIXES)
        state = pay.states[out_trade_no]
        mismatches.send_back(session, case=case, state=state, caller=FINANCE, note="退回", now=clock())
