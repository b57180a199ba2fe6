"""Faults on order, seen through the SDKs; and the control API's own strictness."""

import json
import socket
import threading
import time

import pytest
import requests
from wechatpy.exceptions import WeChatClientException

from wxbackend.devtools.wxsim import ControlFailed

NUMBER = "P261121ABCDEFGHJK01"
JSAPI = "/v3/pay/transactions/jsapi$"


def fault(simulator, **order):
    return simulator.control("POST", "faults", order)


def orders(simulator):
    return simulator.control("GET", "orders")["orders"]


def test_a_status_fault_answers_in_wechat_pays_dialect_and_ends(simulator, place):
    fault(simulator, path=JSAPI, status=500, times=2)
    for _ in range(2):
        status, refusal = place()
        assert (status, refusal["code"]) == (500, "SYSTEM_ERROR")
    assert orders(simulator) == []
    assert place()[0] == 200
    assert simulator.control("GET", "faults")["faults"][0]["hits"] == 2


def test_a_fault_names_code_and_message(simulator, place):
    fault(simulator, path=JSAPI, status=429, code="FREQUENCY_LIMITED", message="频率过高")
    assert place() == (429, {"code": "FREQUENCY_LIMITED", "message": "频率过高"})


def test_a_json_fault_on_wechat_pay_is_signed_like_a_true_answer(simulator, pay_sdk):
    fault(simulator, path="/out-trade-no/", json={"trade_state": "SUCCESS"})
    assert json.loads(pay_sdk.query(out_trade_no=NUMBER)[1]) == {"trade_state": "SUCCESS"}


def test_a_json_fault_on_the_mini_program_host_is_an_errcode(simulator, mini):
    fault(simulator, path="jscode2session", json={"errcode": -1, "errmsg": "system error"})
    code = simulator.control("POST", "users", {})["code"]
    with pytest.raises(WeChatClientException) as caught:
        mini.wxa.code_to_session(code)
    assert caught.value.errcode == -1
    assert mini.wxa.code_to_session(code)["openid"], "the code was not used up"


def test_a_dropped_request_never_happened(simulator, place):
    fault(simulator, path=JSAPI, drop=True)
    with pytest.raises(requests.ConnectionError):
        place()
    assert orders(simulator) == []


def test_a_drop_after_the_effect_leaves_the_order_behind(simulator, place):
    fault(simulator, path=JSAPI, drop=True, after=True)
    with pytest.raises(requests.ConnectionError):
        place()
    assert len(orders(simulator)) == 1
    assert place()[0] == 200


def test_a_status_after_the_effect_leaves_the_order_behind(simulator, place):
    fault(simulator, path=JSAPI, status=503, after=True)
    assert place()[0] == 503
    assert len(orders(simulator)) == 1


def test_a_truncated_answer_breaks_off(simulator, place):
    fault(simulator, path=JSAPI, truncate=True)
    with pytest.raises(requests.RequestException):
        place()
    assert len(orders(simulator)) == 1


def test_a_hanging_answer_outlasts_the_callers_patience_and_stop_ends_it(simulator, running, http):
    fault(simulator, path="/cgi-bin/token", hang_s=3600)
    with pytest.raises(requests.Timeout):
        http.get(running.origin + "/cgi-bin/token", timeout=0.05)
    begun = time.monotonic()
    simulator.stop()
    assert time.monotonic() - begun < 5


def test_a_short_hang_answers_rightly_in_the_end(simulator, place):
    fault(simulator, path=JSAPI, hang_s=0.05)
    begun = time.monotonic()
    assert place()[0] == 200
    assert time.monotonic() - begun >= 0.05


def test_a_hang_after_the_effect_has_placed_the_order_already(simulator, running, place, pay_sdk):
    fault(simulator, path=JSAPI, hang_s=3600, after=True)
    pay_sdk._core._timeout = 0.1
    with pytest.raises(requests.Timeout):
        place()
    assert len(orders(simulator)) == 1


def test_an_endless_fault_ends_when_cleared(simulator, place):
    fault(simulator, path=JSAPI, status=500, times=-1)
    assert [place()[0] for _ in range(5)] == [500] * 5
    simulator.control("DELETE", "faults")
    assert place()[0] == 200


def test_a_fault_strikes_its_path_only(simulator, place, pay_sdk):
    fault(simulator, path=JSAPI, status=500)
    assert pay_sdk.query(out_trade_no=NUMBER)[0] == 404
    assert place()[0] == 500


@pytest.mark.parametrize(
    "order", [{"path": "("}, {"path": "x"}, {"path": "x", "times": -2, "drop": True}, {"path": "x", "dorp": True}]
)
def test_a_senseless_fault_is_refused(simulator, order):
    with pytest.raises(ControlFailed, match="bad-request"):
        fault(simulator, **({"status": 500} | order if order["path"] == "(" else order))


def test_hits_are_counted_per_path_and_reset_forgets(simulator, place, pay_sdk):
    place()
    pay_sdk.query(out_trade_no=NUMBER)
    hits = simulator.control("GET", "hits")
    assert hits == {"/v3/pay/transactions/jsapi": 1, f"/v3/pay/transactions/out-trade-no/{NUMBER}": 1}
    fault(simulator, path="x", drop=True)
    simulator.control("POST", "pay", {"out_trade_no": NUMBER})
    simulator.control("POST", "reset")
    assert simulator.control("GET", "hits") == {}
    assert orders(simulator) == []
    assert simulator.control("GET", "faults")["faults"] == []
    assert simulator.control("GET", "deliveries")["deliveries"] == []


def test_the_control_api_answers_over_http_and_shows_no_key(running, http, simulator):
    user = http.post(f"{running.origin}/_control/users", json={"openid": "o-chenxinye"}).json()
    assert user["openid"] == "o-chenxinye"
    told = http.get(f"{running.origin}/_control/world").json()
    assert {merchant["mchid"] for merchant in told["merchants"]} == {"1680000001", "1680000002"}
    text = json.dumps(told)
    assert simulator.world.app.secret not in text
    assert all(merchant.apiv3_key not in text for merchant in simulator.world.merchants.values())


def test_the_control_api_refuses_what_it_does_not_know(running, http):
    root = f"{running.origin}/_control"
    assert http.get(f"{root}/nothing").status_code == 404
    assert http.post(f"{root}/users", json={"nick": "林小苗"}).status_code == 400
    assert http.post(f"{root}/users", data=b"[").status_code == 400
    assert http.post(f"{root}/login-codes", json={"openid": "nobody"}).status_code == 404
    assert http.post(f"{root}/merchants/1999999999", json={"sign_mode": "alternate"}).status_code == 404
    assert http.post(f"{root}/pay", json={}).status_code == 400
    assert http.post(f"{root}/clock", json={"speed": 0}).status_code == 400
    assert http.post(f"{root}/clock", json={"advance_s": -1}).status_code == 400


def test_a_body_too_large_or_of_unknown_length_is_refused(running, http):
    assert http.post(f"{running.origin}/cgi-bin/token", data=b"x" * ((1 << 20) + 1)).status_code == 413
    assert http.post(f"{running.origin}/cgi-bin/token", data=iter([b"x"])).status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_method_reaches_the_hosts(running, http, method):
    assert http.request(method, f"{running.origin}/cgi-bin/token").json()["errcode"] == 43001


@pytest.mark.parametrize("length", ["-1", "abc", "²", "9" * 5000])
def test_a_senseless_length_is_refused(running, length):
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as raw:
        raw.sendall(f"POST /cgi-bin/token HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        assert raw.recv(200).startswith(b"HTTP/1.1 413 ")


def test_one_connection_carries_many_requests_without_stalling(running, http):
    begun = time.monotonic()
    for _ in range(20):
        http.get(f"{running.origin}/cgi-bin/nothing")
    assert time.monotonic() - begun < 0.6, "an answer in two packets costs 40 ms each"


def test_twenty_orders_of_one_number_at_once_are_one_order(simulator, place):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(place()[0])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
    assert len(orders(simulator)) == 1
