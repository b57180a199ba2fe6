"""Bad notifications by name, each judged by the unmodified wechatpayv3."""

import json
import time

import pytest

from tests.devtools.paying import NUMBER, flush, opens, pay_directly
from wxbackend.devtools.wxsim import ControlFailed, SimClock, Simulator
from wxbackend.devtools.wxsim.notices_named import TROUBLES


def test_every_trouble_by_name_can_be_ordered_and_told_apart(simulator, mailbox, paid):
    """One line each: this is what a flood of bad notifications is made of."""
    paid(notify=False)
    told = simulator.control("GET", "troubles")
    assert set(told) == set(TROUBLES)
    assert all(told.values())
    payment_troubles = [name for name in TROUBLES if "refund" not in name]
    numbers = [number for name in payment_troubles for number in simulator.notify(NUMBER, name)]
    assert len(numbers) == len(payment_troubles) + 1 + 1 + 19
    flush(simulator, "end")
    assert len(mailbox.posts) == len(numbers) - len(("held", "lost"))


def test_an_unknown_trouble_is_refused_and_what_is_given_goes_before_what_it_names(simulator, mailbox, paid):
    paid(notify=False)
    with pytest.raises(ControlFailed, match="there is no trouble wrong-amout"):
        simulator.notify(NUMBER, "wrong-amout")
    assert len(simulator.notify(NUMBER, "duplicate", copies=5)) == 5
    simulator.notify(NUMBER, "wrong-amount", override={"amount.total": 3, "appid": "wx1"})
    plain = simulator.office.find(6).notice.plain
    assert (plain["amount"]["total"], plain["appid"]) == (3, "wx1")


def test_a_notification_of_one_kind_may_come_under_another_name_or_to_another_address(
    simulator, mailbox, paid, pay_sdk
):
    paid(notify=False)
    simulator.notify(NUMBER, "unknown-event", url="https://xiangshu.example/wx/other/notify")
    flush(simulator)
    [(url, headers, body)] = mailbox.posts
    assert url == "https://xiangshu.example/wx/other/notify"
    assert pay_sdk.callback(headers, body)["event_type"] == "PAYSCORE.USER_PAID"


@pytest.mark.parametrize("url", ["nowhere", "http://[", "http://127.0.0.1:99999/"])
def test_an_address_that_is_none_is_an_attempt_that_failed(new_world, url):
    simulator = Simulator(new_world(SimClock()))
    pay_directly(simulator, notify_url=url)
    flush(simulator)
    [delivery] = simulator.control("GET", "deliveries")["deliveries"]
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("waiting", None)
    assert delivery["attempts"][0]["error"]


def test_only_a_forger_claims_a_payment_that_never_was(simulator, mailbox, place, pay_sdk):
    place()
    for trouble in (None, "duplicate", "stale-timestamp", "signtest", "wrong-amount"):
        with pytest.raises(ControlFailed, match="has to be forged"):
            simulator.notify(NUMBER, trouble, claim=True)
    for trouble in ("random-signature", "no-signature", "wrong-key", "unknown-serial"):
        [number] = simulator.notify(NUMBER, trouble, claim=True)
        plain = simulator.office.find(number).notice.plain
        assert (plain["trade_state"], plain["amount"]["total"]) == ("SUCCESS", 29700)
    flush(simulator, "end")
    assert [opens(pay_sdk, headers, body) for _, headers, body in mailbox.posts] == [False] * 4
    assert json.loads(pay_sdk.query(out_trade_no=NUMBER)[1])["trade_state"] == "NOTPAY"


def test_a_replay_is_the_old_request_to_the_letter(simulator, mailbox, paid):
    paid()
    number = 1
    held = simulator.notify(NUMBER, "held")[0]
    flush(simulator)
    simulator.control("POST", f"deliveries/{number}/resend", {"verbatim": True})
    flush(simulator)
    assert mailbox.posts[0] == mailbox.posts[1]
    mailbox.statuses = [401]
    simulator.control("POST", f"deliveries/{number}/resend", {"verbatim": True})
    flush(simulator, "end")
    assert len(mailbox.posts) == 3, "who listened in does not come back on WeChat's schedule"
    with pytest.raises(ControlFailed, match="was never sent"):
        simulator.control("POST", f"deliveries/{held}/resend", {"verbatim": True})


def test_a_reset_apiv3_key_seals_what_comes_after(simulator, mailbox, paid, pay_sdk, merchant):
    paid()
    flush(simulator)
    simulator.control("POST", f"merchants/{merchant.mchid}", {"apiv3_key": "N" * 32})
    simulator.notify(NUMBER)
    flush(simulator)
    (_, *first), (_, *second) = mailbox.posts
    assert (opens(pay_sdk, *first), opens(pay_sdk, *second)) == (True, False)
    pay_sdk._core._apiv3_key = "N" * 32
    assert opens(pay_sdk, *second)
    with pytest.raises(ControlFailed, match="bad-request"):
        simulator.control("POST", f"merchants/{merchant.mchid}", {"apiv3_key": "short"})


@pytest.mark.parametrize(("trouble", "off_s"), [("stale-timestamp", -3600), ("future-timestamp", 3600)])
def test_a_notification_of_another_time_is_properly_signed(simulator, mailbox, paid, pay_sdk, trouble, off_s):
    paid(notify=False)
    simulator.notify(NUMBER, trouble)
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    assert opens(pay_sdk, headers, body)
    assert abs(int(headers["Wechatpay-Timestamp"]) - time.time() - off_s) < 10


def test_a_timestamp_that_is_no_number_is_properly_signed(simulator, mailbox, paid, pay_sdk):
    paid(notify=False)
    simulator.notify(NUMBER, "bad-timestamp")
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    assert (headers["Wechatpay-Timestamp"], opens(pay_sdk, headers, body)) == ("now", True)


def test_absent_and_empty_signatures_are_just_that(simulator, mailbox, paid):
    paid(notify=False)
    for trouble in ("empty-signature", "no-signature", "no-headers"):
        simulator.notify(NUMBER, trouble)
        flush(simulator)
    empty, absent, bare = (headers for _, headers, _ in mailbox.posts)
    assert empty["Wechatpay-Signature"] == ""
    assert "Wechatpay-Signature" not in absent
    assert "Wechatpay-Serial" in absent
    assert not [name for name in bare if name.startswith("Wechatpay-")]
