"""How refunds end, and how they are heard of: by query, by notification, by the merchant's balance."""

import json
import time

import pytest
from wechatpayv3.type import RequestType

from tests.devtools.paying import (
    DAY,
    NUMBER,
    REFUND,
    REFUND_URL,
    TOTAL,
    account,
    advance,
    flush,
    plan_refund,
    query_refund,
    refund_posts,
)
from wxbackend.devtools.wxsim import ControlFailed


def order_state(sdk, number=NUMBER):
    return json.loads(sdk.query(out_trade_no=number)[1])["trade_state"]


@pytest.mark.parametrize("end", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_every_end_is_notified_and_the_sdk_opens_it(pay_sdk, paid, refund, simulator, mailbox, merchant, end):
    plan_refund(simulator, end=end)
    transaction = paid()
    flush(simulator)
    accepted = refund(fen=100)[1]
    flush(simulator)
    assert refund_posts(mailbox) == []
    flush(simulator, "end")
    [(_, headers, body)] = refund_posts(mailbox)
    opened = pay_sdk.callback(headers, body)
    assert (opened["event_type"], opened["resource_type"]) == (f"REFUND.{end}", "encrypt-resource")
    assert json.loads(body)["resource"]["original_type"] == "refund"
    resource = opened["resource"]
    assert resource.pop("success_time", None) == query_refund(pay_sdk)[1].get("success_time")
    assert resource == {
        "mchid": merchant.mchid,
        "out_trade_no": NUMBER,
        "transaction_id": transaction["transaction_id"],
        "out_refund_no": REFUND,
        "refund_id": accepted["refund_id"],
        "refund_status": end,
        "user_received_account": "支付用户零钱",
        "amount": {"total": TOTAL, "refund": 100, "payer_total": TOTAL, "payer_refund": 100},
    }


def test_a_refund_notice_waits_for_its_moment_and_is_retried_on_the_schedule(paid, refund, simulator, mailbox):
    plan_refund(simulator, delay_s=3600)
    paid()
    refund()
    flush(simulator)
    mailbox.statuses = [500, 204]
    for seconds, heard in ((3590, 0), (10, 1), (10, 1), (5, 2)):
        advance(simulator, seconds)
        flush(simulator)
        assert len(refund_posts(mailbox)) == heard
    [_, delivery] = simulator.control("GET", f"deliveries?out_trade_no={NUMBER}")["deliveries"]
    assert (delivery["event_type"], delivery["state"]) == ("REFUND.SUCCESS", "delivered")


def test_a_refund_without_notify_url_ends_in_silence(pay_sdk, paid, simulator, mailbox):
    paid()
    flush(simulator)
    heard = len(mailbox.posts)
    pay_sdk._notify_url = None
    pay_sdk.refund(REFUND, {"refund": 1, "total": TOTAL, "currency": "CNY"}, out_trade_no=NUMBER)
    flush(simulator, "end")
    assert len(mailbox.posts) == heard
    assert query_refund(pay_sdk)[1]["status"] == "SUCCESS"
    with pytest.raises(ControlFailed, match="named a notify_url"):
        simulator.control("POST", f"refunds/{REFUND}/notify", {})


def test_a_closed_refund_gives_the_money_back_and_can_be_asked_anew(pay_sdk, paid, refund, simulator, merchant):
    plan_refund(simulator, end="CLOSED", delay_s=0)
    paid()
    refund()
    assert query_refund(pay_sdk)[1]["status"] == "CLOSED"
    assert account(simulator, merchant)["balance_fen"] == TOTAL
    assert refund()[1]["status"] == "CLOSED", "the same number stays the closed refund"
    advance(simulator, 60)
    assert refund("R2")[1]["status"] == "PROCESSING"
    assert account(simulator, merchant)["balance_fen"] == 0


def test_an_abnormal_refund_goes_to_the_merchants_bank_in_the_end(pay_sdk, paid, refund, simulator, mailbox):
    plan_refund(simulator, end="ABNORMAL", delay_s=0)
    paid()
    refund_id = refund()[1]["refund_id"]
    flush(simulator)
    status, text = pay_sdk.abnormal_refund(refund_id, REFUND, "MERCHANT_BANK_CARD")
    assert (status, json.loads(text)["status"]) == (200, "PROCESSING")
    advance(simulator, 5)
    flush(simulator)
    done = query_refund(pay_sdk)[1]
    assert (done["status"], done["channel"]) == ("SUCCESS", "OTHER_BANKCARD")
    assert done["user_received_account"] == "商户结算银行账户"
    events = [json.loads(body)["event_type"] for _, _, body in refund_posts(mailbox)]
    assert events == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]


def test_an_abnormal_refund_to_a_card_must_be_sealed_for_this_wechat(pay_sdk, other_pay_sdk, paid, refund, simulator):
    plan_refund(simulator, end="ABNORMAL", delay_s=0)
    paid()
    refund_id = refund()[1]["refund_id"]
    card = {"bank_type": "ICBC_DEBIT", "bank_account": "6222000000000000000", "real_name": "林小苗"}
    assert pay_sdk.abnormal_refund(refund_id, REFUND, "USER_BANK_CARD")[0] == 400
    good = pay_sdk._core._public_key
    pay_sdk._core._public_key = other_pay_sdk._core._public_key
    answer = json.loads(
        pay_sdk._core.request(
            f"/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
            RequestType.POST,
            data={"out_refund_no": REFUND, "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"}
            | {name: pay_sdk._core.encrypt(card[name]) for name in ("bank_account", "real_name")},
        )[1]
    )
    assert (answer["code"], answer["detail"]["field"]) == ("PARAM_ERROR", "/body/bank_account")
    pay_sdk._core._public_key = good
    status, text = pay_sdk.abnormal_refund(refund_id, REFUND, "USER_BANK_CARD", **card)
    assert (status, json.loads(text)["user_received_account"]) == (200, "用户指定银行卡")


def test_only_an_abnormal_refund_is_sent_elsewhere_by_its_own_numbers_and_merchant(
    pay_sdk, other_pay_sdk, paid, refund, simulator
):
    paid()
    refund_id = refund()[1]["refund_id"]

    def code(*arguments):
        return json.loads(pay_sdk.abnormal_refund(*arguments)[1])["code"]

    assert code(refund_id, REFUND, "MERCHANT_BANK_CARD") == "INVALID_REQUEST"
    simulator.control("POST", f"refunds/{REFUND}/end", {"state": "ABNORMAL"})
    assert code(refund_id, "R-other", "MERCHANT_BANK_CARD") == "INVALID_REQUEST"
    assert code("50300000", REFUND, "MERCHANT_BANK_CARD") == "RESOURCE_NOT_EXISTS"
    stranger = other_pay_sdk.abnormal_refund(refund_id, REFUND, "MERCHANT_BANK_CARD")[1]
    assert json.loads(stranger)["code"] == "RESOURCE_NOT_EXISTS"
    assert code(refund_id, REFUND, "CASH") == "PARAM_ERROR"
    assert pay_sdk.abnormal_refund(refund_id, REFUND, "MERCHANT_BANK_CARD")[0] == 200


def test_a_refund_can_be_ended_by_hand_and_notified_again(paid, refund, simulator, mailbox):
    plan_refund(simulator, delay_s=DAY)
    paid()
    refund()
    with pytest.raises(ControlFailed, match="only a refund that ended"):
        simulator.control("POST", f"refunds/{REFUND}/notify", {})
    assert simulator.control("POST", f"refunds/{REFUND}/end", {"state": "ABNORMAL"})["status"] == "ABNORMAL"
    simulator.control("POST", f"refunds/{REFUND}/notify", {"copies": 2, "second_id": True})
    flush(simulator)
    ids = {json.loads(body)["id"] for _, _, body in refund_posts(mailbox)}
    assert (len(refund_posts(mailbox)), len(ids)) == (3, 3)
    with pytest.raises(ControlFailed, match="cannot become"):
        simulator.control("POST", f"refunds/{REFUND}/end", {"state": "SUCCESS"})
    with pytest.raises(ControlFailed, match="0 refunds"):
        simulator.control("POST", "refunds/R-none/end", {"state": "SUCCESS"})


def test_a_refund_by_hand_in_the_merchant_platform_is_a_refund_like_others(pay_sdk, paid, refund, simulator, mailbox):
    paid()
    simulator.control("POST", "refunds", {"out_trade_no": NUMBER, "refund_fen": 100, "notify_url": REFUND_URL})
    assert order_state(pay_sdk) == "REFUND"
    advance(simulator, 60)
    made = simulator.control("POST", "refunds", {"out_trade_no": NUMBER})
    assert made["amount"]["refund"] == TOTAL - 100
    assert query_refund(pay_sdk, made["out_refund_no"])[0] == 200
    flush(simulator)
    assert len(refund_posts(mailbox)) == 1
    with pytest.raises(ControlFailed, match="订单已全额退款"):
        simulator.control("POST", "refunds", {"out_trade_no": NUMBER})


def test_a_refund_notice_can_be_sent_in_any_trouble(pay_sdk, paid, refund, simulator, mailbox):
    plan_refund(simulator, delay_s=0)
    paid(notify=False)
    refund()
    flush(simulator)
    mailbox.posts.clear()
    for trouble in ("wrong-refund-amount", "wrong-refund-status", "unknown-refund", "wrong-mchid", "second-id"):
        simulator.notify_refund(REFUND, trouble)
        flush(simulator)
    opened = [pay_sdk.callback(headers, body)["resource"] for _, headers, body in mailbox.posts]
    assert [resource["amount"]["refund"] for resource in opened] == [1] + [TOTAL] * 5
    assert [resource["refund_status"] for resource in opened] == ["SUCCESS", "REVOKED"] + ["SUCCESS"] * 4
    assert [resource["out_refund_no"] == REFUND for resource in opened] == [True, True, False, True, True, True]
    assert opened[3]["mchid"] == "1999999999"


def test_a_plan_for_refund_notices_leaves_payments_alone(paid, refund, simulator, mailbox):
    simulator.control("POST", "plans", {"event": "refund", "copies": 3})
    paid()
    refund()
    flush(simulator, "end")
    assert (len(mailbox.posts), len(refund_posts(mailbox))) == (4, 3)


def test_a_refund_notice_may_overtake_that_of_the_payment(paid, refund, simulator, mailbox):
    simulator.control("POST", "plans", {"hold": True})
    paid()
    refund()
    flush(simulator, "end")
    simulator.control("POST", "release", {})
    flush(simulator)
    events = [json.loads(body)["event_type"] for _, _, body in mailbox.posts]
    assert events == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


def test_a_late_notice_of_the_payment_still_tells_success(pay_sdk, paid, refund, simulator, mailbox):
    paid(notify=False)
    refund()
    simulator.control("POST", "notify", {"out_trade_no": NUMBER})
    flush(simulator)
    _, headers, body = mailbox.posts[0]
    assert pay_sdk.callback(headers, body)["resource"]["trade_state"] == "SUCCESS"


def test_the_background_ends_and_notifies_refunds_on_its_own(paid, refund, simulator, mailbox):
    simulator.control("POST", "clock", {"speed": 1000})
    paid()
    refund()
    waited_until = time.monotonic() + 5
    while not refund_posts(mailbox) and time.monotonic() < waited_until:
        time.sleep(0.005)
    assert len(refund_posts(mailbox)) == 1
