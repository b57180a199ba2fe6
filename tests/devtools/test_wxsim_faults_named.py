"""Faults of WeChat Pay by name and answers with mistaken signatures, seen through the unmodified wechatpayv3."""

import json
import re
import time

import pytest
import requests
from wechatpayv3.utils import rsa_verify

from wxbackend.devtools.wxsim import ControlFailed
from wxbackend.devtools.wxsim.faults_named import NAMED_FAULTS
from wxbackend.devtools.wxsim.pay_mistakes import Mistake

NUMBER = "P261121ABCDEFGHJK01"
REFUND = "R261121ABCDEFGHJK01"
TOTAL = 29700


@pytest.fixture
def paid(place, simulator):
    place()
    return simulator.control("POST", "pay", {"out_trade_no": NUMBER})["transaction"]


def refund(sdk):
    amount = {"refund": 100, "total": TOTAL, "currency": "CNY"}
    status, text = sdk.refund(REFUND, amount, out_trade_no=NUMBER)
    return status, json.loads(text)


def refunds(simulator):
    return simulator.control("GET", "refunds")["refunds"]


def state(sdk):
    return json.loads(sdk.query(out_trade_no=NUMBER)[1])["trade_state"]


def test_every_named_fault_is_told_in_words_and_can_be_ordered(simulator):
    told = simulator.control("GET", "named-faults")
    assert set(told) == set(NAMED_FAULTS)
    assert all(told.values())
    for name in NAMED_FAULTS:
        simulator.fail(name)
    assert len(simulator.control("GET", "faults")["faults"]) == len(NAMED_FAULTS)
    with pytest.raises(ControlFailed, match="there is no fault refund-lost"):
        simulator.fail("refund-lost")
    with pytest.raises(ControlFailed, match="give name or path"):
        simulator.control("POST", "faults", {"status": 500})


def test_what_is_given_goes_before_what_the_name_brings(simulator, pay_sdk):
    simulator.fail("query-down", times=2, status=503, code="SERVICE_UNAVAILABLE")
    for _ in range(2):
        status, text = pay_sdk.query(out_trade_no=NUMBER)
        assert (status, json.loads(text)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert pay_sdk.query(out_trade_no=NUMBER)[0] == 404


def test_closing_is_too_frequent_while_the_order_stays_open(simulator, pay_sdk, place):
    place()
    simulator.fail("close-busy")
    status, text = pay_sdk.close(NUMBER)
    assert (status, json.loads(text)["code"], state(pay_sdk)) == (429, "FREQUENCY_LIMITED", "NOTPAY")
    assert pay_sdk.close(NUMBER)[0] == 204


def test_a_close_whose_answer_is_lost_has_closed(simulator, pay_sdk, place):
    place()
    simulator.fail("close-answer-lost")
    with pytest.raises(requests.ConnectionError):
        pay_sdk.close(NUMBER)
    assert state(pay_sdk) == "CLOSED"


@pytest.mark.parametrize(
    ("name", "status", "code", "is_accepted"),
    [
        ("refund-down", 500, "SYSTEM_ERROR", False),
        ("refund-rate-limited", 429, "RATELIMIT_EXCEEDED", False),
        ("refund-rate-limited-but-done", 429, "RATELIMIT_EXCEEDED", True),
        ("refund-not-enough", 403, "NOT_ENOUGH", False),
        ("refund-user-gone", 403, "USER_ACCOUNT_ABNORMAL", False),
    ],
)
def test_a_refused_refund_may_or_may_not_have_happened(simulator, pay_sdk, paid, name, status, code, is_accepted):
    simulator.fail(name)
    answer = refund(pay_sdk)
    assert (answer[0], answer[1]["code"], bool(refunds(simulator))) == (status, code, is_accepted)
    assert refund(pay_sdk)[0] == 200
    assert len(refunds(simulator)) == 1


def test_a_refund_whose_answer_is_lost_was_accepted_once(simulator, pay_sdk, paid):
    simulator.fail("refund-answer-lost")
    with pytest.raises(requests.ConnectionError):
        refund(pay_sdk)
    assert pay_sdk.query_refund(REFUND)[0] == 200
    assert refund(pay_sdk)[1]["refund_id"] == refunds(simulator)[0]["refund_id"]


def test_the_query_of_a_refund_fails_alone(simulator, pay_sdk, paid):
    simulator.fail("refund-query-unknown")
    assert refund(pay_sdk)[0] == 200
    assert json.loads(pay_sdk.query_refund(REFUND)[1])["code"] == "RESOURCE_NOT_EXISTS"
    assert pay_sdk.query_refund(REFUND)[0] == 200


def test_a_partition_lasts_until_it_is_cleared(simulator, pay_sdk, place):
    place()
    simulator.fail("pay-unreachable")
    for _ in range(3):
        with pytest.raises(requests.ConnectionError):
            pay_sdk.query(out_trade_no=NUMBER)
    simulator.control("DELETE", "faults")
    assert state(pay_sdk) == "NOTPAY"


def test_a_fault_of_one_host_leaves_the_other_host_alone(simulator, running, pay_sdk, place):
    place()
    simulator.fail("pay-unreachable", host=r"^127\.0\.0\.1")
    with pytest.raises(requests.ConnectionError):
        pay_sdk.query(out_trade_no=NUMBER)
    pay_sdk._core._gate_way = f"http://localhost:{running.port}"
    assert state(pay_sdk) == "NOTPAY"


def test_a_fault_may_let_the_first_ones_pass_and_strike_one_method_only(simulator, pay_sdk, place):
    place()
    simulator.control("POST", "faults", {"path": "/v3/", "method": "GET", "skip": 2, "status": 500})
    assert pay_sdk.close("P261121ABCDEFGHJK09")[0] == 404
    assert [pay_sdk.query(out_trade_no=NUMBER)[0] for _ in range(4)] == [200, 200, 500, 200]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unsigned-answer", "does not support this algorithm"),
        ("forged-answer", "failed to verify"),
        ("tampered-answer", "failed to verify"),
        ("unknown-serial-answer", "failed to verify"),
    ],
)
def test_the_sdk_refuses_an_answer_with_a_mistaken_signature(simulator, pay_sdk, place, name, message):
    place()
    simulator.fail(name)
    with pytest.raises(Exception, match=message):
        pay_sdk.query(out_trade_no=NUMBER)
    assert state(pay_sdk) == "NOTPAY"


def test_a_mistaken_answer_of_a_204_is_refused_and_the_close_was_done(simulator, pay_sdk, place):
    place()
    simulator.fail("tampered-answer")
    with pytest.raises(Exception, match="failed to verify"):
        pay_sdk.close(NUMBER)
    assert state(pay_sdk) == "CLOSED"


@pytest.mark.parametrize(("mistake", "off_s"), [(Mistake.STALE, -3600), (Mistake.FUTURE, 3600)])
def test_an_answer_of_another_time_is_properly_signed(simulator, pay_sdk, place, mistake, off_s):
    place()
    heard = []
    pay_sdk._core._verify_signature = lambda headers, body: heard.append((headers, body)) or True
    simulator.control("POST", "faults", {"path": "/v3/", "mistake": mistake})
    assert state(pay_sdk) == "NOTPAY"
    [(headers, body)] = heard
    timestamp, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
    assert rsa_verify(timestamp, nonce, body, headers["Wechatpay-Signature"], pay_sdk._core._public_key)
    assert abs(int(timestamp) - simulator.world.clock.signing_now() - off_s) < 10


def test_a_mistake_on_an_unsigned_answer_changes_nothing(simulator, running, http):
    simulator.control("POST", "faults", {"path": "/v3/", "mistake": "stale"})
    assert http.get(f"{running.origin}/v3/certificates").status_code == 401


def test_a_skewed_clock_at_wechat_shows_in_every_answer(simulator, pay_sdk, place):
    place()
    simulator.control("POST", "clock", {"skew_s": 200})
    heard = []
    pay_sdk._core._verify_signature = lambda headers, body: heard.append(headers) or True
    state(pay_sdk)
    assert re.fullmatch(r"\d{10}", heard[0]["Wechatpay-Timestamp"])
    assert 190 < int(heard[0]["Wechatpay-Timestamp"]) - time.time() < 210


def test_bills_fail_by_name_too(simulator, pay_sdk):
    for name, code in (("bill-creating", "STATEMENT_CREATING"), ("bill-rate-limited", "FREQUENCY_LIMITED")):
        simulator.fail(name)
        assert json.loads(pay_sdk.trade_bill("2026-11-01")[1])["code"] == code
    simulator.fail("bill-download-expired")
    status, text = pay_sdk.download_bill("/v3/billdownload/file?token=x")
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST")
