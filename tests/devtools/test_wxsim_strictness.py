"""Every rule of the v3 Authorization, broken one at a time by hand-made requests; and the signature of every answer."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from wechatpayv3.utils import build_authorization, load_private_key, load_public_key, rsa_verify

from wxbackend.devtools.wxsim.keys import private_pem, public_pem, sign
from wxbackend.devtools.wxsim.merchants import Merchant

NUMBER = "P261121ABCDEFGHJK01"


@pytest.fixture
def call(running, http, merchant, simulator):
    """Sign and send; keywords break one thing. ``signed_*`` is what the signature covers when it should differ."""

    def send(path=None, *, method="GET", body=b"", authorization=None, headers=None, **parts):
        path = path or f"/v3/pay/transactions/out-trade-no/{NUMBER}?mchid={merchant.mchid}"
        given = {"Accept": "application/json", "Wechatpay-Serial": merchant.public_key_id} | (headers or {})
        given["Authorization"] = authorization or authorize(
            merchant, simulator, method=method, path=path, body=body, **parts
        )
        return http.request(method, running.origin + path, data=body, headers=given)

    return send


def authorize(merchant: Merchant, simulator, *, method, path, body, **parts):
    timestamp = str(parts.get("timestamp", int(simulator.world.clock.signing_now())))
    nonce = parts.get("nonce_str", f"N{simulator.world.clock.signing_now()!r}")
    covered = (parts.get("signed_method", method), parts.get("signed_path", path), timestamp, nonce)
    signed_body = parts.get("signed_body", body)
    signature = sign(parts.get("key", merchant.key), "\n".join((*covered, "")).encode() + signed_body + b"\n")
    fields = {
        "mchid": parts.get("mchid", merchant.mchid),
        "nonce_str": nonce,
        "signature": signature,
        "timestamp": timestamp,
        "serial_no": parts.get("serial_no", merchant.serial_no),
    }
    return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def is_answer_signed(answer, key: RSAPublicKey) -> bool:
    headers = answer.headers
    return rsa_verify(
        headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], answer.text, headers["Wechatpay-Signature"], key
    )


def test_a_rightly_signed_request_passes(call):
    assert refusal(call()) == (404, "ORDER_NOT_EXIST")


def test_the_signature_covers_method_path_query_body_time_and_nonce(call):
    for parts in (
        {"signed_method": "POST"},
        {"signed_path": f"/v3/pay/transactions/out-trade-no/{NUMBER}"},
        {"signed_body": b"{}"},
    ):
        answer = call(**parts)
        assert (refusal(answer), "签名" in answer.json()["message"]) == ((401, "SIGN_ERROR"), True), parts


def test_another_merchants_key_or_name_or_serial_is_refused(call, other_merchant):
    assert refusal(call(key=other_merchant.key)) == (401, "SIGN_ERROR")
    assert refusal(call(mchid=other_merchant.mchid)) == (401, "SIGN_ERROR")
    assert refusal(call(serial_no=other_merchant.serial_no)) == (401, "SIGN_ERROR")
    assert refusal(call(mchid="1999999999")) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(("off_s", "status"), [(-295, 404), (295, 404), (-310, 401), (310, 401)])
def test_the_timestamp_may_be_five_minutes_off_and_no_more(call, simulator, off_s, status):
    assert call(timestamp=int(simulator.world.clock.signing_now()) + off_s).status_code == status


def test_a_skewed_clock_at_wechat_refuses_an_honest_caller(pay_sdk, simulator):
    simulator.control("POST", "clock", {"skew_s": 400})
    status, text = pay_sdk.query(out_trade_no=NUMBER)
    assert (status, json.loads(text)["code"]) == (401, "SIGN_ERROR")
    assert "5分钟" in text


def test_the_date_header_tells_the_skew(running, http, simulator):
    simulator.control("POST", "clock", {"skew_s": -86400})
    date = parsedate_to_datetime(http.get(running.origin + "/").headers["Date"])
    assert abs((datetime.now(UTC) - date).total_seconds() - 86400) < 10


def test_moving_the_business_day_leaves_signatures_alone(pay_sdk, simulator):
    simulator.control("POST", "clock", {"advance_s": 86400})
    assert pay_sdk.query(out_trade_no=NUMBER)[0] == 404


def test_a_nonce_is_good_once(call):
    assert call(nonce_str="ONCE").status_code == 404
    assert refusal(call(nonce_str="ONCE")) == (401, "SIGN_ERROR")


def test_old_nonces_are_forgotten(call, simulator):
    for number in range(6):
        call(nonce_str=f"N{number}")
    simulator.control("POST", "clock", {"skew_s": 601})
    for number in range(3):
        assert call(nonce_str=f"M{number}").status_code == 404
    assert len(simulator.world.nonces) == 3


def test_a_wrong_signature_does_not_burn_the_nonce(call):
    call(nonce_str="ONCE", signed_body=b"x")
    assert call(nonce_str="ONCE").status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048 ",
        'WECHATPAY2-SHA256-RSA2048 mchid="1680000001"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="n",signature="s",timestamp="t",serial_no="x",more="y"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",mchid="1",nonce_str="n",signature="s",timestamp="1",serial_no="x"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="",signature="s",timestamp="1",serial_no="x"',
        "WECHATPAY2-SHA256-RSA2048 mchid=1,nonce_str=n,signature=s,timestamp=1,serial_no=x",
    ],
)
def test_a_malformed_authorization_is_refused(call, authorization):
    assert refusal(call(authorization=authorization)) == (401, "SIGN_ERROR")


@pytest.mark.parametrize("timestamp", ["soon", "1.5e9", "-1", "١٢٣٤٥٦٧٨٩٠", "9" * 400])
def test_a_timestamp_that_is_no_number_is_refused(call, timestamp):
    authorization = authorize_with_ascii(timestamp)
    assert refusal(call(authorization=authorization.encode())) == (401, "SIGN_ERROR")


def authorize_with_ascii(timestamp: str) -> str:
    return (
        'WECHATPAY2-SHA256-RSA2048 mchid="1680000001",nonce_str="n",signature="c2ln",'
        f'timestamp="{timestamp}",serial_no="x"'
    )


def test_a_field_given_twice_or_left_empty_is_refused_though_the_signature_is_right(call, merchant, simulator):
    good = authorize(merchant, simulator, method="GET", path="/v3/certificates", body=b"")
    twice = good + f',mchid="{merchant.mchid}"'
    assert refusal(call("/v3/certificates", authorization=twice)) == (401, "SIGN_ERROR")
    assert refusal(call("/v3/certificates", nonce_str="")) == (401, "SIGN_ERROR")
    assert call("/v3/certificates", authorization=good).status_code == 200


def test_a_signature_that_is_no_base64_is_refused(call, merchant, simulator):
    good = authorize(merchant, simulator, method="GET", path="/v3/certificates", body=b"")
    broken = re.sub(r'signature="[^"]*"', 'signature="***"', good)
    assert refusal(call("/v3/certificates", authorization=broken)) == (401, "SIGN_ERROR")


def test_accept_and_user_agent_are_required(call):
    for name in ("Accept", "User-Agent"):
        answer = call(headers={name: None} if name == "Accept" else {name: ""})
        assert refusal(answer) == (400, "PARAM_ERROR")


def test_an_unknown_wechatpay_serial_is_refused(call):
    assert refusal(call(headers={"Wechatpay-Serial": "PUB_KEY_ID_0"})) == (400, "PARAM_ERROR")


def test_a_body_that_is_no_object_is_a_parameter_error(call):
    for body in (b"[1]", b"{", b"\xff"):
        answer = call("/v3/pay/transactions/jsapi", method="POST", body=body)
        assert refusal(answer) == (400, "PARAM_ERROR")


def test_an_unknown_path_is_a_signed_404(call, merchant):
    answer = call("/v3/nothing")
    assert refusal(answer) == (404, "RESOURCE_NOT_EXISTS")
    assert is_answer_signed(answer, load_public_key(public_pem(merchant.wechat_key).decode()))


def test_another_merchants_mchid_in_query_or_body_is_refused(call, other_merchant):
    path = f"/v3/pay/transactions/out-trade-no/{NUMBER}"
    assert refusal(call(f"{path}?mchid={other_merchant.mchid}")) == (400, "PARAM_ERROR")
    assert refusal(call(path)) == (400, "PARAM_ERROR")
    body = json.dumps({"mchid": other_merchant.mchid}).encode()
    assert refusal(call(f"{path}/close", method="POST", body=body)) == (400, "PARAM_ERROR")


def test_answers_and_refusals_are_signed_by_the_key_the_request_names(call, merchant):
    public_key = load_public_key(public_pem(merchant.wechat_key).decode())
    platform_key = merchant.platform_certificate.public_key()
    by_name = ((merchant.public_key_id, public_key), (merchant.platform_serial, platform_key), ("", platform_key))
    for serial, key in by_name:
        for broken in ({}, {"signed_body": b"x"}):
            answer = call(headers={"Wechatpay-Serial": serial}, **broken)
            assert answer.headers["Wechatpay-Serial"] == (serial or merchant.platform_serial)
            assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
            assert is_answer_signed(answer, key)


def test_a_stranger_gets_an_unsigned_refusal(call):
    answer = call(mchid="1999999999")
    assert "Wechatpay-Signature" not in answer.headers


def test_a_request_of_the_sdk_itself_passes_by_hand_too(running, http, merchant):
    path = "/v3/certificates"
    header = build_authorization(path, "GET", merchant.mchid, merchant.serial_no, load(merchant))
    answer = http.get(running.origin + path, headers={"Authorization": header})
    assert answer.json()["data"][0]["serial_no"] == merchant.platform_serial


def load(merchant: Merchant):
    return load_private_key(private_pem(merchant.key).decode())
