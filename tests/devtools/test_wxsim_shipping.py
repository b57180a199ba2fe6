"""发货信息管理 at the simulated mini-program host, for orders that its WeChat Pay side knows as paid."""

import time

import pytest
from wechatpy.exceptions import WeChatClientException

from wxbackend.devtools.wxsim import ControlFailed

UPLOAD = "/wxa/sec/order/upload_shipping_info"
TELL = "/wxa/sec/order/get_order"
NUMBER = "P261121ABCDEFGHJK01"
DAY_S = 86400


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


def report(transaction_id, openid, **changes):
    body = {
        "order_key": {"order_number_type": 2, "transaction_id": transaction_id},
        "logistics_type": 3,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "认种油茶三棵"}],
        "upload_time": "2026-11-22T10:30:15.120+08:00",
        "payer": {"openid": openid},
    }
    return body | changes


@pytest.fixture
def paid(place, simulator) -> str:
    """The transaction id of a paid order."""
    place()
    return simulator.control("POST", "pay", {"out_trade_no": NUMBER, "notify": False})["transaction"]["transaction_id"]


@pytest.fixture
def upload(ask, paid, openid):
    def send(**changes):
        return ask(UPLOAD, **report(paid, openid, **changes))

    return send


@pytest.fixture
def order(ask, paid):
    def tell() -> dict:
        return ask(TELL, transaction_id=paid)["order"]

    return tell


def settlements(simulator) -> list[dict]:
    path = "push/deliveries?event=trade_manage_order_settlement"
    return [delivery["event"] for delivery in simulator.control("GET", path)["deliveries"]]


def again(**changes):
    return {"shipping_list": [{"item_desc": "认种油茶四棵"}], "upload_time": "2026-11-22T11:30:15.120+08:00"} | changes


def test_a_paid_order_waits_to_be_shipped(order, paid, openid):
    facts = order()
    assert (facts["order_state"], facts["transaction_id"], facts["openid"]) == (1, paid, openid)
    assert (facts["paid_amount"], facts["merchant_trade_no"], facts["merchant_id"]) == (29700, NUMBER, "1680000001")
    assert "shipping" not in facts


def test_a_report_ships_the_order_and_tells_when_the_money_comes(upload, order, simulator):
    assert upload() == {"errcode": 0, "errmsg": "ok"}
    facts = order()
    assert (facts["order_state"], facts["description"]) == (2, "认种油茶三棵")
    shipping = facts["shipping"]
    assert (shipping["logistics_type"], shipping["finish_shipping"], shipping["finish_shipping_count"]) == (3, True, 1)
    [event] = settlements(simulator)
    assert event["merchant_trade_no"] == NUMBER
    assert event["estimated_settlement_time"] - event["shipped_time"] == 2 * DAY_S
    assert "settlement_time" not in event


def test_the_merchants_own_two_numbers_name_the_order_as_well(ask, paid, openid):
    key = {"order_number_type": 1, "mchid": "1680000001", "out_trade_no": NUMBER}
    assert ask(UPLOAD, **report(paid, openid, order_key=key))["errcode"] == 0
    named = ask(TELL, merchant_id="1680000001", merchant_trade_no=NUMBER)["order"]
    assert named["order_state"] == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"order_key": {}}, 268485194),
        ({"order_key": {"order_number_type": 2}}, 268485195),
        ({"order_key": {"order_number_type": 1, "out_trade_no": NUMBER}}, 268485196),
        ({"order_key": {"order_number_type": 1, "mchid": "1680000001"}}, 268485197),
        ({"order_key": {"order_number_type": 2, "transaction_id": "4200000000"}}, 10060001),
        ({"logistics_type": 5}, 10060005),
        ({"logistics_type": None}, 10060005),
        ({"delivery_mode": 3}, 268485224),
        ({"delivery_mode": "1"}, 268485224),
        ({"shipping_list": []}, 268485228),
        ({"shipping_list": [{"item_desc": "树"}, {"item_desc": "树"}]}, 268485228),
        ({"shipping_list": None}, 10060014),
        ({"shipping_list": [{}]}, 10060008),
        ({"shipping_list": [{"item_desc": "树" * 121}]}, 10060009),
        ({"logistics_type": 1}, 268485226),
        ({"logistics_type": 1, "shipping_list": [{"item_desc": "果", "tracking_no": "SF1"}]}, 268485227),
        ({"delivery_mode": 2}, 10060006),
        ({"upload_time": "2026-11-22 10:30:15"}, 268485216),
        ({"upload_time": "2026-13-22T10:30:15+08:00"}, 268485216),
        ({"upload_time": None}, 268485216),
        ({"payer": {}}, 10060014),
        ({"payer": {"openid": "onobody"}}, 10060031),
    ],
)
def test_a_report_reads_its_parameters_strictly(upload, order, change, expected):
    assert errcode(lambda: upload(**change)) == expected
    assert order()["order_state"] == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 10060007),
        ({"is_all_delivered": True, "shipping_list": [{"item_desc": "果"}]}, 268485226),
        ({"is_all_delivered": True, "shipping_list": []}, 10060024),
    ],
)
def test_a_split_delivery_has_rules_of_its_own(upload, change, expected):
    parcel = {"item_desc": "果", "tracking_no": "SF1", "express_company": "SF"}
    split = {"logistics_type": 1, "delivery_mode": 2, "shipping_list": [parcel]}
    assert errcode(lambda: upload(**(split | change))) == expected


def test_a_split_delivery_is_shipped_with_its_last_parcel(upload, order, simulator):
    parcels = [{"item_desc": f"果{number}", "tracking_no": f"SF{number}", "express_company": "SF"} for number in (1, 2)]
    split = {"logistics_type": 1, "delivery_mode": 2}
    upload(**split, shipping_list=parcels[:1], is_all_delivered=False)
    assert (order()["order_state"], settlements(simulator)) == (1, [])
    upload(**split, shipping_list=parcels, is_all_delivered=True, upload_time="2026-11-23T10:30:15+08:00")
    facts = order()
    assert (facts["order_state"], facts["shipping"]["finish_shipping_count"]) == (2, 1)
    assert facts["description"] == "果1;果2"
    [event] = settlements(simulator)
    assert event["estimated_settlement_time"] - event["shipped_time"] == 10 * DAY_S


def test_a_report_is_corrected_once(upload, order):
    upload()
    assert errcode(lambda: upload(upload_time="2026-11-22T11:30:15.120+08:00")) == 10060023
    assert errcode(lambda: upload(**again(upload_time="2026-11-22T10:30:15.120+08:00"))) == 10060014
    upload(**again())
    facts = order()["shipping"]
    assert (facts["finish_shipping_count"], facts["goods_desc"]) == (2, "认种油茶四棵")
    third = again(shipping_list=[{"item_desc": "五棵"}], upload_time="2026-11-22T12:30:15.120+08:00")
    assert errcode(lambda: upload(**third)) == 10060003


def test_an_unpaid_order_is_unknown(ask, place, openid):
    place()
    key = {"order_number_type": 1, "mchid": "1680000001", "out_trade_no": NUMBER}
    assert errcode(lambda: ask(UPLOAD, **report("", openid, order_key=key))) == 10060001
    assert errcode(lambda: ask(TELL, merchant_id="1680000001", merchant_trade_no=NUMBER)) == 10060001
    assert errcode(lambda: ask(TELL)) == 10060014


def test_a_report_right_after_the_payment_may_come_too_early(upload, simulator):
    simulator.control("POST", "shipping", {"known_after_s": 60})
    assert errcode(upload) == 10060001
    simulator.control("POST", "clock", {"advance_s": 61})
    assert upload()["errcode"] == 0


def test_an_order_refunded_whole_cannot_be_shipped(upload, order, pay_sdk):
    pay_sdk.refund("R1", {"refund": 29700, "total": 29700, "currency": "CNY"}, out_trade_no=NUMBER)
    assert errcode(upload) == 10060004
    assert order()["order_state"] == 5


def test_an_order_refunded_in_part_is_shipped_all_the_same(upload, order, pay_sdk):
    pay_sdk.refund("R1", {"refund": 9900, "total": 29700, "currency": "CNY"}, out_trade_no=NUMBER)
    assert upload()["errcode"] == 0
    assert order()["order_state"] == 2


def test_a_program_that_is_not_managed_has_no_right_to_report(upload, ask, simulator):
    appid = simulator.world.app.appid
    assert ask("/wxa/sec/order/is_trade_managed", appid=appid)["is_trade_managed"] is True
    simulator.control("POST", "shipping", {"managed": False})
    assert ask("/wxa/sec/order/is_trade_managed", appid=appid)["is_trade_managed"] is False
    assert errcode(upload) == 48001
    assert errcode(lambda: ask("/wxa/sec/order/is_trade_managed", appid="wx0")) == 40013


def test_the_money_is_let_go_after_two_days(upload, order, simulator):
    upload()
    simulator.control("POST", "clock", {"advance_s": 2 * DAY_S - 60})
    simulator.control("POST", "flush", {})
    assert order()["order_state"] == 2
    simulator.control("POST", "clock", {"advance_s": 61})
    simulator.control("POST", "flush", {})
    assert order()["order_state"] == 4
    event = settlements(simulator)[-1]
    assert event["confirm_receive_method"] == 1
    assert event["settlement_time"] - event["shipped_time"] >= 2 * DAY_S
    assert "estimated_settlement_time" not in event


def test_a_settlement_of_a_hurried_schedule_still_bears_the_time_of_its_term(upload, order, simulator):
    upload()
    simulator.control("POST", "flush", {"until": "end"})
    assert order()["order_state"] == 4
    announced, settled = settlements(simulator)
    assert settled["settlement_time"] == announced["estimated_settlement_time"]


def test_a_fast_schedule_lets_the_money_go_by_itself(upload, order, simulator):
    simulator.control("POST", "clock", {"speed": 1_000_000})
    upload()
    deadline = time.monotonic() + 10
    while order()["order_state"] != 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert order()["order_state"] == 4


def test_a_correction_begins_the_wait_anew(upload, order, simulator):
    upload()
    simulator.control("POST", "clock", {"advance_s": DAY_S})
    upload(**again())
    simulator.control("POST", "clock", {"advance_s": DAY_S + 60})
    simulator.control("POST", "flush", {})
    assert order()["order_state"] == 2
    simulator.control("POST", "clock", {"advance_s": DAY_S})
    simulator.control("POST", "flush", {})
    assert order()["order_state"] == 4
    assert len(settlements(simulator)) == 3


def test_a_user_who_confirms_lets_the_money_go_at_once_and_once(upload, order, paid, simulator):
    upload()
    simulator.control("POST", "shipping/confirm", {"transaction_id": paid})
    simulator.control("POST", "shipping/settle", {"transaction_id": paid})
    assert order()["order_state"] == 4
    assert [event.get("confirm_receive_method") for event in settlements(simulator)] == [None, 2]
    assert errcode(lambda: upload(**again())) == 10060004
    simulator.control("POST", "flush", {"until": "end"})
    assert len(settlements(simulator)) == 2


def test_receipt_may_be_confirmed_before_the_money_is_let_go(upload, order, paid, simulator):
    upload()
    simulator.control("POST", "shipping/confirm", {"transaction_id": paid, "settle": False})
    assert (order()["order_state"], len(settlements(simulator))) == (3, 1)
    assert errcode(lambda: upload(**again())) == 10060004
    simulator.control("POST", "clock", {"advance_s": 2 * DAY_S + 60})
    simulator.control("POST", "flush", {})
    event = settlements(simulator)[-1]
    assert (order()["order_state"], event["confirm_receive_method"]) == (4, 2)
    assert event["settlement_time"] - event["confirm_receive_time"] >= 2 * DAY_S


def test_nothing_is_settled_that_was_not_shipped(paid, simulator):
    with pytest.raises(ControlFailed, match="not-found"):
        simulator.control("POST", "shipping/confirm", {"transaction_id": paid})


def test_reminders_name_payments_that_wait_for_48_hours(upload, paid, simulator):
    assert simulator.control("POST", "shipping/remind", {})["reminded"] == []
    simulator.control("POST", "clock", {"advance_s": 48 * 3600 + 1})
    assert simulator.control("POST", "shipping/remind", {})["reminded"] == [paid]
    [delivery] = simulator.control("GET", "push/deliveries?event=trade_manage_remind_shipping")["deliveries"]
    event = delivery["event"]
    assert (event["transaction_id"], event["merchant_trade_no"]) == (paid, NUMBER)
    assert event["msg"]
    upload()
    assert simulator.control("POST", "shipping/remind", {"transaction_id": paid})["reminded"] == []


def test_the_reminder_to_report_at_all(simulator):
    simulator.control("POST", "shipping/remind-access", {})
    [delivery] = simulator.control("GET", "push/deliveries")["deliveries"]
    assert delivery["event"]["Event"] == "trade_manage_remind_access_api"


def test_control_lists_every_payment_with_its_shipment(upload, paid, simulator):
    upload()
    [listed] = simulator.control("GET", f"shipping?transaction_id={paid}")["orders"]
    assert (listed["order_state"], listed["shipping"]["finish_shipping"]) == (2, True)
    assert simulator.control("GET", "shipping?transaction_id=1")["orders"] == []
