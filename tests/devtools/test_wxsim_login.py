"""api.weixin.qq.com, driven by the unmodified wechatpy."""

import json

import pytest
from wechatpy.exceptions import WeChatClientException

TOKEN_PATH = "/cgi-bin/token"
STABLE_PATH = "/cgi-bin/stable_token"


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


def stable(mini, running, http, **changes):
    app = running.simulator.world.app
    body = {"grant_type": "client_credential", "appid": app.appid, "secret": app.secret, **changes}
    return http.post(running.origin + STABLE_PATH, json=body).json()


def phone(mini, code, **more):
    return mini.post("https://api.weixin.qq.com/wxa/business/getuserphonenumber", data={"code": code, **more})


def test_login_tells_openid_and_unionid_of_the_user_whose_phone_made_the_code(mini, simulator):
    user = simulator.control("POST", "users", {"unionid": "union-林小苗"})
    session = mini.wxa.code_to_session(user["code"])
    assert (session["openid"], session["unionid"]) == (user["openid"], "union-林小苗")
    assert session["session_key"]


def test_unionid_is_absent_for_a_user_without_one(mini, simulator):
    user = simulator.control("POST", "users", {})
    assert "unionid" not in mini.wxa.code_to_session(user["code"])


def test_a_login_code_works_once(mini, simulator):
    code = simulator.control("POST", "users", {})["code"]
    mini.wxa.code_to_session(code)
    assert errcode(lambda: mini.wxa.code_to_session(code)) == 40163


def test_an_unknown_login_code_is_refused(mini):
    assert errcode(lambda: mini.wxa.code_to_session("0nobody")) == 40029


def test_a_login_code_ends_after_five_minutes(mini, simulator):
    code = simulator.control("POST", "users", {})["code"]
    simulator.control("POST", "clock", {"advance_s": 301})
    assert errcode(lambda: mini.wxa.code_to_session(code)) == 40029


def test_a_code_of_another_mini_program_is_refused(mini, simulator):
    code = simulator.control("POST", "users", {"appid": "wxffffffffffffffff"})["code"]
    assert errcode(lambda: mini.wxa.code_to_session(code)) == 40029


def test_a_blocked_user_is_refused(mini, simulator):
    code = simulator.control("POST", "users", {"blocked": True})["code"]
    assert errcode(lambda: mini.wxa.code_to_session(code)) == 40226


def test_one_user_logs_in_a_hundred_times_a_minute_and_no_more(simulator):
    openid = simulator.control("POST", "users", {})["openid"]
    world = simulator.world
    for _ in range(100):
        code = simulator.control("POST", "login-codes", {"openid": openid})["code"]
        world.people.log_in(code, appid=world.app.appid, now=1000.0)
    code = simulator.control("POST", "login-codes", {"openid": openid})["code"]
    with pytest.raises(Exception, match="45011"):
        world.people.log_in(code, appid=world.app.appid, now=1059.0)
    assert world.people.log_in(code, appid=world.app.appid, now=1060.0).openid == openid


def test_login_checks_appid_secret_and_grant_type(running, http, simulator):
    app, code = simulator.world.app, simulator.control("POST", "users", {})["code"]
    good = {"appid": app.appid, "secret": app.secret, "js_code": code, "grant_type": "authorization_code"}
    for change, expected in (
        ({"appid": "wx0"}, 40013),
        ({"secret": "no"}, 40125),
        ({"grant_type": "client_credential"}, 40002),
        ({"js_code": ""}, 41008),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
    ):
        answer = http.get(running.origin + "/sns/jscode2session", params=good | change)
        assert (answer.status_code, answer.json()["errcode"]) == (200, expected), change
    answer = http.get(running.origin + "/sns/jscode2session", params=good)
    assert answer.headers["Content-Type"] == "text/plain"
    assert "openid" in answer.json()


def test_an_ordinary_token_kills_the_one_before(mini, simulator):
    first = mini.fetch_access_token()["access_token"]
    second = mini.fetch_access_token()["access_token"]
    world = simulator.world
    world.tokens.check(second, now=world.clock.now())
    with pytest.raises(Exception, match="40001"):
        world.tokens.check(first, now=world.clock.now())


def test_ordinary_tokens_run_out_after_two_thousand_a_day(simulator):
    tokens = simulator.world.tokens
    for _ in range(2000):
        tokens.fetch_ordinary(now=86_400.0)
    with pytest.raises(Exception, match="45009"):
        tokens.fetch_ordinary(now=86_401.0)
    assert tokens.fetch_ordinary(now=2 * 86_400.0)[1] == 7200


def test_the_stable_token_stays_the_same_until_five_minutes_before_its_end(mini, running, http, simulator):
    first = stable(mini, running, http)
    simulator.control("POST", "clock", {"advance_s": 6890})
    again = stable(mini, running, http)
    assert again["access_token"] == first["access_token"]
    assert 300 < again["expires_in"] <= 310
    simulator.control("POST", "clock", {"advance_s": 20})
    renewed = stable(mini, running, http)
    assert renewed["access_token"] != first["access_token"]
    assert renewed["expires_in"] == 7200


def test_old_and_new_stable_token_are_both_good_for_the_last_five_minutes(mini, running, http, simulator):
    first = stable(mini, running, http)["access_token"]
    simulator.control("POST", "clock", {"advance_s": 6950})
    second = stable(mini, running, http)["access_token"]
    world = simulator.world
    for token in (first, second):
        world.tokens.check(token, now=world.clock.now())
    simulator.control("POST", "clock", {"advance_s": 260})
    world.tokens.check(second, now=world.clock.now())
    with pytest.raises(Exception, match="42001"):
        world.tokens.check(first, now=world.clock.now())


def test_a_forced_stable_token_kills_the_old_and_is_limited(mini, running, http, simulator):
    first = stable(mini, running, http)["access_token"]
    forced = stable(mini, running, http, force_refresh=True)["access_token"]
    assert forced != first
    with pytest.raises(Exception, match="40001"):
        simulator.world.tokens.check(first, now=simulator.world.clock.now())
    assert stable(mini, running, http, force_refresh=True)["errcode"] == 45011
    for number in range(1, 20):
        simulator.world.tokens.fetch_stable(force_refresh=True, now=simulator.world.clock.now() + 30 * number)
    with pytest.raises(Exception, match="45009"):
        simulator.world.tokens.fetch_stable(force_refresh=True, now=simulator.world.clock.now() + 600)


def test_stable_and_ordinary_tokens_never_touch_each_other(mini, running, http, simulator):
    kept = stable(mini, running, http)["access_token"]
    mini.fetch_access_token()
    assert stable(mini, running, http)["access_token"] == kept


def test_stable_token_checks_the_account_and_the_body(mini, running, http):
    assert stable(mini, running, http, secret="no")["errcode"] == 40125
    assert stable(mini, running, http, appid="wx0")["errcode"] == 40013
    assert stable(mini, running, http, grant_type="x")["errcode"] == 40002
    assert stable(mini, running, http, force_refresh="yes")["errcode"] == 47001
    assert http.post(running.origin + STABLE_PATH, data=b"[1]").json()["errcode"] == 47001


def test_the_sdk_recovers_from_an_invalidated_token_by_itself(mini, simulator):
    openid = simulator.control("POST", "users", {})["openid"]
    mini.fetch_access_token()
    simulator.control("POST", "tokens/invalidate")
    code = simulator.control("POST", "phone-codes", {"openid": openid})["code"]
    assert phone(mini, code)["phone_info"]["purePhoneNumber"] == "19900000000"
    assert simulator.control("GET", "hits")[TOKEN_PATH] == 2


def test_a_call_says_why_its_token_is_refused(mini, running, http, simulator):
    url = running.origin + "/wxa/business/getuserphonenumber"
    token = mini.fetch_access_token()["access_token"]
    assert http.post(url, json={"code": "x"}).json()["errcode"] == 41001
    assert http.post(url, params={"access_token": "98_no"}, json={"code": "x"}).json()["errcode"] == 40001
    assert http.post(url, params={"access_token": token}, json={"code": "x"}).json()["errcode"] == 40029
    simulator.control("POST", "clock", {"advance_s": 7201})
    assert http.post(url, params={"access_token": token}, json={"code": "x"}).json()["errcode"] == 42001


def test_a_reset_secret_voids_every_token_and_the_old_secret(mini, simulator):
    token = mini.fetch_access_token()["access_token"]
    simulator.control("POST", "app", {})
    with pytest.raises(Exception, match="40001"):
        simulator.world.tokens.check(token, now=simulator.world.clock.now())
    assert errcode(mini.fetch_access_token) == 40125


def test_a_phone_code_works_once_and_only_for_its_user(mini, simulator):
    owner = simulator.control("POST", "users", {"phone": "19912345678"})["openid"]
    thief = simulator.control("POST", "users", {})["openid"]
    code = simulator.control("POST", "phone-codes", {"openid": owner})["code"]
    assert errcode(lambda: phone(mini, code, openid=thief)) == 40013
    told = phone(mini, code, openid=owner)["phone_info"]
    assert told["phoneNumber"] == "19912345678"
    assert told["watermark"]["appid"] == simulator.world.app.appid
    assert errcode(lambda: phone(mini, code, openid=owner)) == 40029


def test_a_phone_code_ends_after_five_minutes(mini, simulator, openid):
    code = simulator.control("POST", "phone-codes", {"openid": openid})["code"]
    simulator.control("POST", "clock", {"advance_s": 301})
    assert errcode(lambda: phone(mini, code)) == 40029


def test_a_login_code_is_no_phone_code(mini, simulator):
    code = simulator.control("POST", "users", {})["code"]
    assert errcode(lambda: phone(mini, code)) == 40029


def test_unknown_paths_answer_as_the_real_host_does(running, http):
    answer = http.get(running.origin + "/cgi-bin/nothing")
    assert (answer.status_code, answer.json()["errcode"]) == (200, 40066)
    assert "rid: " in json.loads(answer.text)["errmsg"]
