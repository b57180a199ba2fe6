"""api.mch.weixin.qq.com, driven by the unmodified wechatpayv3."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from wxbackend.devtools.wxsim import ControlFailed

NUMBER = "P261121ABCDEFGHJK01"


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def query(sdk, number=NUMBER, transaction_id=None):
    status, text = sdk.query(transaction_id=transaction_id) if transaction_id else sdk.query(out_trade_no=number)
    return status, json.loads(text)


def control_refuses(simulator, code, path, body):
    with pytest.raises(ControlFailed, match=code):
        simulator.control("POST", path, body)


def test_an_order_is_placed_paid_and_found_by_both_numbers(pay_sdk, place, simulator, openid, merchant):
    status, prepay = place()
    assert (status, prepay["prepay_id"][:2], len(prepay["prepay_id"])) == (200, "wx", 36)
    assert query(pay_sdk)[1]["trade_state"] == "NOTPAY"
    paid = simulator.control("POST", "pay", {"out_trade_no": NUMBER})["transaction"]
    assert len(paid["transaction_id"]) == 28
    for status, found in (query(pay_sdk), query(pay_sdk, transaction_id=paid["transaction_id"])):
        assert (status, found) == (200, paid)
    assert paid["amount"] == {"total": 29700, "payer_total": 29700, "currency": "CNY", "payer_currency": "CNY"}
    assert (paid["trade_state"], paid["payer"], paid["mchid"]) == ("SUCCESS", {"openid": openid}, merchant.mchid)
    assert datetime.fromisoformat(paid["success_time"]).utcoffset() == timedelta(hours=8)


def test_an_unpaid_order_shows_no_transaction_and_no_payer(pay_sdk, place):
    place()
    found = query(pay_sdk)[1]
    assert found["payer"] == {}
    assert not {"transaction_id", "success_time", "bank_type"} & found.keys()


def test_a_coupon_lowers_what_the_payer_pays_and_not_the_total(place, simulator):
    place()
    paid = simulator.control("POST", "pay", {"out_trade_no": NUMBER, "coupon_fen": 700})["transaction"]
    assert (paid["amount"]["total"], paid["amount"]["payer_total"]) == (29700, 29000)
    assert paid["promotion_detail"][0]["amount"] == 700


def test_the_same_order_again_gives_a_new_prepay_id_for_one_order(place, simulator):
    first, second = place()[1]["prepay_id"], place()[1]["prepay_id"]
    assert first != second
    assert len(simulator.control("GET", "orders")["orders"]) == 1


def test_a_paid_number_is_refused_as_paid(place, simulator):
    place()
    simulator.control("POST", "pay", {"out_trade_no": NUMBER})
    status, refusal = place()
    assert (status, refusal["code"]) == (400, "ORDERPAID")


def test_a_closed_number_is_refused_as_closed(pay_sdk, place):
    place()
    assert pay_sdk.close(NUMBER)[0] == 204
    status, refusal = place()
    assert (status, refusal["code"]) == (400, "ORDER_CLOSED")


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"total": 29701, "currency": "CNY"}},
        {"description": "认种 四棵"},
        {"attach": "other"},
        {"notify_url": "https://xiangshu.example/other"},
    ],
)
def test_a_number_with_other_parameters_is_refused_as_used(place, change):
    place()
    status, refusal = place(**change)
    assert (status, refusal["code"]) == (403, "OUT_TRADE_NO_USED")


def test_a_number_for_another_payer_is_refused_as_used(place, simulator):
    place()
    other = simulator.control("POST", "users", {})["openid"]
    assert place(payer={"openid": other})[1]["code"] == "OUT_TRADE_NO_USED"


def test_time_expire_is_fixed_by_the_first_order(place):
    fixed = in_seconds(900)
    place(time_expire=fixed)
    assert place(time_expire=fixed)[0] == 200
    assert place()[0] == 200
    status, refusal = place(time_expire=in_seconds(1800))
    assert (status, refusal["code"]) == (400, "INVALID_REQUEST")


def test_time_expire_cannot_be_added_later(place):
    place()
    assert place(time_expire=in_seconds(900))[1]["code"] == "INVALID_REQUEST"


def test_nobody_pays_or_orders_again_after_time_expire(pay_sdk, place, simulator):
    place(time_expire=in_seconds(900))
    simulator.control("POST", "clock", {"advance_s": 902})
    control_refuses(simulator, "order-expired", "pay", {"out_trade_no": NUMBER})
    assert place()[1]["code"] == "INVALID_REQUEST"
    assert query(pay_sdk)[1]["trade_state"] == "NOTPAY", "time_expire does not close"
    assert pay_sdk.close(NUMBER)[0] == 204


def test_the_last_second_before_time_expire_still_pays(place, simulator):
    place(time_expire=in_seconds(900))
    simulator.control("POST", "clock", {"advance_s": 895})
    assert simulator.control("POST", "pay", {"out_trade_no": NUMBER})["transaction"]["trade_state"] == "SUCCESS"


def test_an_order_without_time_expire_lives_seven_days(place, simulator):
    place()
    simulator.control("POST", "clock", {"advance_s": 7 * 86400 + 1})
    control_refuses(simulator, "order-expired", "pay", {"out_trade_no": NUMBER})


def test_closing_answers_204_with_a_signed_empty_body_and_again(pay_sdk, place, simulator):
    place()
    assert pay_sdk.close(NUMBER) == (204, b"")
    assert pay_sdk.close(NUMBER)[0] == 204
    assert query(pay_sdk)[1]["trade_state"] == "CLOSED"
    control_refuses(simulator, "order-closed", "pay", {"out_trade_no": NUMBER})


def test_a_paid_order_cannot_be_closed(pay_sdk, place, simulator):
    place()
    simulator.control("POST", "pay", {"out_trade_no": NUMBER})
    status, text = pay_sdk.close(NUMBER)
    assert (status, json.loads(text)["code"]) == (400, "ORDERPAID")


def test_closing_while_the_user_types_the_password_is_too_frequent(pay_sdk, place, simulator):
    place()
    simulator.control("POST", "pay", {"out_trade_no": NUMBER, "step": "begin"})
    assert query(pay_sdk)[1]["trade_state"] == "USERPAYING"
    status, text = pay_sdk.close(NUMBER)
    assert (status, json.loads(text)["code"]) == (429, "FREQUENCY_LIMITED")
    simulator.control("POST", "pay", {"out_trade_no": NUMBER, "step": "abandon"})
    assert pay_sdk.close(NUMBER)[0] == 204


def test_an_order_is_paid_once(place, simulator):
    place()
    simulator.control("POST", "pay", {"out_trade_no": NUMBER})
    control_refuses(simulator, "order-paid", "pay", {"out_trade_no": NUMBER})


def test_unknown_orders_do_not_exist_for_query_and_close(pay_sdk):
    assert (query(pay_sdk)[0], query(pay_sdk)[1]["code"]) == (404, "ORDER_NOT_EXIST")
    assert query(pay_sdk, transaction_id="4200000000")[1]["code"] == "ORDER_NOT_EXIST"
    assert json.loads(pay_sdk.close(NUMBER)[1])["code"] == "ORDER_NOT_EXIST"


def test_one_number_at_two_merchants_is_two_orders(pay_sdk, other_pay_sdk, place, simulator, other_merchant):
    place()
    place(sdk=other_pay_sdk, amount={"total": 100, "currency": "CNY"})
    control_refuses(simulator, "order-not-found", "pay", {"out_trade_no": NUMBER})
    simulator.control("POST", "pay", {"out_trade_no": NUMBER, "mchid": other_merchant.mchid})
    assert query(pay_sdk)[1]["trade_state"] == "NOTPAY"
    paid = query(other_pay_sdk)[1]
    assert (paid["trade_state"], paid["amount"]["total"]) == ("SUCCESS", 100)
    assert query(pay_sdk, transaction_id=paid["transaction_id"])[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"out_trade_no": "short"}, "out_trade_no"),
        ({"out_trade_no": "P" * 33}, "out_trade_no"),
        ({"out_trade_no": "P26/1121"}, "out_trade_no"),
        ({"description": "树" * 128}, "description"),
        ({"attach": "a" * 129}, "attach"),
        ({"amount": {"total": 0}}, "amount/total"),
        ({"amount": {"total": True}}, "amount/total"),
        ({"amount": {"total": 297.0}}, "amount/total"),
        ({"amount": {"total": "29700"}}, "amount/total"),
        ({"amount": {"total": 29700, "currency": "USD"}}, "amount/currency"),
        ({"payer": {"openid": "nobody"}}, "payer/openid"),
        ({"payer": {"sub_openid": "o"}}, "payer/openid"),
        ({"notify_url": "http://xiangshu.example/notify"}, "notify_url"),
        ({"notify_url": "https://xiangshu.example/notify?id=1"}, "notify_url"),
        ({"notify_url": "https://xiangshu.example/" + "n" * 240}, "notify_url"),
        ({"notify_url": "https://xiangshu.example/notify?"}, "notify_url"),
        ({"notify_url": "https://xiangshu.example/notify#id"}, "notify_url"),
        ({"notify_url": "https://"}, "notify_url"),
        ({"notify_url": "https://乡树.example/notify"}, "notify_url"),
        ({"notify_url": "https://xiangshu.example:port/"}, "notify_url"),
        ({"time_expire": "2026-11-21 10:00:00"}, "time_expire"),
        ({"time_expire": "2026-11-21T10:00:00"}, "time_expire"),
        ({"time_expire": "2026-13-41T10:00:00+08:00"}, "time_expire"),
        ({"time_expire": "2020-01-01T10:00:00+08:00"}, "time_expire"),
        ({"mchid": "1680000002"}, "mchid"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(place, change, field):
    status, refusal = place(**change)
    assert (status, refusal["code"], refusal["detail"]["field"]) == (400, "PARAM_ERROR", f"/body/{field}")


def test_plain_http_is_accepted_only_where_the_public_network_does_not_reach(place):
    for number, host in enumerate(("127.0.0.1:8000", "192.168.1.9", "web:8000", "pay.county.internal")):
        assert place(out_trade_no=f"P26112100{number}", notify_url=f"http://{host}/notify")[0] == 200, host


def test_parties_that_do_not_belong_together_are_refused(place, simulator):
    assert place(mchid="1999999999")[1]["code"] == "MCH_NOT_EXISTS"
    assert place(appid="wxffffffffffffffff")[1]["code"] == "APPID_MCHID_NOT_MATCH"
    foreign = simulator.control("POST", "users", {"appid": "wxffffffffffffffff"})["openid"]
    assert place(payer={"openid": foreign})[1]["code"] == "OPENID_MISMATCH"


def client_params(sdk, prepay_id, **changes):
    """What a backend hands to wx.requestPayment."""
    values = {"timeStamp": str(int(time.time())), "nonceStr": "a" * 32, "package": f"prepay_id={prepay_id}"}
    appid = changes.pop("appid", sdk._appid)
    sign = sdk.sign([appid, values["timeStamp"], values["nonceStr"], values["package"]])
    return values | {"signType": "RSA", "paySign": sign} | changes


def test_the_phone_pays_with_what_the_backend_signed(pay_sdk, place, simulator, openid):
    params = client_params(pay_sdk, place()[1]["prepay_id"])
    answer = simulator.control("POST", "pay", {"params": params, "openid": openid})
    assert answer["transaction"]["trade_state"] == "SUCCESS"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"appid": "wxffffffffffffffff"}, "bad-signature"),
        ({"nonceStr": "b" * 32}, "bad-signature"),
        ({"nonceStr": "a" * 33}, "bad-parameter"),
        ({"timeStamp": 1790000000}, "bad-parameter"),
        ({"signType": "MD5"}, "bad-parameter"),
        ({"package": "prepay_id=wx-unknown"}, "bad-prepay-id"),
    ],
)
def test_the_phone_refuses_wrong_client_parameters(pay_sdk, place, simulator, changes, code):
    params = client_params(pay_sdk, place()[1]["prepay_id"], **changes)
    control_refuses(simulator, code, "pay", {"params": params})


def test_a_package_without_its_prefix_is_refused(pay_sdk, place, simulator):
    prepay_id = place()[1]["prepay_id"]
    control_refuses(simulator, "bad-prepay-id", "pay", {"params": client_params(pay_sdk, prepay_id, package=prepay_id)})


def test_a_prepay_id_ends_after_two_hours_and_a_new_one_pays(pay_sdk, place, simulator):
    old = client_params(pay_sdk, place()[1]["prepay_id"])
    simulator.control("POST", "clock", {"advance_s": 7201})
    control_refuses(simulator, "prepay-id-expired", "pay", {"params": old})
    new = client_params(pay_sdk, place()[1]["prepay_id"])
    assert simulator.control("POST", "pay", {"params": new})["transaction"]["trade_state"] == "SUCCESS"


def test_another_user_cannot_pay_the_order(place, simulator):
    place()
    stranger = simulator.control("POST", "users", {})["openid"]
    control_refuses(simulator, "wrong-payer", "pay", {"out_trade_no": NUMBER, "openid": stranger})


def test_certificate_mode_works_with_the_certificate_the_simulator_serves(certificate_core, simulator, merchant, place):
    place()
    status, text = certificate_core.request(f"/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={merchant.mchid}")
    assert (status, json.loads(text)["trade_state"]) == (200, "NOTPAY")
    assert simulator.control("GET", "hits")["/v3/certificates"] == 1
