"""Placing the order of a pledge at WeChat Pay."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

import pytest

from models import (
    AttemptStatus,
    BaseStatus,
    Campaign,
    CampaignStatus,
    PaymentAttempt,
    PlantingBase,
    Pledge,
    PledgeStatus,
)
from tests.fakes import APPID, MCHID
from wxbackend.core.db import transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.ports import ports
from wxbackend.core.wxpay import CloseOutcome, OrderNumberSpent, OrderState, PrepayOrder, TradeState
from wxbackend.payments import attempts
from wxbackend.payments.cashier import Cashier
from wxbackend.pledges import service as pledges
from wxbackend.pledges.rules import HOLD

CREATED, PREPAY, CLOSED, FAILED = (
    AttemptStatus.CREATED,
    AttemptStatus.PREPAY,
    AttemptStatus.CLOSED,
    AttemptStatus.FAILED,
)


def states(walk):
    return [attempt.status for attempt in walk.attempts()]


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def number(walk, me):
    return walk.open(walk.make.base(), me, tree_count=2)


def test_the_order_carries_what_was_pledged(walk, me, number):
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["out_trade_no"], answer.json["amount_fen"]) == (201, f"{number}01", 10_000)
    assert set(answer.json["pay"]) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    [order] = walk.pay.orders.values()
    assert (order.amount_fen, order.mchid, order.openid) == (10_000, MCHID, "openid-a")
    assert order.expires_at == walk.clock() + timedelta(minutes=15)
    assert order.notify_url.endswith(f"/wx/pay/notify/{MCHID}")
    assert order.description.startswith("认种 · ")
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.appid, attempt.mchid) == (PREPAY, APPID, MCHID)
    assert "openid-a" not in attempt.payer_index


def test_asking_again_gives_the_same_order_without_asking_wechat(walk, me, number):
    first, second = walk.post(number, "payments", me).json, walk.post(number, "payments", me).json
    assert first["out_trade_no"] == second["out_trade_no"]
    assert first["pay"]["package"] == second["pay"]["package"]
    assert walk.pay.calls == ["prepay"]


def test_two_phones_at_once_get_one_order(walk, me, number):
    with ThreadPoolExecutor(2) as pool:
        clients = [walk.app.test_client() for _ in range(2)]
        answers = list(pool.map(lambda c: c.post(f"/v1/pledges/{number}/payments", headers=me), clients))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {answer.json["out_trade_no"] for answer in answers} == {f"{number}01"}
    assert states(walk) == [PREPAY]


@pytest.mark.parametrize(("seconds", "status"), [(14 * 60 - 1, 201), (14 * 60, 409), (15 * 60, 409)])
def test_no_order_is_placed_in_the_last_minute_of_a_hold(walk, me, number, seconds, status):
    walk.clock.forward(seconds=seconds)
    answer = walk.post(number, "payments", me)
    assert answer.status_code == status
    assert len(walk.attempts()) == (status == 201)


def close_base(session, base):
    session.get_one(PlantingBase, base.id).status = BaseStatus.SUSPENDED


def close_campaign(session, base):
    session.get_one(Campaign, base.campaign_id).status = CampaignStatus.SUSPENDED


@pytest.mark.parametrize("close", [close_base, close_campaign])
def test_no_order_is_placed_after_base_or_campaign_closed(walk, me, close):
    base = walk.make.base()
    number = walk.open(base, me)
    with transaction() as session:
        close(session, base)
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["code"], walk.pay.calls) == (409, "base-not-open", [])


def test_no_order_is_placed_after_the_campaign_ended_meanwhile(walk, me):
    campaign = walk.make.campaign(ends_on=walk.clock().date())
    walk.clock.forward(hours=11, minutes=55)  # 23:55 in China on the last day
    me = walk.make.resident()
    number = walk.open(walk.make.base(campaign=campaign), me)
    walk.clock.forward(minutes=5)
    assert walk.post(number, "payments", me).json["code"] == "base-not-open"


def test_the_last_place_of_a_base_is_paid_for_although_it_is_full(walk, me):
    base = walk.make.base(capacity=2)
    mine, other = walk.open(base, me), walk.open(base, me)
    walk.pay_for(other, me)
    walk.pay_for(mine, me)
    assert walk.stock(base) == (0, 2, "full")


def test_a_paid_pledge_takes_no_second_order(walk, me, number):
    walk.pay_for(number, me)
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["code"]) == (409, "pledge-not-payable")
    assert len(walk.pay.orders) == 1


def test_when_wechat_does_not_answer_the_attempt_waits_for_the_next_try(walk, me, number):
    walk.pay.failures = [UpstreamFailed()]
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["code"]) == (502, "upstream-failed")
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.next_query_at) == (CREATED, walk.clock() + timedelta(seconds=10))
    assert walk.order(number, me) == f"{number}01"
    assert states(walk) == [PREPAY]


def test_a_spent_number_is_followed_by_another_once_wechat_says_it_is_unpaid(walk, me, number):
    walk.pay.states[f"{number}01"] = OrderState(TradeState.CLOSED, None)
    assert walk.order(number, me) == f"{number}02"
    assert walk.pay.calls == ["prepay", "query", "prepay"]
    assert states(walk) == [FAILED, PREPAY]


def test_a_number_spent_with_other_terms_is_closed_before_another_is_taken(walk, me, number):
    walk.pay.failures = [OrderNumberSpent()]
    walk.pay.states[f"{number}01"] = OrderState(TradeState.NOTPAY, None)
    assert walk.order(number, me) == f"{number}02"
    assert walk.pay.calls == ["prepay", "query", "close", "prepay"]
    assert states(walk) == [FAILED, PREPAY]


def test_a_spent_number_whose_payer_is_typing_gets_no_successor(walk, me, number):
    walk.pay.failures = [OrderNumberSpent()]
    walk.pay.states[f"{number}01"] = OrderState(TradeState.USERPAYING, None)
    walk.pay.close_outcome = CloseOutcome.BUSY
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["code"]) == (409, "payment-in-progress")
    assert states(walk) == [CREATED]


def test_a_number_that_wechat_calls_paid_is_applied_not_repeated(walk, me, number):
    walk.pay.failures = [UpstreamFailed()]
    walk.post(number, "payments", me)
    walk.pay.orders[f"{number}01"] = PrepayOrder(
        MCHID, f"{number}01", "认种", 10_000, "openid-a", walk.clock() + HOLD, "https://t.example"
    )
    walk.pay.pay(f"{number}01")
    answer = walk.post(number, "payments", me)
    assert (answer.status_code, answer.json["code"]) == (409, "already-paid")
    assert walk.status(number) == "funded"


def test_a_spent_number_that_was_paid_is_applied(walk, me, number):
    walk.order(number, me)
    [attempt] = walk.attempts()
    with transaction() as session:  # as if the prepay_id had been lost
        session.get_one(PaymentAttempt, attempt.id).prepay_id = None
    walk.pay.pay(f"{number}01")
    walk.pay.failures = [OrderNumberSpent()]
    assert walk.post(number, "payments", me).json["code"] == "already-paid"
    assert (walk.status(number), len(walk.pay.orders)) == ("funded", 1)


def test_numbers_that_stay_spent_end_in_an_upstream_failure(walk, me, number):
    for ordinal in (1, 2, 3):
        walk.pay.states[f"{number}{ordinal:02d}"] = OrderState(TradeState.CLOSED, None)
    assert walk.post(number, "payments", me).status_code == 502
    assert states(walk) == [FAILED] * 3


@dataclass
class Interrupted:
    """A gateway in front of the fake: ``meanwhile`` happens while WeChat is asked for a prepay_id."""

    gateway: object
    meanwhile: Callable[[], object]

    def prepay(self, order):
        self.meanwhile()
        return self.gateway.prepay(order)

    def __getattr__(self, name):
        return getattr(self.gateway, name)


def test_an_order_cancelled_while_wechat_was_asked_is_closed_and_nobody_can_pay_it(walk, me, number):
    cancel = lambda: walk.post(number, "cancel", me)  # noqa: E731
    index = walk.app.extensions["xiangshu.vault"].index
    till = Cashier(Interrupted(walk.pay, cancel), index, transaction, walk.clock, lambda mchid: f"https://t/{mchid}")
    with pytest.raises(attempts.PledgeNotPayable):
        till.pay(number=number, resident_id=1, openid="openid-a", appid=APPID, nonce="n")
    assert walk.pay.calls == ["query", "close", "prepay", "close"]
    assert (walk.status(number), states(walk)) == ("cancelled", [CLOSED])
    assert walk.pay.states[f"{number}01"].state is TradeState.CLOSED


def test_a_pledge_is_not_cancelled_under_an_order_that_is_being_made(walk, me, number):
    """Both at once: whoever comes second sees what the first has done."""
    [pledge] = walk.all(Pledge)
    begun, ended = Event(), Event()

    def cancel():
        begun.wait(5)
        with walk.app.app_context(), transaction() as session:
            done = pledges.end_unpaid(
                session, pledge_id=pledge.id, to=PledgeStatus.CANCELLED, cause="test", now=walk.clock()
            )
        ended.set()
        return done

    with ThreadPoolExecutor(1) as pool:
        cancelled = pool.submit(cancel)
        with transaction() as session:
            attempts.take_attempt(session, number=number, resident_id=1, appid=APPID, payer_index="x", now=walk.clock())
            begun.set()
            assert not ended.wait(0.3)  # it waits for us, or it would have ended long ago
        assert cancelled.result(5) is False
    assert walk.status(number) == "pending"


def test_no_order_is_made_for_a_pledge_that_is_being_cancelled(walk, me, number):
    [pledge] = walk.all(Pledge)
    begun, ended = Event(), Event()

    def order():
        begun.wait(5)
        try:
            with walk.app.app_context(), transaction() as session:
                attempts.take_attempt(
                    session, number=number, resident_id=1, appid=APPID, payer_index="x", now=walk.clock()
                )
        finally:
            ended.set()

    with ThreadPoolExecutor(1) as pool:
        ordered = pool.submit(order)
        with transaction() as session:
            pledges.end_unpaid(session, pledge_id=pledge.id, to=PledgeStatus.CANCELLED, cause="test", now=walk.clock())
            begun.set()
            assert not ended.wait(0.3)
        with pytest.raises(attempts.PledgeNotPayable):
            ordered.result(5)
    assert walk.attempts() == []


def test_a_prepay_id_never_outlives_the_two_hours_wechat_gives_it():
    assert timedelta(hours=2) > HOLD


def test_pay_parameters_are_made_anew_for_every_request(walk, me, number):
    first, second = (walk.post(number, "payments", me).json["pay"] for _ in range(2))
    assert first["nonceStr"] != second["nonceStr"]
    assert ports().mini.appid == APPID
