"""Asking WeChat: what it takes, refuses, never answers, and what it makes of a refund later."""

import pytest

from models import AuditEntry, Refund
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import NotEnoughBalance, RefundRefused, RefundState
from wxbackend.ledger.errors import Insufficient
from wxbackend.refunds import asking, jobs, service
from wxbackend.refunds.errors import OutcomeUnknown, RefundDecided
from wxbackend.refunds.rules import STEPS, next_step
from wxbackend.staff.errors import SamePerson

PROCESSING, SUCCESS, CLOSED, ABNORMAL = (
    RefundState.PROCESSING,
    RefundState.SUCCESS,
    RefundState.CLOSED,
    RefundState.ABNORMAL,
)


def calls(walk):
    return [call for call in walk.pay.calls if call in ("refund", "query_refund", "retry_abnormal_refund")]


def test_worker_has_wechat_take_what_was_approved(counter, walk, planted_three, assert_clean):
    refund = counter.approved(planted_three, trees=1)
    walk.drain()
    assert (counter.status(refund), calls(walk)) == ("submitted", ["refund"])
    order = walk.pay.refund_orders[refund]
    [attempt] = walk.attempts()
    assert (order.refund_fen, order.total_fen) == (5_000, 15_000)
    assert (order.transaction_id, order.mchid) == (attempt.transaction_id, attempt.mchid)
    assert order.notify_url.endswith(f"/wx/refund/notify/{order.mchid}")
    assert len(order.reason.encode()) <= 80
    assert_clean()


def test_what_wechat_took_is_not_sent_again(counter, walk, planted_three):
    refund = counter.accepted(planted_three)
    counter.desk.submit(refund)
    jobs.submit({"refund": refund})
    assert calls(walk) == ["refund"]


def test_refund_that_is_paid_at_once_succeeds_at_once(counter, walk, planted_three, assert_clean):
    walk.pay.refund_state = SUCCESS
    refund = counter.accepted(planted_three)
    assert (counter.status(refund), walk.status(planted_three)) == ("success", "refunded")
    assert_clean()


def test_row_25_without_an_answer_wechat_is_queried_before_it_is_asked_again(counter, walk, planted_three):
    refund = counter.approved(planted_three)
    walk.pay.failures.append(UpstreamFailed())
    counter.desk.submit(refund)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("approved", "UNKNOWN")
    counter.desk.submit(refund)  # not due yet
    assert calls(walk) == ["refund"]
    walk.clock.forward(minutes=1)
    jobs.follow_refunds()
    assert calls(walk) == ["refund", "query_refund", "refund"]
    assert (counter.status(refund), counter.seen(refund).last_error) == ("submitted", None)


def test_row_25_what_wechat_has_after_all_is_not_asked_for_again(counter, walk, planted_three, assert_clean):
    refund = counter.approved(planted_three)
    sent = counter.desk
    question = sent._claim(refund)
    walk.pay.refund(sent._order(question))  # the answer is lost with this process
    walk.clock.forward(minutes=1)
    walk.pay.refund_outcome(refund, SUCCESS)
    jobs.follow_refunds()
    assert calls(walk) == ["refund", "query_refund"]
    assert counter.status(refund) == "success"
    assert_clean()


def test_row_25_while_not_even_the_query_is_answered_nothing_is_asked(counter, walk, planted_three):
    refund = counter.approved(planted_three)
    for step in range(3):
        walk.pay.failures.append(UpstreamFailed())
        jobs.follow_refunds()
        walk.clock.forward(seconds=next_step(step + 1).total_seconds())
    assert calls(walk) == ["refund", "query_refund", "query_refund"]
    assert counter.status(refund) == "approved"


def test_schedule_runs_from_a_minute_to_a_day_and_stays_there():
    assert [next_step(n).total_seconds() for n in (1, 2)] == [60, 120]
    assert next_step(len(STEPS)) == next_step(99) == STEPS[-1]
    assert STEPS[-1].days == 1


def test_row_26_short_of_money_the_refund_waits_a_day(counter, walk, planted_three, assert_clean):
    refund = counter.approved(planted_three)
    walk.pay.failures.append(NotEnoughBalance())
    walk.drain()
    seen = counter.seen(refund)
    assert (str(seen.status), seen.last_error, (seen.next_try_at - counter.now).days) == ("approved", "NOT_ENOUGH", 1)
    assert counter.refunding() == 15_000
    assert_clean()
    walk.clock.forward(hours=23)
    jobs.follow_refunds()
    assert counter.status(refund) == "approved"
    walk.clock.forward(hours=1)
    jobs.follow_refunds()
    assert counter.status(refund) == "submitted"


def test_definite_refusal_waits_for_staff(counter, walk, planted_three, assert_clean):
    refund = counter.approved(planted_three)
    walk.pay.failures.append(RefundRefused("USER_ACCOUNT_ABNORMAL"))
    walk.drain()
    walk.clock.forward(days=2)
    jobs.follow_refunds()
    assert (counter.status(refund), counter.seen(refund).last_error) == ("approved", "USER_ACCOUNT_ABNORMAL")
    assert calls(walk) == ["refund", "query_refund"]
    assert_clean()


def refused(counter, walk, number):
    refund = counter.approved(number)
    walk.pay.failures.append(RefundRefused("INVALID_REQUEST"))
    counter.desk.submit(refund)
    return refund


def test_after_a_refusal_staff_may_have_wechat_asked_again(counter, walk, planted_three):
    refund = refused(counter, walk, planted_three)
    with transaction() as session:
        service.ask_again(session, number=refund, caller=counter.chief, now=counter.now)
    counter.desk.follow(refund)
    assert counter.status(refund) == "submitted"


def test_after_a_refusal_staff_may_give_up(counter, walk, planted_three, assert_clean):
    refund = refused(counter, walk, planted_three)
    counter.desk.give_up(refund, note="改为线下处理", caller=counter.chief)
    assert (counter.status(refund), walk.status(planted_three)) == ("closed", "allocated")
    assert (counter.refunding(), counter.taken_fen(planted_three)) == (0, 0)
    assert_clean()
    counter.refunded(planted_three)
    assert_clean()


@pytest.mark.parametrize("failure", [None, UpstreamFailed()])
def test_nobody_gives_up_what_wechat_may_have(counter, walk, planted_three, failure):
    refund = counter.approved(planted_three)
    if failure is not None:
        walk.pay.failures.append(failure)
        counter.desk.submit(refund)
    for act in (service.give_up, counter_settle(counter)):
        with pytest.raises(OutcomeUnknown), transaction() as session:
            act(session, number=refund, note="", caller=counter.clerk, now=counter.now)


def counter_settle(counter):
    def settle(session, **facts):
        service.settle_offline(session, tools=counter.desk.tools, **facts)

    return settle


def test_giving_up_finds_that_wechat_has_it_after_all(counter, walk, planted_three):
    refund = refused(counter, walk, planted_three)
    walk.pay.refund(counter.desk._order(counter.desk._claim(refund) or question(refund)))
    with pytest.raises(RefundDecided):
        counter.desk.give_up(refund, note="", caller=counter.chief)
    assert counter.status(refund) == "submitted"


def question(refund):
    with reading() as session:
        return asking.question(session, number=refund)


def test_row_29_two_refunds_of_one_payment_are_a_minute_apart(counter, walk, planted_three):
    walk.pay.refund_state = SUCCESS
    counter.accepted(planted_three, trees=1)
    second = counter.approved(planted_three, trees=1)
    walk.clock.forward(seconds=59)
    jobs.follow_refunds()
    assert (counter.status(second), len(walk.pay.refund_orders)) == ("approved", 1)
    walk.clock.forward(seconds=1)
    jobs.follow_refunds()
    assert counter.status(second) == "success"


def test_poller_asks_what_became_of_a_refund_until_it_is_known(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three)
    for minutes in (1, 1, 2, 5):
        walk.clock.forward(minutes=minutes)
        jobs.follow_refunds()
    assert calls(walk).count("query_refund") >= 3
    counter.outcome(refund, SUCCESS)
    walk.clock.forward(days=1)
    jobs.follow_refunds()
    assert counter.status(refund) == "success"
    assert counter.seen(refund).next_try_at is None
    assert_clean()


def test_query_that_fails_comes_again(counter, walk, planted_three):
    refund = counter.accepted(planted_three)
    walk.clock.forward(minutes=1)
    walk.pay.failures.append(UpstreamFailed())
    jobs.follow_refunds()
    counter.outcome(refund, SUCCESS)
    walk.clock.forward(minutes=1)
    jobs.follow_refunds()
    assert counter.status(refund) == "success"


def test_row_28_closed_at_wechat_undoes_everything(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three, trees=2)
    counter.outcome(refund, CLOSED)
    counter.desk.check(refund)
    assert (counter.status(refund), walk.status(planted_three)) == ("closed", "allocated")
    assert (counter.refunding(), counter.taken_fen(planted_three), counter.green(planted_three)) == (0, 0, 15)
    assert_clean()


def test_row_27_abnormal_waits_for_staff_and_is_asked_about_daily(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three)
    counter.outcome(refund, ABNORMAL)
    counter.desk.check(refund)
    seen = counter.seen(refund)
    assert (str(seen.status), (seen.next_try_at - counter.now).days) == ("abnormal", 1)
    assert (walk.status(planted_three), counter.refunding()) == ("refunding", 15_000)
    assert_clean()


def abnormal(counter, number, **wish):
    refund = counter.accepted(number, **wish)
    counter.tell(refund, ABNORMAL)
    return refund


def test_row_27_staff_have_wechat_pay_the_merchants_own_account(counter, walk, planted_three, assert_clean):
    refund = abnormal(counter, planted_three)
    counter.desk.retry_abnormal(refund, caller=counter.chief)
    assert (counter.status(refund), calls(walk)[-1]) == ("submitted", "retry_abnormal_refund")
    counter.tell(refund, SUCCESS)
    assert counter.status(refund) == "abnormal"
    counter.settle_offline(refund)
    assert counter.status(refund) == "success"
    assert_clean()


def test_only_an_abnormal_refund_is_retried(counter, planted_three):
    refund = counter.accepted(planted_three)
    with pytest.raises(RefundDecided):
        counter.desk.retry_abnormal(refund, caller=counter.chief)


def test_row_27_paid_by_other_means_it_is_paid(counter, walk, planted_three, assert_clean):
    refund = abnormal(counter, planted_three, trees=1)
    counter.settle_offline(refund)
    assert (counter.status(refund), counter.seen(refund).settled_by) == ("success", counter.clerk.id)
    assert (walk.status(planted_three), counter.refunding()) == ("allocated", 0)
    walk.drain()
    assert_clean()
    assert "refund.settle-offline" in {entry.action for entry in walk.all(AuditEntry)}


def test_who_asked_does_not_say_that_it_was_paid(counter, walk, planted_three):
    refund = counter.ask(planted_three, by=counter.office())
    counter.decide(refund)
    counter.desk.submit(refund)
    counter.tell(refund, ABNORMAL)
    with pytest.raises(SamePerson):
        counter.settle_offline(refund, by=counter.clerk)


def test_what_wechat_is_paying_is_not_paid_by_other_means(counter, planted_three):
    refund = counter.accepted(planted_three)
    with pytest.raises(RefundDecided):
        counter.settle_offline(refund)


def test_money_that_was_spent_is_not_set_aside(counter, walk, planted_three, assert_clean):
    """A fund whose lot was used up (for seedlings, say) refuses, and the wish stays as it was."""
    from models import TransferCode
    from wxbackend.ledger import service as ledger
    from wxbackend.ledger.rules import Entry, suspense_account

    [attempt] = walk.attempts()
    paid = f"wxpay:{attempt.transaction_id}:money"
    refund = counter.ask(planted_three)
    with transaction() as session:
        fund = ledger.credited(session, key=paid)
        spent = Entry("bought", fund, suspense_account("x"), 1, TransferCode.SPEND, "bought", takes_from=paid)
        ledger.post(session, entries=[spent], now=counter.now)
    with pytest.raises(Insufficient):
        counter.decide(refund)
    assert counter.status(refund) == "requested"


def test_one_refund_that_fails_keeps_no_other_waiting(counter, walk, planted_three, donated):
    first, second = counter.approved(planted_three), counter.approved(donated)
    walk.pay.failures.append(RuntimeError("a defect"))
    jobs.follow_refunds()
    assert [str(one.status) for one in walk.all(Refund)] == ["approved", "submitted"], (first, second)
