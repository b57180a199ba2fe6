"""Giving a pledge up, and holds that run out. Only what nobody can pay any more gives its places back."""

from datetime import timedelta

import pytest

from models import AttemptStatus, PledgeMove
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import CloseOutcome, OrderState, TradeState
from wxbackend.payments import attempts

HOLD_S, MARGIN_S = 15 * 60, 60


@pytest.fixture
def base(walk):
    return walk.make.base(capacity=5)


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def number(walk, base, me):
    return walk.open(base, me, tree_count=3)


def states(walk):
    return [attempt.status for attempt in walk.attempts()]


def due(walk):
    with reading() as session:
        return [order.out_trade_no for order in attempts.due(session, now=walk.clock(), limit=10)]


def moves(walk):
    return [(str(move.from_status), str(move.to_status)) for move in walk.all(PledgeMove)]


def test_without_an_order_a_pledge_is_cancelled_at_once(walk, base, me, number):
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["status"], walk.pay.calls) == (200, "cancelled", [])
    assert walk.stock(base) == (0, 0, "online")
    assert answer.json["points"] == {"green": 0, "honour": 0}
    assert moves(walk) == [("pending", "cancelled")]


def test_cancelling_twice_gives_back_once(walk, base, me, number):
    assert [walk.post(number, "cancel", me).status_code for _ in range(2)] == [200, 200]
    assert (walk.stock(base), len(moves(walk))) == ((0, 0, "online"), 1)


def test_an_open_order_is_closed_at_wechat_first(walk, base, me, number):
    walk.order(number, me)
    assert walk.post(number, "cancel", me).json["status"] == "cancelled"
    assert walk.pay.calls == ["prepay", "query", "close"]
    assert (walk.stock(base), states(walk)) == ((0, 0, "online"), [AttemptStatus.CLOSED])


def test_an_order_that_wechat_closed_itself_is_not_closed_again(walk, base, me, number):
    out_trade_no = walk.order(number, me)
    walk.pay.states[out_trade_no] = OrderState(TradeState.CLOSED, None)
    assert walk.post(number, "cancel", me).status_code == 200
    assert walk.pay.calls == ["prepay", "query"]


def test_while_the_payer_types_the_password_the_places_are_kept(walk, base, me, number):
    walk.order(number, me)
    walk.pay.close_outcome = CloseOutcome.BUSY
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["code"]) == (409, "payment-in-progress")
    assert answer.headers["Retry-After"] == "60"
    assert (walk.status(number), walk.stock(base)) == ("pending", (3, 0, "online"))
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.next_query_at) == (AttemptStatus.PREPAY, walk.clock() + timedelta(seconds=60))


def test_when_wechat_does_not_answer_the_places_are_kept(walk, base, me, number):
    walk.order(number, me)
    walk.pay.failures = [UpstreamFailed()]
    assert walk.post(number, "cancel", me).status_code == 502
    assert (walk.status(number), walk.stock(base)) == ("pending", (3, 0, "online"))


def test_a_payment_found_while_cancelling_is_applied(walk, base, me, number):
    walk.pay.pay(walk.order(number, me))
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["code"]) == (409, "already-paid")
    assert (walk.status(number), walk.stock(base)) == ("funded", (0, 3, "online"))


def test_a_payment_that_comes_between_query_and_close_is_applied(walk, base, me, number):
    out_trade_no = walk.order(number, me)
    before = walk.pay.states[out_trade_no]
    walk.pay.pay(out_trade_no)
    after = walk.pay.states[out_trade_no]
    answers = [before, after]
    walk.pay.states = Sequence({out_trade_no: answers})
    walk.pay.close_outcome = CloseOutcome.ALREADY_PAID
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["code"]) == (409, "already-paid")
    assert (walk.status(number), answers) == ("funded", [])


class Sequence(dict):
    """Each answer once, in order: WeChat's state changes between two questions."""

    def get(self, key, default=None):
        return self[key].pop(0) if self[key] else default


def test_a_paid_pledge_is_not_cancelled(walk, base, me, number):
    walk.pay_for(number, me)
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["code"]) == (409, "already-paid")
    assert walk.stock(base) == (0, 3, "online")


def test_an_expired_pledge_is_not_cancelled(walk, base, me, number):
    walk.clock.forward(seconds=HOLD_S + 1)
    walk.expire()
    answer = walk.post(number, "cancel", me)
    assert (answer.status_code, answer.json["code"]) == (409, "pledge-not-payable")


def test_a_hold_without_an_order_runs_out_by_itself(walk, base, me, number):
    walk.clock.forward(seconds=HOLD_S)
    walk.expire()
    assert walk.status(number) == "pending"
    walk.clock.forward(seconds=1)
    walk.expire()
    assert (walk.status(number), walk.stock(base)) == ("expired", (0, 0, "online"))
    assert walk.seen(number, me)["points"] == {"green": 0, "honour": 0}


def test_a_hold_with_an_order_ends_a_minute_late_and_only_after_the_close(walk, base, me, number):
    walk.order(number, me)
    for step_s in (10, 20, 30, 240, HOLD_S + MARGIN_S - 301):
        walk.clock.forward(seconds=step_s)
        walk.expire()
        walk.poll()
    assert (walk.status(number), states(walk)) == ("pending", [AttemptStatus.PREPAY])
    walk.clock.forward(seconds=1)
    walk.expire()
    assert walk.status(number) == "pending"
    walk.poll()
    assert (walk.status(number), states(walk)) == ("expired", [AttemptStatus.CLOSED])
    assert walk.pay.calls[-2:] == ["query", "close"]
    assert (walk.stock(base), due(walk)) == ((0, 0, "online"), [])


def test_a_hold_is_kept_while_the_close_is_refused_and_asked_about_every_minute(walk, base, me, number):
    walk.order(number, me)
    walk.pay.close_outcome = CloseOutcome.BUSY
    walk.clock.forward(seconds=HOLD_S + MARGIN_S)
    for _ in range(3):
        walk.poll()
        walk.expire()
        assert (walk.status(number), walk.stock(base), due(walk)) == ("pending", (3, 0, "online"), [])
        walk.clock.forward(seconds=60)
    walk.pay.close_outcome = None
    walk.poll()
    assert (walk.status(number), walk.stock(base)) == ("expired", (0, 0, "online"))


def test_a_close_that_says_paid_while_the_query_says_not_is_asked_again_in_a_minute(walk, base, me, number):
    walk.order(number, me)
    walk.pay.close_outcome = CloseOutcome.ALREADY_PAID
    walk.clock.forward(seconds=HOLD_S + MARGIN_S)
    walk.poll()
    assert (walk.status(number), due(walk)) == ("pending", [])
    walk.clock.forward(seconds=60)
    assert len(due(walk)) == 1


def test_an_order_that_never_reached_wechat_ends_with_its_hold(walk, base, me, number):
    walk.pay.failures = [UpstreamFailed()]
    walk.post(number, "payments", me)
    walk.clock.forward(seconds=HOLD_S + MARGIN_S)
    walk.poll()
    assert (walk.status(number), walk.stock(base), walk.pay.calls) == (
        "expired", (0, 0, "online"), ["prepay", "query", "close"],
    )  # fmt: skip


def test_an_order_that_a_query_does_not_find_is_closed_before_its_places_are_given_back(walk, base, me, number):
    out_trade_no = walk.order(number, me)
    del walk.pay.states[out_trade_no]  # a replica that lags behind
    walk.pay.close_outcome = CloseOutcome.BUSY
    assert walk.post(number, "cancel", me).json["code"] == "payment-in-progress"
    assert (walk.status(number), walk.stock(base)) == ("pending", (3, 0, "online"))


def test_orders_without_an_answer_do_not_hold_up_everything_else(walk, base, me):
    for _ in range(3):
        walk.order(walk.open(base, me, tree_count=1), me)
    walk.clock.forward(seconds=10)
    walk.pay.slow_s, walk.pay.failures, begun = 21, [UpstreamFailed()] * 3, walk.clock()
    walk.poll()
    assert (walk.clock() - begun).seconds == 21
    assert len(due(walk)) == 2


def test_an_order_that_breaks_the_poller_does_not_keep_the_next_from_being_closed(walk, base, me, number):
    walk.order(number, me)
    other = walk.open(base, me, tree_count=1)
    walk.order(other, me)
    walk.clock.forward(seconds=HOLD_S + MARGIN_S)
    walk.pay.failures = [RuntimeError("a fault of ours")]
    walk.poll()
    assert (walk.status(number), walk.status(other)) == ("pending", "expired")


def test_an_unpaid_order_is_asked_about_at_10_30_60_and_300_seconds_and_when_it_is_over(walk, me, number):
    walk.order(number, me)
    asked, begin = [], walk.clock()
    for _ in range((HOLD_S + MARGIN_S) // 5 + 2):
        before = len(walk.pay.calls)
        walk.poll()
        if walk.pay.calls[before:]:
            asked.append((walk.clock() - begin).seconds)
        walk.clock.forward(seconds=5)
    assert asked == [10, 30, 60, 300, HOLD_S + MARGIN_S]


def test_one_order_that_wechat_cannot_answer_about_does_not_stop_the_others(walk, base, me, number):
    walk.order(number, me)
    other = walk.open(base, me)
    walk.pay.pay(walk.order(other, me))
    walk.clock.forward(seconds=10)
    walk.pay.failures = [UpstreamFailed()]
    walk.poll()
    assert (walk.status(number), walk.status(other)) == ("pending", "funded")


def test_an_order_that_wechat_cannot_answer_about_lets_the_others_go_first(walk, me, number):
    out_trade_no = walk.order(number, me)
    walk.clock.forward(seconds=10)
    walk.pay.failures = [UpstreamFailed()]
    walk.poll()
    assert due(walk) == []
    walk.clock.forward(seconds=60)
    assert due(walk) == [out_trade_no]


@pytest.mark.parametrize("at_wechat", [OrderState(TradeState.CLOSED, None), OrderState(TradeState.NOTPAY, None), None])
def test_a_closed_order_that_a_late_notice_names_is_asked_about_once(walk, base, me, number, at_wechat):
    out_trade_no = walk.order(number, me)
    walk.post(number, "cancel", me)
    if at_wechat is None:
        del walk.pay.states[out_trade_no]
    else:
        walk.pay.states[out_trade_no] = at_wechat
    with transaction() as session:
        attempts.ask_soon(session, number=out_trade_no, now=walk.clock())
    assert due(walk) == [out_trade_no]
    walk.poll()
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.next_query_at) == (AttemptStatus.CLOSED, None)


def test_an_order_asked_about_in_the_minute_after_its_hold_is_not_closed_yet(walk, me, number):
    out_trade_no = walk.order(number, me)
    walk.clock.forward(seconds=HOLD_S + MARGIN_S - 1)
    with transaction() as session:
        attempts.ask_soon(session, number=out_trade_no, now=walk.clock())
    walk.poll()
    assert (walk.status(number), walk.pay.calls) == ("pending", ["prepay", "query"])
