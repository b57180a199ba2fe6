"""Which refunds api.mch.weixin.qq.com accepts, asked for by the unmodified wechatpayv3."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from wechatpayv3.type import RequestType

from tests.devtools.paying import (
    DAY,
    NUMBER,
    REFUND,
    TOTAL,
    account,
    advance,
    plan_refund,
    query_refund,
)
from wxbackend.devtools.wxsim import ControlFailed


def order_state(sdk, number=NUMBER):
    return json.loads(sdk.query(out_trade_no=number)[1])["trade_state"]


def test_a_refund_is_accepted_first_and_succeeds_by_the_clock(pay_sdk, paid, refund, simulator):
    transaction = paid()
    status, accepted = refund()
    assert (status, accepted["status"], accepted["amount"]["refund"]) == (200, "PROCESSING", TOTAL)
    assert (accepted["out_refund_no"], accepted["out_trade_no"]) == (REFUND, NUMBER)
    assert accepted["transaction_id"] == transaction["transaction_id"]
    assert (accepted["channel"], "success_time" in accepted) == ("ORIGINAL", False)
    assert query_refund(pay_sdk) == (200, accepted)
    advance(simulator, 6)
    done = query_refund(pay_sdk)[1]
    assert (done["status"], done["user_received_account"]) == ("SUCCESS", "支付用户零钱")
    assert datetime.fromisoformat(done["success_time"]).utcoffset() == timedelta(hours=8)
    lasted = datetime.fromisoformat(done["success_time"]) - datetime.fromisoformat(done["create_time"])
    assert timedelta(seconds=4) <= lasted <= timedelta(seconds=6), "it ended when due, not when it was looked at"


def test_an_order_reads_refund_from_the_first_accepted_refund_on(pay_sdk, paid, refund, place, simulator):
    paid()
    refund(fen=100)
    assert order_state(pay_sdk) == "REFUND"
    assert json.loads(pay_sdk.close(NUMBER)[1])["code"] == "ORDERPAID"
    assert place()[1]["code"] == "ORDERPAID"
    with pytest.raises(ControlFailed, match="order-paid"):
        simulator.control("POST", "pay", {"out_trade_no": NUMBER})


def test_a_refund_may_name_the_order_by_its_transaction(paid, refund):
    transaction = paid()
    status, accepted = refund(out_trade_no=None, transaction_id=transaction["transaction_id"])
    assert (status, accepted["out_trade_no"]) == (200, NUMBER)


def test_the_same_number_again_is_the_same_refund_and_takes_no_money_twice(paid, refund, simulator, merchant):
    paid()
    first = refund(fen=100)[1]
    advance(simulator, 6)
    status, again = refund(fen=100)
    assert (status, again["refund_id"], again["status"]) == (200, first["refund_id"], "SUCCESS")
    assert account(simulator, merchant)["balance_fen"] == TOTAL - 100
    assert len(simulator.control("GET", "refunds")["refunds"]) == 1


def test_twenty_requests_for_one_refund_at_once_are_one_refund(paid, refund, simulator, merchant):
    paid()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(refund(fen=100))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(status, answer["refund_id"]) for status, answer in answers} == {(200, answers[0][1]["refund_id"])}
    assert account(simulator, merchant)["balance_fen"] == TOTAL - 100


@pytest.mark.parametrize(
    "change", [{"fen": 101}, {"reason": "其他"}, {"notify_url": "https://xiangshu.example/other"}, {"total": 1}]
)
def test_the_same_number_with_other_parameters_is_refused(paid, refund, change):
    paid()
    refund(fen=100)
    status, refusal = refund(**({"fen": 100} | change))
    assert (status, refusal["code"]) == (400, "INVALID_REQUEST")
    assert "退款单号重复" in refusal["message"]


def test_the_same_number_for_another_order_is_refused(paid, refund):
    paid()
    paid("P261121ABCDEFGHJK02")
    refund()
    assert "退款单号重复" in refund(out_trade_no="P261121ABCDEFGHJK02")[1]["message"]


def test_no_more_is_refunded_than_was_paid(paid, refund, simulator):
    paid()
    assert refund("R1", TOTAL - 100)[0] == 200
    advance(simulator, 60)
    assert refund("R2", 101) == (400, {"code": "INVALID_REQUEST", "message": "申请退款金额大于订单可退金额"})
    assert refund("R2", 100)[0] == 200
    advance(simulator, 60)
    assert refund("R3", 1)[1]["message"] == "订单已全额退款"


def test_the_total_must_be_the_orders(paid, refund):
    paid()
    status, refusal = refund(fen=100, total=TOTAL + 1)
    assert (status, refusal["code"]) == (400, "INVALID_REQUEST")


def test_an_unpaid_or_unknown_order_has_nothing_to_refund(place, refund, paid, other_pay_sdk):
    assert refund()[1]["code"] == "RESOURCE_NOT_EXISTS"
    assert refund(out_trade_no=None, transaction_id="42000000")[0] == 404
    place()
    assert (refund()[0], refund()[1]["code"]) == (404, "RESOURCE_NOT_EXISTS")
    paid("P261121ABCDEFGHJK02")
    assert refund(out_trade_no="P261121ABCDEFGHJK02", sdk=other_pay_sdk)[0] == 404


def test_both_numbers_must_be_of_one_order(paid, pay_sdk):
    other = paid("P261121ABCDEFGHJK02")
    paid()
    body = {
        "out_trade_no": NUMBER,
        "transaction_id": other["transaction_id"],
        "out_refund_no": REFUND,
        "amount": {"refund": 1, "total": TOTAL, "currency": "CNY"},
    }
    status, text = pay_sdk._core.request("/v3/refund/domestic/refunds", RequestType.POST, data=body)
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST")


def test_after_a_year_nothing_is_refunded_any_more(paid, refund, simulator):
    paid()
    advance(simulator, 365 * DAY - 10)
    assert refund("R1", 1)[0] == 200
    advance(simulator, 70)
    assert refund("R2", 1) == (400, {"code": "INVALID_REQUEST", "message": "订单已超过退款期限（支付成功后365天）"})


def test_refunds_of_one_order_are_a_minute_apart(paid, refund, simulator):
    paid()
    paid("P261121ABCDEFGHJK02")
    refund("R1", 1)
    assert refund("R2", 1)[0] == 429
    assert refund("R2", 1)[1]["code"] == "FREQUENCY_LIMITED"
    assert refund("R1", 1)[0] == 200, "a repetition is no further refund"
    assert refund("R3", 1, out_trade_no="P261121ABCDEFGHJK02")[0] == 200
    advance(simulator, 60)
    assert refund("R2", 1)[0] == 200


def test_an_order_is_refunded_in_fifty_parts_at_most(paid, refund, simulator):
    paid()
    for part in range(50):
        assert refund(f"R{part}", 1)[0] == 200
        advance(simulator, 60)
    status, refusal = refund("R50", 1)
    assert (status, refusal["code"]) == (400, "INVALID_REQUEST")
    assert "50次" in refusal["message"]


def test_a_short_balance_refuses_and_the_same_number_succeeds_after_a_top_up(paid, refund, simulator, merchant):
    paid()
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"withdraw_fen": TOTAL - 99})
    status, refusal = refund(fen=100)
    assert (status, refusal["code"]) == (403, "NOT_ENOUGH")
    assert simulator.control("GET", "refunds")["refunds"] == []
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"balance_fen": 100})
    assert refund(fen=100)[0] == 200
    told = account(simulator, merchant)
    assert told["balance_fen"] == 0
    assert [flow["business"] for flow in told["flows"]] == ["交易", "提现", "充值", "退款"]
    assert sum(flow["amount_fen"] for flow in told["flows"]) == 0


def test_balances_of_two_merchants_are_two(paid, simulator, merchant, other_merchant):
    paid()
    assert account(simulator, merchant)["balance_fen"] == TOTAL
    assert account(simulator, other_merchant)["balance_fen"] == 0
    with pytest.raises(ControlFailed, match="not-found"):
        simulator.control("GET", "merchants/1999999999/account")
    with pytest.raises(ControlFailed, match="the balance is 29700 fen"):
        simulator.control("POST", f"merchants/{merchant.mchid}/account", {"withdraw_fen": TOTAL + 1})


def test_fees_are_kept_and_come_back_with_the_refund_to_the_last_fen(paid, refund, simulator, merchant):
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"fee_bp": 60, "balance_fen": 0})
    paid()
    assert account(simulator, merchant)["balance_fen"] == TOTAL - 178
    for number, fen in (("R1", 9900), ("R2", 9900), ("R3", 9900)):
        assert refund(number, fen)[0] == 200
        advance(simulator, 60)
    assert account(simulator, merchant)["balance_fen"] == 0


def test_a_coupon_comes_back_in_proportion_and_adds_up(paid, refund, simulator):
    paid(coupon_fen=700)
    parts = []
    for number, fen in (("R1", 9999), ("R2", 9999), ("R3", TOTAL - 2 * 9999)):
        parts.append(refund(number, fen)[1]["amount"])
        advance(simulator, 60)
    assert [part["payer_total"] for part in parts] == [29000] * 3
    assert sum(part["payer_refund"] for part in parts) == 29000
    assert sum(part["discount_refund"] for part in parts) == 700


def test_unknown_and_foreign_refunds_do_not_exist(pay_sdk, other_pay_sdk, paid, refund):
    paid()
    refund()
    status, refusal = query_refund(pay_sdk, "R-none")
    assert (status, refusal["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert query_refund(other_pay_sdk)[1]["code"] == "RESOURCE_NOT_EXISTS"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "R" * 65}, "out_refund_no"),
        ({"number": "R/1"}, "out_refund_no"),
        ({"reason": "树" * 27}, "reason"),
        ({"reason": "r" * 81}, "reason"),
        ({"notify_url": "http://xiangshu.example/notify"}, "notify_url"),
        ({"notify_url": "https://xiangshu.example/notify?id=1"}, "notify_url"),
        ({"amount": {"refund": 0, "total": TOTAL, "currency": "CNY"}}, "amount/refund"),
        ({"amount": {"refund": 1.0, "total": TOTAL, "currency": "CNY"}}, "amount/refund"),
        ({"amount": {"refund": True, "total": TOTAL, "currency": "CNY"}}, "amount/refund"),
        ({"amount": {"refund": 1, "total": "29700", "currency": "CNY"}}, "amount/total"),
        ({"amount": {"refund": 1, "total": TOTAL}}, "amount/currency"),
        ({"amount": "1"}, "amount"),
    ],
)
def test_a_wrong_parameter_of_a_refund_is_refused_by_name(paid, refund, change, field):
    paid()
    status, refusal = refund(**change)
    assert (status, refusal["code"], refusal["detail"]["field"]) == (400, "PARAM_ERROR", f"/body/{field}")


def test_every_allowed_character_and_length_of_a_refund_number_passes(pay_sdk, paid, refund):
    paid()
    number = "aZ09_-|*@" + "R" * 55
    assert refund(number, 1, reason="树" * 26)[0] == 200
    assert query_refund(pay_sdk, number.replace("|", "%7C"))[0] == 200


def test_reset_forgets_refunds_and_balances(paid, refund, simulator, merchant):
    plan_refund(simulator, times=3)
    paid()
    refund()
    simulator.control("POST", "reset")
    assert simulator.control("GET", "refunds")["refunds"] == []
    assert account(simulator, merchant)["flows"] == []
    assert simulator.world.refund_book.plans == simulator.world.unsent == type(simulator.world.unsent)()
