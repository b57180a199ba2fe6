"""Money that found no pledge goes back by itself."""

import pytest
from sqlalchemy import select

from models import AttemptStatus, PaymentAttempt, Refund, RefundDue, RefundDueReason, RefundMove, TransferCode
from tests.fakes import MCHID
from wxbackend.core.db import transaction
from wxbackend.core.errors import NotFound
from wxbackend.core.wxpay import OrderState, RefundRefused, RefundState, TradeState
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, merchant_account, suspense_account
from wxbackend.refunds import jobs, suspense
from wxbackend.refunds.errors import OrderFrozen
from wxbackend.staff.errors import SamePerson

SUCCESS, CLOSED = RefundState.SUCCESS, RefundState.CLOSED
SUSPENSE = "suspense:1900000109"


@pytest.fixture
def owed(walk, counter, me):
    """A late payment whose places are gone."""
    base = walk.make.base(capacity=1)
    number = walk.open(base, me)
    out_trade_no = walk.order(number, me)
    walk.clock.forward(minutes=17)
    walk.poll()
    walk.expire()
    walk.pay_for(walk.open(base, me), me)
    assert walk.notify(walk.pay.notice_of(walk.pay.pay(out_trade_no))).status_code == 204
    return number


def test_money_without_a_place_is_set_aside_and_sent_back_by_itself(counter, walk, me, owed, assert_clean):
    assert walk.seen(owed, me)["refund_due_fen"] == 5_000
    [refund] = walk.all(Refund)
    assert (str(refund.status), refund.requested_by_kind, refund.decided_by) == ("approved", "system", None)
    assert (counter.balance(SUSPENSE), counter.refunding()) == (0, 5_000)
    walk.drain()
    assert counter.status(refund.number) == "submitted"
    counter.tell(refund.number, SUCCESS)
    assert (counter.status(refund.number), counter.refunding(), walk.status(owed)) == ("success", 0, "expired")
    assert walk.seen(owed, me)["refund_due_fen"] == 0
    assert counter.green(owed) == 5  # of the other pledge: nothing is taken back for money that earned nothing
    walk.drain()
    assert_clean()


def test_second_payment_of_one_pledge_goes_back_by_itself(counter, walk, me, assert_clean):
    number = walk.open(walk.make.base(), me)
    first = walk.order(number, me)
    walk.pay.states[first] = OrderState(TradeState.CLOSED, None)
    walk.clock.forward(seconds=10)
    walk.poll()
    second = walk.order(number, me)
    for out_trade_no in (second, first):
        assert walk.notify(walk.pay.notice_of(walk.pay.pay(out_trade_no))).status_code == 204
    walk.drain()
    [refund] = walk.all(Refund)
    assert (str(refund.reason), counter.status(refund.number)) == ("second_payment", "submitted")
    counter.tell(refund.number, SUCCESS)
    walk.drain()
    assert (walk.status(number), counter.green(number)) == ("allocated", 5)
    assert_clean()


def test_one_amount_is_sent_back_once(counter, walk, owed, assert_clean):
    [due] = walk.all(RefundDue)
    with transaction() as session:
        assert suspense.repay(session, due_id=due.id, now=counter.now) is None
    jobs.repay_suspense()
    assert len(walk.all(Refund)) == 1
    assert_clean()


def before_refunds(walk, me):
    """Money in suspense as a database holds it from before refunds were made by themselves."""
    number = walk.open(walk.make.base(), me)
    out_trade_no = walk.order(number, me)
    with transaction() as session:
        attempt = session.scalars(select(PaymentAttempt).where(PaymentAttempt.out_trade_no == out_trade_no)).one()
        attempt.status, attempt.transaction_id, attempt.next_query_at = AttemptStatus.SUCCESS, "4200000001", None
        attempt.paid_at, attempt.payer_total_fen = walk.clock(), attempt.amount_fen
        facts = {"amount_fen": 5_000, "reason": RefundDueReason.NO_STOCK, "created_at": walk.clock()}
        due = RefundDue(attempt_id=attempt.id, pledge_id=attempt.pledge_id, transaction_id="4200000001", **facts)
        session.add(due)
        came = Entry(
            "wxpay:4200000001:money", merchant_account(MCHID), suspense_account(MCHID), 5_000, TransferCode.SUSPENSE,
            "wxpay:4200000001", attempt.pledge_id,
        )  # fmt: skip
        ledger.post(session, entries=[came], now=walk.clock())
    return due.id


def test_what_was_never_sent_back_is_found_by_the_job(counter, walk, me, assert_clean):
    due_id = before_refunds(walk, me)
    assert counter.balance(SUSPENSE) == 5_000
    assert_clean()
    jobs.repay_suspense()
    [refund] = walk.all(Refund)
    assert (refund.due_id, counter.balance(SUSPENSE), counter.refunding()) == (due_id, 0, 5_000)
    assert_clean()


def test_unknown_amount_is_not_sent_back(counter):
    with pytest.raises(NotFound), transaction() as session:
        suspense.repay(session, due_id=1, now=counter.now)


def test_money_in_suspense_is_not_sent_anew_while_wechat_contradicts_us(counter, walk, owed):
    [first] = walk.all(Refund)
    walk.drain()
    counter.tell(first.number, CLOSED)
    counter.tell(first.number, SUCCESS, notice_id="another end")
    with pytest.raises(OrderFrozen), transaction() as session:
        suspense.repay(session, due_id=first.due_id, now=counter.now)


def test_after_wechat_closed_it_the_money_lies_in_suspense_until_somebody_sends_it_anew(
    counter, walk, owed, assert_clean
):
    [first] = walk.all(Refund)
    walk.drain()
    counter.tell(first.number, CLOSED)
    assert (counter.balance(SUSPENSE), counter.refunding()) == (5_000, 0)
    jobs.repay_suspense()
    assert len(walk.all(Refund)) == 1
    assert_clean()
    with transaction() as session:
        suspense.repay(session, due_id=first.due_id, now=counter.now)
    second = walk.all(Refund)[1]
    assert second.number != first.number
    walk.clock.forward(minutes=1)
    walk.drain()
    counter.tell(second.number, SUCCESS)
    walk.drain()
    assert (counter.balance(SUSPENSE), counter.refunding()) == (0, 0)
    assert_clean()
    assert len(walk.all(RefundMove)) == 6


@pytest.mark.parametrize("end", ["success", "closed"])
def test_two_people_end_a_refund_of_money_in_suspense_by_hand(counter, walk, owed, end, assert_clean):
    [refund] = walk.all(Refund)
    walk.pay.failures.append(RefundRefused("PARAM_ERROR"))
    counter.desk.submit(refund.number)

    def act(by):
        if end == "success":
            counter.settle_offline(refund.number, by=by)
        else:
            counter.desk.give_up(refund.number, note="改为线下处理", caller=by)

    act(counter.clerk)
    assert (counter.status(refund.number), counter.seen(refund.number).decided_by) == ("approved", counter.clerk.id)
    with pytest.raises(SamePerson):
        act(counter.clerk)
    act(counter.chief)
    assert counter.status(refund.number) == end
    walk.drain()
    assert_clean()
