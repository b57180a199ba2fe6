"""What goes wrong with the platform: tokens, limits, codes, content, messages, hosts, clocks."""

import pytest

from tests.faults.county import County


@pytest.fixture
def me(county):
    return county.resident()


def sign_in(county: County, code: str):
    return county.client.post("/v1/sessions", json={"code": code})


@pytest.fixture
def person(county):
    """(openid, headers) of somebody with a phone."""
    user = county.control("POST", "users", {"phone": "13800001234"})
    return user["openid"], county.sign_in(user["code"])


def phone(county: County, person):
    openid, headers = person
    code = county.control("POST", "phone-codes", {"openid": openid})["code"]
    return county.client.post("/v1/me/phone", json={"code": code}, headers=headers)


def test_row_35_a_token_made_void_elsewhere_is_renewed_once(county, person):
    assert phone(county, person).status_code == 200
    county.control("POST", "tokens/invalidate")
    before = county.hits("stable_token")
    assert phone(county, person).status_code == 200
    assert county.hits("stable_token") == before + 1


def test_row_36_a_secret_that_was_reset_stops_the_calls_and_turns_readiness_red(county, person):
    phone(county, person)
    county.control("POST", "app", {"secret": "another secret of thirty-two chars"})
    for _ in range(5):
        assert phone(county, person).status_code == 502
    assert county.hits("stable_token") <= 4
    ready = county.client.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["wechat"]) == (503, False)


def test_row_37_a_busy_wechat_is_asked_again_twice_and_then_let_be(county, person):
    county.fault("getuserphonenumber", times=2, json={"errcode": -1, "errmsg": "system error"})
    assert phone(county, person).status_code == 200
    county.fault("getuserphonenumber", times=9, json={"errcode": -1, "errmsg": "system error"})
    before = county.hits("getuserphonenumber")
    assert phone(county, person).status_code == 502
    assert county.hits("getuserphonenumber") == before + 3


@pytest.mark.parametrize("errcode", [45009, 45011])
def test_row_38_a_spent_quota_is_not_asked_again(county, person, errcode):
    county.fault("getuserphonenumber", times=9, json={"errcode": errcode, "errmsg": "reach max api limit"})
    before = county.hits("getuserphonenumber")
    answer = phone(county, person)
    assert (answer.status_code, answer.json["code"]) == (502, "wechat-rate-limited")
    assert county.hits("getuserphonenumber") == before + 1


@pytest.mark.parametrize("errcode", [40029, 40163])
def test_row_39_a_bad_login_code_asks_for_another_sign_in(county, errcode):
    county.fault("jscode2session", json={"errcode": errcode, "errmsg": ""})
    answer = sign_in(county, "anything")
    assert (answer.status_code, answer.json["code"]) == (401, "bad-login-code")


def test_row_39_a_person_whom_wechat_blocks_is_told_so(county):
    code = county.control("POST", "users", {"blocked": True})["code"]
    answer = sign_in(county, code)
    assert (answer.status_code, answer.json["code"]) == (403, "login-blocked")


def test_row_40_a_login_code_works_once(county):
    code = county.control("POST", "users", {})["code"]
    assert [sign_in(county, code).status_code for _ in range(2)] == [201, 401]


def test_row_41_a_phone_code_of_somebody_else_is_refused(county, person):
    other = county.control("POST", "users", {"phone": "13900005678"})["openid"]
    answer = phone(county, (other, person[1]))
    assert (answer.status_code, answer.json["code"]) == (409, "bad-phone-code")


def test_row_50_a_clock_that_is_off_turns_readiness_red(county):
    county.control("POST", "clock", {"skew_s": 400})
    base = county.base()
    me = county.resident()
    assert county.ask_to_pay(county.open(base, me), me).status_code == 502
    county.work()
    ready = county.client.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["clock"]) == (503, False)


def test_row_51_a_person_belongs_to_the_mini_program_they_signed_in_to(county):
    """The openid of another appid is another person: WeChat refuses their order, and nothing is paid."""
    other = county.control("POST", "users", {"appid": "wx9999999999999999"})
    answer = sign_in(county, other["code"])
    assert answer.status_code == 401


@pytest.mark.parametrize("number", ["../refunds/R1", "P%2F..%2Fx", "a b", "x" * 41])
def test_row_52_a_number_that_is_a_path_reaches_no_address(county, me, number):
    before = county.hits("/v3/")
    answer = county.client.post(f"/v1/pledges/{number}/payments", headers=me)
    assert answer.status_code in {404, 405, 422}
    assert county.hits("/v3/") == before
