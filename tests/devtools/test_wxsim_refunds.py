"""Refunds at api.mch.weixin.qq.com, asked for, queried and heard of by the unmodified wechatpayv3."""

import json
import time
from datetime import datetime, timedelta

import pytest
from wechatpayv3.type import RequestType

from wxbackend.devtools.wxsim import ControlFailed

NUMBER = "P261121ABCDEFGHJK01"
REFUND = "R261121ABCDEFGHJK01"
REFUND_URL = "https://xiangshu.example/wx/refund/notify"
TOTAL = 29700
DAY = 86400


@pytest.fixture
def paid(place, simulator):
    """A paid order; its transaction."""

    def act(number=NUMBER, *, total=TOTAL, **more):
        place(out_trade_no=number, amount={"total": total, "currency": "CNY"})
        return simulator.control("POST", "pay", {"out_trade_no": number, **more})["transaction"]

    return act


@pytest.fixture
def refund(pay_sdk):
    """Ask for a refund through the SDK; keywords replace single parameters."""

    def ask(number=REFUND, fen=TOTAL, *, sdk=None, total=TOTAL, **changes):
        wish = {
            "out_refund_no": number,
            "amount": {"refund": fen, "total": total, "currency": "CNY"},
            "out_trade_no": NUMBER,
            "reason": "基地取消种植",
            "notify_url": REFUND_URL,
        }
        status, text = (sdk or pay_sdk).refund(**(wish | changes))
        return status, json.loads(text)

    return ask


def query(sdk, number=REFUND):
    status, text = sdk.query_refund(number)
    return status, json.loads(text)


def order_state(sdk, number=NUMBER):
    return json.loads(sdk.query(out_trade_no=number)[1])["trade_state"]


def advance(simulator, seconds):
    simulator.control("POST", "clock", {"advance_s": seconds})


def plan(simulator, **order):
    simulator.control("POST", "refunds/plans", order)


def account(simulator, merchant):
    return simulator.control("GET", f"merchants/{merchant.mchid}/account")


def flush(simulator, until="due"):
    return simulator.control("POST", "flush", {"until": until})["sent"]


def refund_posts(mailbox):
    return [post for post in mailbox.posts if post[0] == REFUND_URL]


def test_a_refund_is_accepted_first_and_succeeds_by_the_clock(pay_sdk, paid, refund, simulator):
    transaction = paid()
    status, accepted = refund()
    assert (status, accepted["status"], accepted["amount"]["refund"]) == (200, "PROCESSING", TOTAL)
    assert (accepted["out_refund_no"], accepted["out_trade_no"]) == (REFUND, NUMBER)
    assert accepted["transaction_id"] == transaction["transaction_id"]
    assert (accepted["channel"], "success_time" in accepted) == ("ORIGINAL", False)
    assert query(pay_sdk) == (200, accepted)
    advance(simulator, 6)
    done = query(pay_sdk)[1]
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


@pytest.mark.parametrize("end", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_every_end_is_notified_and_the_sdk_opens_it(pay_sdk, paid, refund, simulator, mailbox, merchant, end):
    plan(simulator, end=end)
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
    assert resource.pop("success_time", None) == query(pay_sdk)[1].get("success_time")
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
    plan(simulator, delay_s=3600)
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
    assert query(pay_sdk)[1]["status"] == "SUCCESS"
    with pytest.raises(ControlFailed, match="named a notify_url"):
        simulator.control("POST", f"refunds/{REFUND}/notify", {})


def test_a_closed_refund_gives_the_money_back_and_can_be_asked_anew(pay_sdk, paid, refund, simulator, merchant):
    plan(simulator, end="CLOSED", delay_s=0)
    paid()
    refund()
    assert query(pay_sdk)[1]["status"] == "CLOSED"
    assert account(simulator, merchant)["balance_fen"] == TOTAL
    assert refund()[1]["status"] == "CLOSED", "the same number stays the closed refund"
    advance(simulator, 60)
    assert refund("R2")[1]["status"] == "PROCESSING"
    assert account(simulator, merchant)["balance_fen"] == 0


def test_an_abnormal_refund_goes_to_the_merchants_bank_in_the_end(pay_sdk, paid, refund, simulator, mailbox):
    plan(simulator, end="ABNORMAL", delay_s=0)
    paid()
    refund_id = refund()[1]["refund_id"]
    flush(simulator)
    status, text = pay_sdk.abnormal_refund(refund_id, REFUND, "MERCHANT_BANK_CARD")
    assert (status, json.loads(text)["status"]) == (200, "PROCESSING")
    advance(simulator, 5)
    flush(simulator)
    done = query(pay_sdk)[1]
    assert (done["status"], done["channel"]) == ("SUCCESS", "OTHER_BANKCARD")
    assert done["user_received_account"] == "商户结算银行账户"
    events = [json.loads(body)["event_type"] for _, _, body in refund_posts(mailbox)]
    assert events == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]


def test_an_abnormal_refund_to_a_card_must_be_sealed_for_this_wechat(pay_sdk, other_pay_sdk, paid, refund, simulator):
    plan(simulator, end="ABNORMAL", delay_s=0)
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


def test_only_an_abnormal_refund_is_sent_elsewhere_and_by_its_own_numbers(pay_sdk, paid, refund):
    paid()
    refund_id = refund()[1]["refund_id"]
    for numbers, code in (
        ((refund_id, REFUND), "INVALID_REQUEST"),
        ((refund_id, "R-other"), "INVALID_REQUEST"),
        (("50300000", REFUND), "RESOURCE_NOT_EXISTS"),
    ):
        assert json.loads(pay_sdk.abnormal_refund(*numbers, "MERCHANT_BANK_CARD")[1])["code"] == code
    assert json.loads(pay_sdk.abnormal_refund(refund_id, REFUND, "CASH")[1])["code"] == "PARAM_ERROR"


def test_unknown_and_foreign_refunds_do_not_exist(pay_sdk, other_pay_sdk, paid, refund):
    paid()
    refund()
    assert (query(pay_sdk, "R-none")[0], query(pay_sdk, "R-none")[1]["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert query(other_pay_sdk)[1]["code"] == "RESOURCE_NOT_EXISTS"


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
    assert query(pay_sdk, number.replace("|", "%7C"))[0] == 200


def test_a_refund_can_be_ended_by_hand_and_notified_again(paid, refund, simulator, mailbox):
    plan(simulator, delay_s=DAY)
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
    assert query(pay_sdk, made["out_refund_no"])[0] == 200
    flush(simulator)
    assert len(refund_posts(mailbox)) == 1
    with pytest.raises(ControlFailed, match="订单已全额退款"):
        simulator.control("POST", "refunds", {"out_trade_no": NUMBER})


def test_a_refund_notice_can_be_sent_in_any_trouble(pay_sdk, paid, refund, simulator, mailbox):
    plan(simulator, delay_s=0)
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


def test_reset_forgets_refunds_and_balances(paid, refund, simulator, merchant):
    plan(simulator, times=3)
    paid()
    refund()
    simulator.control("POST", "reset")
    assert simulator.control("GET", "refunds")["refunds"] == []
    assert account(simulator, merchant)["flows"] == []
    assert simulator.world.refund_book.plans == simulator.world.unsent == type(simulator.world.unsent)()
