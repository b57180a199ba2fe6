"""What can go wrong with the account itself, ordered by control and seen through the unmodified wechatpy."""

import json

import pytest
from wechatpy.exceptions import APILimitedException, WeChatClientException

from wxbackend.devtools.wxsim.wire import Request

STABLE = "/cgi-bin/stable_token"
TEXT = "/wxa/msg_sec_check"


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


def stable(running, http):
    app = running.simulator.world.app
    body = {"grant_type": "client_credential", "appid": app.appid, "secret": app.secret}
    return http.post(running.origin + STABLE, json=body).json()


@pytest.mark.parametrize("code", [-1, 40125, 40164, 45009, 45011, 48001, 50002, 61004])
def test_an_ordered_errcode_answers_with_http_200_and_a_request_id(running, http, simulator, code):
    simulator.control("POST", "mini-faults", {"path": STABLE, "errcode": code, "times": 1})
    answer = stable(running, http)
    assert answer["errcode"] == code
    assert "rid: " in answer["errmsg"]
    assert "access_token" in stable(running, http)


def test_an_errcode_may_last_for_ever_until_it_is_taken_back(running, http, simulator):
    simulator.control("POST", "mini-faults", {"path": STABLE, "errcode": 40164, "times": -1})
    assert {stable(running, http)["errcode"] for _ in range(4)} == {40164}
    simulator.control("DELETE", "faults")
    assert "access_token" in stable(running, http)


def test_an_errcode_may_be_worded(running, http, simulator):
    simulator.control("POST", "mini-faults", {"path": STABLE, "errcode": 45009, "errmsg": "reach max"})
    assert stable(running, http) == {"errcode": 45009, "errmsg": "reach max"}


def test_a_quota_is_an_exception_of_its_own_in_the_sdk(ask, visitor, simulator):
    simulator.control("POST", "mini-faults", {"path": TEXT, "errcode": 45009})
    with pytest.raises(APILimitedException):
        ask(TEXT, version=2, scene=1, openid=visitor, content="好")


def test_a_fault_strikes_one_path_only(ask, visitor, simulator):
    simulator.control("POST", "mini-faults", {"path": "/wxa/getwxacodeunlimit", "errcode": -1, "times": -1})
    assert ask(TEXT, version=2, scene=1, openid=visitor, content="好")["errcode"] == 0


def test_a_reset_secret_is_a_permanent_40001_and_40125(mini, running, http, simulator):
    token = stable(running, http)["access_token"]
    old = simulator.world.app.secret
    simulator.control("POST", "app", {})
    url, body = running.origin + TEXT, {"version": 2}
    assert {http.post(url, params={"access_token": token}, json=body).json()["errcode"] for _ in range(3)} == {40001}
    mini.secret = old
    assert errcode(mini.fetch_access_token) == 40125


def test_a_token_fetched_elsewhere_kills_an_ordinary_one_and_no_stable_one(mini, running, http, ask, visitor):
    kept = stable(running, http)["access_token"]
    mini.fetch_access_token()
    ordinary = mini.access_token
    body = {"version": 2, "scene": 1, "openid": visitor, "content": "好"}
    app = running.simulator.world.app
    elsewhere = {"grant_type": "client_credential", "appid": app.appid, "secret": app.secret}
    http.get(running.origin + "/cgi-bin/token", params=elsewhere)
    url = running.origin + TEXT
    assert http.post(url, params={"access_token": ordinary}, json=body).json()["errcode"] == 40001
    assert http.post(url, params={"access_token": kept}, json=body).json()["errcode"] == 0


def test_stable_tokens_run_out_per_minute(running, http, simulator):
    simulator.control("POST", "quotas", {"path": STABLE, "per_minute": 2})
    stable(running, http)
    stable(running, http)
    assert stable(running, http)["errcode"] == 45009
    simulator.control("POST", "clock", {"advance_s": 60})
    assert "access_token" in stable(running, http)


def test_a_wrong_method_is_named(running, http, mini):
    token = {"access_token": mini.access_token}
    assert http.get(running.origin + TEXT, params=token).json()["errcode"] == 43002
    assert http.post(running.origin + "/sns/jscode2session").json()["errcode"] == 43001


def test_a_body_that_is_no_object_is_refused(running, http, mini):
    token = {"access_token": mini.access_token}
    for body in (b"{", b"[1]", b"\xff"):
        assert http.post(running.origin + TEXT, params=token, data=body).json()["errcode"] == 47001


GARBAGE = (None, True, 0, -1, 10**30, 1.5, "", "\ud800", "树" * 5000, [], [None], {}, {"value": []})
GOOD_BODIES = {
    TEXT: {"version": 2, "scene": 1, "openid": "o1", "content": "好", "nickname": "名"},
    "/wxa/media_check_async": {
        "version": 2,
        "scene": 1,
        "openid": "o1",
        "media_type": 2,
        "media_url": "http://127.0.0.1:9/a",
    },
    "/cgi-bin/message/subscribe/send": {
        "touser": "o1",
        "template_id": "T",
        "page": "p",
        "data": {"thing1": {"value": "树"}},
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    },
    "/wxa/getwxacodeunlimit": {
        "scene": "a",
        "page": "p",
        "width": 280,
        "env_version": "trial",
        "is_hyaline": True,
        "check_path": True,
    },
    "/wxa/generate_urllink": {
        "path": "p",
        "query": "a=1",
        "expire_type": 1,
        "expire_interval": 1,
        "env_version": "trial",
    },
    "/wxa/sec/order/upload_shipping_info": {
        "order_key": {"order_number_type": 2, "transaction_id": "1"},
        "logistics_type": 3,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "树"}],
        "upload_time": "2026-11-22T10:30:15+08:00",
        "payer": {"openid": "o1"},
    },
    "/wxa/sec/order/get_order": {"transaction_id": "1", "merchant_id": "1", "merchant_trade_no": "1"},
    "/wxa/sec/order/is_trade_managed": {"appid": "wx"},
    "/wxa/business/getuserphonenumber": {"code": "1", "openid": "o1"},
}


@pytest.mark.parametrize("path", GOOD_BODIES)
def test_garbage_in_any_field_is_an_answer_and_never_a_crash(simulator, path):
    simulator.control("POST", "users", {"openid": "o1"})
    simulator.control("POST", "visits", {"openid": "o1"})
    simulator.control("POST", "templates", {"template_id": "T", "fields": ["thing1"]})
    token, _ = simulator.world.tokens.fetch_stable(force_refresh=False, now=simulator.world.clock.now())
    good = GOOD_BODIES[path]
    bodies = [json.dumps(good | {name: value}) for name in good for value in GARBAGE]
    for body in [*bodies, "[" * 100_000, '"\\ud800"', "NaN"]:
        answer = simulator.answer(Request("POST", path, path, {"access_token": token}, {}, body.encode()))
        assert answer.status == 200, body[:200]
        if answer.headers["Content-Type"].startswith("application/json"):
            assert isinstance(json.loads(answer.body)["errcode"], int), body[:200]
    for page in ("messages", "codes", "links", "media-checks", "shipping", "hits"):
        assert simulator.control("GET", page) is not None
