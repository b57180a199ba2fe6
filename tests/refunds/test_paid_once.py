"""Nobody is paid twice, and nobody is told of money that lies elsewhere."""

import pytest
import structlog

from models import InboxMessage, PaymentMismatch
from wxbackend.core.db import transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import NotEnoughBalance, RefundRefused, RefundState
from wxbackend.refunds import asking, jobs, service
from wxbackend.refunds.errors import OutcomeUnknown, RefundDecided
from wxbackend.staff.errors import SamePerson

PROCESSING, SUCCESS, ABNORMAL = RefundState.PROCESSING, RefundState.SUCCESS, RefundState.ABNORMAL


@pytest.fixture
def alarms(app):
    with structlog.testing.capture_logs() as logs:
        yield lambda: [entry["kind"] for entry in logs if entry.get("event") == "alarm"]


def refused(counter, number, refusal):
    refund = counter.approved(number)
    counter.walk.pay.failures.append(refusal)
    counter.desk.submit(refund)
    return refund


def press_retry(counter, refund):
    with transaction() as session:
        service.ask_again(session, number=refund, caller=counter.chief, now=counter.now)


def unheard(counter, refund):
    """WeChat takes it, and the worker dies before it is written down."""
    desk = counter.desk
    counter.walk.pay.refund(desk._order(desk._claim(refund)))


def test_old_refusal_says_nothing_once_wechat_is_asked_again(counter, walk, planted_three):
    refund = refused(counter, planted_three, NotEnoughBalance())
    walk.clock.forward(days=1)
    unheard(counter, refund)
    for act in (service.give_up, settled(counter)):
        with pytest.raises(OutcomeUnknown), transaction() as session:
            act(session, number=refund, note="", caller=counter.clerk, now=counter.now)


def settled(counter):
    return lambda session, **facts: service.settle_offline(session, tools=counter.desk.tools, **facts)


def test_what_wechat_took_unheard_is_not_paid_by_other_means(counter, walk, planted_three, assert_clean):
    refund = refused(counter, planted_three, NotEnoughBalance())
    walk.clock.forward(days=1)
    unheard(counter, refund)
    with pytest.raises(RefundDecided):
        counter.settle_offline(refund)
    assert counter.status(refund) == "submitted"
    assert_clean()


def test_while_wechat_cannot_be_asked_nothing_is_settled(counter, walk, planted_three):
    refund = refused(counter, planted_three, RefundRefused("PARAM_ERROR"))
    walk.pay.failures.append(UpstreamFailed())
    with pytest.raises(UpstreamFailed):
        counter.settle_offline(refund)
    counter.settle_offline(refund)
    assert counter.status(refund) == "success"


def test_retry_in_flight_is_not_given_up(counter, walk, planted_three):
    """WeChat's "not known" came before the call arrived."""
    refund = refused(counter, planted_three, RefundRefused("USER_ACCOUNT_ABNORMAL"))
    press_retry(counter, refund)
    question = counter.desk._claim(refund)
    with pytest.raises(OutcomeUnknown):
        counter.desk.give_up(refund, note="", caller=counter.chief)
    walk.pay.refund(counter.desk._order(question))
    walk.clock.forward(minutes=2)
    jobs.follow_refunds()
    assert (counter.status(refund), list(walk.pay.refunds)) == ("submitted", [refund])


def test_refusal_of_a_repetition_is_not_believed_where_the_first_call_was_taken(counter, walk, planted_three):
    """Three tries are one call: the first was taken and timed out, the second was refused."""
    refund = counter.approved(planted_three)
    desk = counter.desk
    question = desk._claim(refund)
    walk.pay.refund(desk._order(question))
    walk.pay.failures.append(RefundRefused("INVALID_REQUEST"))
    desk._send(question)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("submitted", None)


def test_refusal_stays_unknown_while_the_query_is_unanswered(counter, walk, planted_three):
    refund = counter.approved(planted_three)
    walk.pay.failures += [RefundRefused("INVALID_REQUEST"), UpstreamFailed()]
    counter.desk.submit(refund)
    seen = counter.seen(refund)
    assert (str(seen.status), seen.last_error, seen.next_try_at is None) == ("approved", "UNKNOWN", False)


def test_late_refusal_does_not_hide_that_wechat_was_asked_again(counter, walk, planted_three):
    refund = counter.approved(planted_three)
    first = counter.desk._claim(refund)
    walk.clock.forward(minutes=1)
    counter.desk._claim(refund)
    with transaction() as session:
        asking.note_refused(session, question=first, error="PARAM_ERROR", again_at=None)
    assert counter.seen(refund).last_error == "UNKNOWN"


def test_day_after_day_without_an_answer_is_told(counter, walk, planted_three, alarms):
    refund = refused(counter, planted_three, UpstreamFailed())
    for _ in range(9):
        walk.clock.forward(days=1)
        walk.pay.failures.append(UpstreamFailed())
        jobs.follow_refunds()
    assert (counter.status(refund), alarms()) == ("approved", ["refund-unanswered"] * 2)


def at_merchant(counter, number):
    refund = counter.accepted(number)
    counter.tell(refund, ABNORMAL)
    counter.desk.retry_abnormal(refund, caller=counter.chief)
    counter.tell(refund, SUCCESS)
    return refund


def test_money_in_the_merchants_account_is_not_back_with_the_person(counter, walk, planted_three, alarms, assert_clean):
    refund = at_merchant(counter, planted_three)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("abnormal", "AT_MERCHANT")
    assert (walk.status(planted_three), counter.refunding()) == ("refunding", 15_000)
    assert alarms()[-1] == "refund-at-merchant"
    walk.drain()
    assert not [one for one in told(walk) if "退回您的支付账户" in one]
    assert_clean()


def told(walk):
    return [message.body for message in walk.all(InboxMessage)]


def test_only_who_pays_the_person_ends_it(counter, walk, planted_three, assert_clean):
    refund = at_merchant(counter, planted_three)
    counter.desk.check(refund)
    with pytest.raises(RefundDecided):
        counter.desk.retry_abnormal(refund, caller=counter.chief)
    assert counter.status(refund) == "abnormal"
    counter.settle_offline(refund)
    assert (counter.status(refund), walk.status(planted_three)) == ("success", "refunded")
    walk.drain()
    assert [one for one in told(walk) if "其他方式退给您" in one]
    assert not [one for one in told(walk) if "退回您的支付账户" in one]
    counter.desk.check(refund)  # the same success once more contradicts nothing
    assert walk.all(PaymentMismatch) == []
    assert_clean()


def test_answer_that_got_lost_leaves_the_mark(counter, walk, planted_three):
    refund = counter.accepted(planted_three)
    counter.tell(refund, ABNORMAL)
    walk.pay.failures.append(UpstreamFailed())
    with pytest.raises(UpstreamFailed):
        counter.desk.retry_abnormal(refund, caller=counter.chief)
    counter.outcome(refund, PROCESSING)
    counter.desk.check(refund)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("submitted", "TO_MERCHANT")
    counter.outcome(refund, SUCCESS)
    counter.desk.check(refund)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("abnormal", "AT_MERCHANT")


def test_old_news_of_the_first_failure_leaves_the_mark(counter, planted_three):
    refund = counter.accepted(planted_three)
    counter.tell(refund, ABNORMAL)
    counter.desk.retry_abnormal(refund, caller=counter.chief)
    counter.tell(refund, ABNORMAL, notice_id="again")
    counter.tell(refund, SUCCESS)
    assert (counter.status(refund), counter.seen(refund).last_error) == ("abnormal", "AT_MERCHANT")


def test_who_asked_does_not_send_it_to_the_merchant(counter, planted_three):
    refund = counter.ask(planted_three, by=counter.office())
    counter.decide(refund)
    counter.desk.submit(refund)
    counter.tell(refund, ABNORMAL)
    with pytest.raises(SamePerson):
        counter.desk.retry_abnormal(refund, caller=counter.clerk)
    assert counter.seen(refund).last_error == "ABNORMAL"


def test_who_approved_does_not_say_that_it_was_paid(counter, planted_three):
    refund = refused(counter, planted_three, RefundRefused("PARAM_ERROR"))
    with pytest.raises(SamePerson):
        counter.settle_offline(refund, by=counter.chief)
    counter.settle_offline(refund, by=counter.clerk)
    assert counter.status(refund) == "success"


def lost(counter, walk, number):
    """Accepted, and then WeChat does not know it."""
    refund = counter.accepted(number)
    walk.pay.refunds.clear()
    walk.clock.forward(minutes=1)
    return refund


def test_what_wechat_lost_is_asked_for_again_under_its_number(counter, walk, planted_three, alarms, assert_clean):
    refund = lost(counter, walk, planted_three)
    walk.pay.calls.clear()
    jobs.follow_refunds()
    assert ([c for c in walk.pay.calls if "refund" in c], alarms()) == (
        ["query_refund", "refund"],
        ["refund-not-known"],
    )
    assert (counter.status(refund), counter.seen(refund).last_error, list(walk.pay.refunds)) == (
        "submitted", None, [refund],
    )  # fmt: skip
    assert counter.seen(refund).wx_refund_id is not None
    assert_clean()


@pytest.mark.parametrize("end", ["closed", "success"])
def test_what_wechat_lost_and_then_refused_is_ended_by_staff(counter, walk, planted_three, end, assert_clean):
    refund = lost(counter, walk, planted_three)
    with pytest.raises(RefundDecided):
        counter.settle_offline(refund)
    walk.pay.failures += [None, RefundRefused("PARAM_ERROR")]
    jobs.follow_refunds()
    seen = counter.seen(refund)
    assert (str(seen.status), seen.last_error) == ("submitted", "PARAM_ERROR")
    if end == "closed":
        counter.desk.give_up(refund, note="", caller=counter.chief)
    else:
        counter.settle_offline(refund)
    assert (counter.status(refund), counter.seen(refund).submitted_at) == (end, None)
    assert_clean()
