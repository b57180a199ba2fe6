"""What WeChat tells of refunds: applied once, in whatever order it comes, and never against what was booked."""

from dataclasses import replace

import pytest

from models import Certificate, NoticeState, PaymentMismatch, PaymentNotice, PointsDebt, RefundMove, TransferCode
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import RefundOrder, RefundState
from wxbackend.payments import jobs as payments_jobs
from wxbackend.refunds import jobs

SUCCESS, CLOSED, ABNORMAL = RefundState.SUCCESS, RefundState.CLOSED, RefundState.ABNORMAL


def states(walk):
    return sorted(str(notice.state) for notice in walk.all(PaymentNotice) if notice.event_type.startswith("REFUND."))


@pytest.mark.parametrize("notice_id", [None, "with an id of its own"])
def test_second_notice_of_one_refund_changes_nothing(counter, walk, planted_three, assert_clean, notice_id):
    refund = counter.refunded(planted_three, trees=1)
    counter.tell(refund, SUCCESS, notice_id=notice_id)
    assert len(counter.transfers(TransferCode.REFUND)) == 1
    assert (counter.green(planted_three), counter.pledge(planted_three).refunded_fen) == (10, 5_000)
    assert states(walk) == (["applied", "repeated"] if notice_id else ["applied"])
    walk.drain()
    assert_clean()


def test_notice_and_query_apply_one_refund_once(counter, walk, planted_three, assert_clean):
    refund = counter.refunded(planted_three, trees=1)
    counter.desk.check(refund)
    walk.clock.forward(days=1)
    jobs.follow_refunds()
    assert len(counter.transfers(TransferCode.REFUND)) == 1
    walk.drain()
    assert_clean()


def test_notice_that_comes_before_the_answer_to_our_question_is_applied(counter, walk, planted_three, assert_clean):
    refund = counter.approved(planted_three)
    walk.pay.refund(counter.desk._order(counter.desk._claim(refund)))
    counter.tell(refund, SUCCESS)
    assert (counter.status(refund), walk.status(planted_three)) == ("success", "refunded")
    assert_clean()


@pytest.mark.parametrize("late", [RefundState.PROCESSING, ABNORMAL])
def test_row_10_old_news_never_moves_a_refund_back(counter, walk, planted_three, late, assert_clean):
    refund = counter.refunded(planted_three)
    counter.tell(refund, late, notice_id="late")
    assert (counter.status(refund), walk.status(planted_three)) == ("success", "refunded")
    assert states(walk) == ["applied", "repeated"]
    assert_clean()


def test_row_10_the_payments_own_notice_never_moves_a_refunded_order_back(counter, walk, planted_three, assert_clean):
    counter.refunded(planted_three)
    [attempt] = walk.attempts()
    paid = walk.pay.states[attempt.out_trade_no].paid
    assert walk.notify(walk.pay.notice_of(paid, notice_id="again")).status_code == 204
    assert walk.status(planted_three) == "refunded"
    assert_clean()


def test_success_after_abnormal_is_success(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three)
    counter.tell(refund, ABNORMAL)
    counter.tell(refund, SUCCESS)
    assert counter.status(refund) == "success"
    assert_clean()


def test_row_28_closed_notice_undoes_the_refund_once(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three)
    counter.tell(refund, CLOSED)
    counter.tell(refund, CLOSED, notice_id="again")
    assert (counter.status(refund), walk.status(planted_three), counter.taken_fen(planted_three)) == (
        "closed",
        "allocated",
        0,
    )
    assert_clean()


@pytest.mark.parametrize(("first", "then"), [(CLOSED, SUCCESS), (SUCCESS, CLOSED)])
def test_two_ends_of_one_refund_are_for_people_to_look_at(counter, walk, planted_three, first, then, assert_clean):
    refund = counter.accepted(planted_three)
    counter.tell(refund, first)
    counter.tell(refund, then, notice_id="contradiction")
    assert (counter.status(refund), states(walk)) == (str(first).lower(), ["applied", "quarantined"])
    assert [row.field for row in walk.all(PaymentMismatch)] == [f"refund_state:{refund}"]
    assert_clean()


@pytest.mark.parametrize(
    "lie",
    [
        {"refund_fen": 1},
        {"total_fen": 1},
        {"transaction_id": "4200000000000000000000009999"},
        {"out_trade_no": "P000000000000000001"},
        {"mchid": "1900000999"},
    ],
    ids=str,
)
def test_refund_that_differs_from_what_was_asked_moves_nothing(counter, walk, planted_three, lie, assert_clean):
    refund = counter.accepted(planted_three)
    told = replace(counter.outcome(refund, SUCCESS), **lie)
    assert walk.notify(walk.pay.refund_notice_of(told), about="refund").status_code == 204
    assert (counter.status(refund), counter.refunding()) == ("submitted", 15_000)
    assert states(walk) == ["quarantined"]
    assert len(walk.all(PaymentMismatch)) == 1
    assert_clean()


def by_hand(counter, walk, number, **changes):
    """Somebody refunds in the merchant platform: WeChat tells us of a number we never gave."""
    paid = next(walk.pay.states[out_trade_no].paid for out_trade_no in walk.pay.states)
    order = RefundOrder(paid.mchid, paid.transaction_id, "by-hand-1", 100, paid.total_fen, "手工退款", "")
    return walk.pay.refund_notice_of(replace(walk.pay.refund(order), state=SUCCESS, **changes))


def test_refund_made_by_hand_is_kept_and_accepted(counter, walk, planted_three, assert_clean):
    assert walk.notify(by_hand(counter, walk, planted_three), about="refund").status_code == 204
    assert states(walk) == ["waiting"]
    assert (walk.status(planted_three), counter.green(planted_three)) == ("allocated", 15)
    assert_clean()


@pytest.mark.parametrize("way", ["poller", "job"])
def test_row_7_a_payment_that_was_given_back_by_hand_before_we_knew_of_it_is_left_to_staff(
    counter, walk, me, way, assert_clean
):
    """The order reads REFUND: it was paid, some of it is gone, and no refund of ours says how much."""
    number = walk.open(walk.make.base(), me)
    walk.pay.pay(walk.order(number, me))
    assert walk.notify(by_hand(counter, walk, number), about="refund").status_code == 204
    assert walk.status(number) == "pending"
    if way == "poller":
        walk.poll()
    else:
        payments_jobs.take_up_refunds()
    walk.drain()
    assert [(one.field, one.expected, one.found) for one in walk.all(PaymentMismatch)] == [
        ("trade_state", "SUCCESS", "REFUND")
    ]
    assert (walk.status(number), counter.green(number), walk.all(Certificate)) == ("pending", 0, [])
    assert_clean()


def test_row_7_the_notice_of_a_payment_given_back_by_hand_books_it_no_more(counter, walk, me, assert_clean):
    number = walk.open(walk.make.base(), me)
    paid = walk.pay.pay(walk.order(number, me))
    assert walk.notify(by_hand(counter, walk, number), about="refund").status_code == 204
    walk.poll()
    assert walk.notify(walk.pay.notice_of(paid)).status_code == 204
    walk.drain()
    assert (walk.status(number), walk.all(Certificate)) == ("pending", [])
    assert len(walk.all(PaymentMismatch)) == 1
    assert_clean()


def test_notice_that_was_taken_up_is_not_taken_up_again(counter, walk, planted_three):
    assert walk.notify(by_hand(counter, walk, planted_three), about="refund").status_code == 204
    payments_jobs.take_up_refunds()
    assert states(walk) == ["repeated"]


def test_order_that_cannot_be_asked_about_is_taken_up_the_next_time(counter, walk, me):
    number = walk.open(walk.make.base(), me)
    walk.pay.pay(walk.order(number, me))
    assert walk.notify(by_hand(counter, walk, number), about="refund").status_code == 204
    walk.pay.failures.append(UpstreamFailed())
    payments_jobs.take_up_refunds()
    assert states(walk) == ["waiting"]
    payments_jobs.take_up_refunds()
    assert states(walk) == ["repeated"]


def test_notice_kept_earlier_has_our_own_refunds_of_the_order_asked_about(counter, walk, planted_three, assert_clean):
    refund = counter.accepted(planted_three)
    counter.outcome(refund, SUCCESS)
    assert walk.notify(by_hand(counter, walk, planted_three), about="refund").status_code == 204
    payments_jobs.take_up_refunds()
    assert counter.status(refund) == "success"
    assert_clean()


def test_refund_of_an_order_that_is_not_ours_is_kept_too(counter, walk, planted_three):
    body = by_hand(counter, walk, planted_three, out_trade_no="P000000000000000001")
    assert walk.notify(body, about="refund").status_code == 204
    payments_jobs.take_up_refunds()
    assert states(walk) == ["repeated"]


def test_refund_told_to_the_address_of_payments_is_applied(counter, walk, planted_three):
    refund = counter.accepted(planted_three)
    body = walk.pay.refund_notice_of(counter.outcome(refund, SUCCESS))
    assert walk.notify(body, about="pay").status_code == 204
    assert counter.status(refund) == "success"


def test_row_30_spent_points_certificate_and_money_go_in_one_transaction(counter, walk, planted_three, assert_clean):
    counter.spend(planted_three, 15)
    refund = counter.refunded(planted_three)
    [notice] = [one for one in walk.all(PaymentNotice) if one.event_type.startswith("REFUND.")]
    assert (notice.state, counter.status(refund)) == (NoticeState.APPLIED, "success")
    assert (walk.all(PointsDebt)[0].remaining, [str(c.status) for c in walk.certificates()]) == (15, ["revoked"])
    assert_clean()


def test_whole_history_of_a_refund_is_kept(counter, walk, planted_three):
    counter.refunded(planted_three)
    moves = [(move.from_status and str(move.from_status), str(move.to_status)) for move in walk.all(RefundMove)]
    assert moves == [
        (None, "requested"),
        ("requested", "approved"),
        ("approved", "submitted"),
        ("submitted", "success"),
    ]
