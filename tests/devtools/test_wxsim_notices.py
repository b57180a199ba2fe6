"""Notifications: opened by the unmodified wechatpayv3, on the real schedule, duplicated, held and forged."""

import json
from itertools import pairwise

import pytest

from tests.devtools.paying import NUMBER, flush, opens, pay_directly
from wxbackend.devtools.wxsim import ControlFailed, SimClock, Simulator
from wxbackend.devtools.wxsim.notices_forged import Forgery

MINUTE, HOUR = 60, 3600
REAL_GAPS_S = [15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE, 60 * MINUTE]
REAL_GAPS_S += [3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR]


@pytest.fixture
def paid(simulator):
    """Place and pay an order without going through HTTP; keywords go to the control call."""

    def act(number: str = NUMBER, *, of: Simulator = simulator, **more):
        return pay_directly(of, number, **more)

    return act


def deliveries(simulator, number=NUMBER):
    return simulator.control("GET", f"deliveries?out_trade_no={number}")["deliveries"]


def test_the_sdk_verifies_and_opens_the_notification_of_a_payment(pay_sdk, simulator, mailbox, paid, merchant):
    transaction = paid()["transaction"]
    flush(simulator)
    [(url, headers, body)] = mailbox.posts
    opened = pay_sdk.callback(headers, body)
    assert url == "https://xiangshu.example/wx/pay/notify"
    assert headers["Wechatpay-Serial"] == merchant.public_key_id
    assert (opened["event_type"], opened["resource_type"]) == ("TRANSACTION.SUCCESS", "encrypt-resource")
    assert opened["resource"] == transaction
    assert len(opened["id"]) == 36
    assert deliveries(simulator)[0]["state"] == "delivered"


def test_a_notification_signed_by_the_platform_certificate_opens_in_certificate_mode(
    certificate_core, simulator, mailbox, paid, merchant
):
    simulator.control("POST", f"merchants/{merchant.mchid}", {"sign_mode": "platform_certificate"})
    paid()
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    assert headers["Wechatpay-Serial"] == merchant.platform_serial
    assert json.loads(certificate_core.decrypt_callback(headers, body))["out_trade_no"] == NUMBER


def test_during_the_switch_both_keys_take_turns(simulator, mailbox, paid, merchant):
    simulator.control("POST", f"merchants/{merchant.mchid}", {"sign_mode": "alternate"})
    paid()
    simulator.control("POST", "notify", {"out_trade_no": NUMBER, "copies": 3})
    flush(simulator)
    serials = [headers["Wechatpay-Serial"] for _, headers, _ in mailbox.posts]
    assert serials == [merchant.public_key_id, merchant.platform_serial] * 2


def test_one_notification_may_choose_its_key(simulator, mailbox, paid, merchant):
    paid(notify=False)
    simulator.control("POST", "notify", {"out_trade_no": NUMBER, "sign_mode": "platform_certificate"})
    flush(simulator)
    assert mailbox.posts[0][1]["Wechatpay-Serial"] == merchant.platform_serial


def test_retries_follow_the_real_schedule_for_a_day_and_then_end(new_world, wall, mailbox, paid):
    simulator = Simulator(new_world(SimClock(wall)), post=mailbox)
    mailbox.statuses = [500]
    paid(of=simulator)
    assert flush(simulator) == 1
    for gap_s in REAL_GAPS_S:
        wall.seconds += gap_s - 0.5
        assert flush(simulator) == 0, f"too early for the gap of {gap_s} s"
        wall.seconds += 0.5
        assert flush(simulator) == 1, f"late for the gap of {gap_s} s"
    wall.seconds += 48 * HOUR
    assert flush(simulator) == 0
    [delivery] = deliveries(simulator)
    assert (delivery["state"], len(delivery["attempts"]), len(mailbox.posts)) == ("given_up", 16, 16)
    assert sum(REAL_GAPS_S) == 24 * HOUR + 4 * MINUTE


def test_a_fast_clock_divides_every_wait(new_world, wall, mailbox, paid):
    simulator = Simulator(new_world(SimClock(wall, speed=60)), post=mailbox)
    mailbox.statuses = [500]
    paid(of=simulator)
    flush(simulator)
    wall.seconds += 0.24
    assert flush(simulator) == 0
    wall.seconds += 0.02
    assert flush(simulator) == 1
    simulator.control("POST", "clock", {"speed": 1})
    wall.seconds += 14
    assert flush(simulator) == 0
    wall.seconds += 1
    assert flush(simulator) == 1


def test_running_the_schedule_out_sends_all_sixteen_without_moving_the_business_day(new_world, wall, mailbox, paid):
    simulator = Simulator(new_world(SimClock(wall)), post=mailbox)
    mailbox.statuses = [500]
    paid(of=simulator)
    assert flush(simulator, "end") == 16
    attempts = deliveries(simulator)[0]["attempts"]
    moments = [attempt["scheduled_at"] for attempt in attempts]
    assert [round(later - earlier) for earlier, later in pairwise(moments)] == REAL_GAPS_S
    assert simulator.world.clock.now() == wall.seconds


@pytest.mark.parametrize(("status", "state"), [(200, "delivered"), (204, "delivered")])
def test_200_and_204_end_the_delivery(simulator, mailbox, paid, status, state):
    mailbox.statuses = [status]
    paid()
    assert flush(simulator, "end") == 1
    assert deliveries(simulator)[0]["state"] == state


@pytest.mark.parametrize("status", [201, 202, 301, 302, 400, 401, 404, 409, 429, 500, 503])
def test_every_other_status_is_retried(simulator, mailbox, paid, status):
    mailbox.statuses = [status, 204]
    paid()
    assert flush(simulator, "end") == 2
    assert [attempt["status"] for attempt in deliveries(simulator)[0]["attempts"]] == [status, 204]


def test_an_unreachable_backend_is_retried_and_named(new_world, paid):
    def nobody(url: str, headers: dict[str, str], body: bytes) -> int:
        raise ConnectionRefusedError

    simulator = Simulator(new_world(SimClock()), post=nobody)
    paid(of=simulator)
    flush(simulator)
    [delivery] = deliveries(simulator)
    assert delivery["state"] == "waiting"
    assert delivery["attempts"][0]["error"] == "ConnectionRefusedError"


def test_a_retry_is_the_same_notification_signed_anew(new_world, wall, mailbox, paid):
    simulator = Simulator(new_world(SimClock(wall)), post=mailbox)
    mailbox.statuses = [500, 204]
    paid(of=simulator)
    flush(simulator)
    wall.seconds += 15
    flush(simulator)
    (_, first, first_body), (_, second, second_body) = mailbox.posts
    assert first_body == second_body
    assert int(second["Wechatpay-Timestamp"]) - int(first["Wechatpay-Timestamp"]) == 15
    assert first["Wechatpay-Nonce"] != second["Wechatpay-Nonce"]


def ids(mailbox):
    return [json.loads(body)["id"] for _, _, body in mailbox.posts]


def test_copies_carry_one_id_or_one_each(simulator, mailbox, paid):
    simulator.control("POST", "plans", {"copies": 3})
    paid()
    flush(simulator)
    assert len(mailbox.posts) == 3
    assert len(set(ids(mailbox))) == 1
    simulator.control("POST", "notify", {"out_trade_no": NUMBER, "copies": 2, "second_id": True})
    flush(simulator)
    assert len(set(ids(mailbox))) == 3


def test_a_plan_holds_for_as_many_payments_as_told(simulator, mailbox, paid):
    simulator.control("POST", "plans", {"drop": True, "times": 2})
    for number in ("P00001", "P00002", "P00003"):
        paid(number)
    flush(simulator, "end")
    states = [deliveries(simulator, number)[0]["state"] for number in ("P00001", "P00002", "P00003")]
    assert states == ["dropped", "dropped", "delivered"]
    assert len(mailbox.posts) == 1


def test_a_delayed_notification_waits_for_its_moment(new_world, wall, mailbox, paid):
    simulator = Simulator(new_world(SimClock(wall)), post=mailbox)
    simulator.control("POST", "plans", {"delay_s": 120})
    paid(of=simulator)
    wall.seconds += 119
    assert flush(simulator) == 0
    wall.seconds += 1
    assert flush(simulator) == 1


def test_held_notifications_are_released_in_any_order(simulator, mailbox, paid, pay_sdk):
    simulator.control("POST", "plans", {"hold": True, "times": 3})
    numbers = [paid(name)["deliveries"][0] for name in ("P00001", "P00002", "P00003")]
    assert flush(simulator, "end") == 0
    simulator.control("POST", "release", {"numbers": numbers[::-1]})
    flush(simulator)
    told = [pay_sdk.callback(headers, body)["resource"]["out_trade_no"] for _, headers, body in mailbox.posts]
    assert told == ["P00003", "P00002", "P00001"]
    with pytest.raises(ControlFailed, match="only held"):
        simulator.control("POST", "release", {"numbers": numbers})


def test_release_without_numbers_lets_all_go(simulator, mailbox, paid):
    simulator.control("POST", "plans", {"hold": True, "times": 2})
    paid("P00001")
    paid("P00002")
    assert simulator.control("POST", "release", {})["deliveries"] == [1, 2]
    assert flush(simulator) == 2


def test_a_delivered_notification_can_be_sent_again_as_it_was(simulator, mailbox, paid):
    number = paid()["deliveries"][0]
    flush(simulator)
    simulator.control("POST", f"deliveries/{number}/resend")
    flush(simulator)
    assert mailbox.posts[0][2] == mailbox.posts[1][2]
    with pytest.raises(ControlFailed, match="no delivery 99"):
        simulator.control("POST", "deliveries/99/resend")


@pytest.mark.parametrize(
    ("name", "value"), [("amount.total", 1), ("appid", "wxffffffffffffffff"), ("mchid", "1999999999")]
)
def test_a_genuine_notification_may_tell_something_wrong(simulator, mailbox, paid, pay_sdk, name, value):
    paid(notify=False)
    simulator.control("POST", "notify", {"out_trade_no": NUMBER, "override": {name: value}})
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    resource = pay_sdk.callback(headers, body)["resource"]
    for part in name.split("."):
        resource = resource[part]
    assert resource == value
    order = simulator.control("GET", f"orders?out_trade_no={NUMBER}")["orders"][0]
    assert order["amount"]["total"] == 29700, "the order itself stays as it is"


def test_an_override_of_nothing_is_refused(simulator, paid):
    paid()
    for name in ("amount.totel", "amount.total.fen", "nothing.here"):
        with pytest.raises(ControlFailed, match="the resource has no"):
            simulator.control("POST", "notify", {"out_trade_no": NUMBER, "override": {name: 1}})


SIGNED_AT_ANOTHER_TIME = {Forgery.STALE_TIMESTAMP, Forgery.FUTURE_TIMESTAMP, Forgery.BAD_TIMESTAMP}


@pytest.mark.parametrize("forgery", sorted(set(Forgery) - SIGNED_AT_ANOTHER_TIME))
def test_the_sdk_refuses_each_forgery_and_it_is_not_repeated(simulator, mailbox, paid, pay_sdk, forgery):
    mailbox.statuses = [401]
    paid(notify=False)
    simulator.control("POST", "notify", {"out_trade_no": NUMBER, "forge": forgery})
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    assert not opens(pay_sdk, headers, body)
    [delivery] = deliveries(simulator)
    assert delivery["attempts"][0]["forged"] == forgery
    assert delivery["state"] == ("waiting" if forgery is Forgery.SIGNTEST else "given_up")


def test_a_signtest_probe_is_followed_by_the_genuine_one(simulator, mailbox, paid, pay_sdk):
    mailbox.statuses = [401, 204]
    simulator.control("POST", "plans", {"forge": "signtest"})
    paid()
    flush(simulator, "end")
    (_, probe, _), (_, genuine, body) = mailbox.posts
    assert probe["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert opens(pay_sdk, genuine, body)
    assert deliveries(simulator)[0]["state"] == "delivered"


def test_an_unpaid_order_sends_nothing(simulator, place):
    place()
    with pytest.raises(ControlFailed, match="only a paid order"):
        simulator.control("POST", "notify", {"out_trade_no": NUMBER})
