"""WeChat's message push: what is genuine, what a repetition is, and what is refused without a trace."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto, WeChatCrypto

from wxbackend.core.wxmini import BadPush
from wxbackend.core.wxpay import WrongRecipient
from wxbackend.wechat.push import LivePushOpener

APPID, TOKEN = "wx5a6b7c8d9e0f1a2b", "a token of the push"
KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode().rstrip("=")
MESSAGE = {"ToUserName": "gh_1", "FromUserName": "o-person", "CreateTime": 1773288000, "MsgType": "event", "Event": "x"}


def sealed(message: object, *, appid: str = APPID, key: str = KEY, token: str = TOKEN) -> tuple[dict[str, str], bytes]:
    """Query and body as WeChat posts them."""
    crypto = WeChatCrypto(token, key, appid)
    envelope = crypto.encrypt_message(json.dumps(message), "a nonce", "1773288000")
    found = {name: envelope.split(f"<{name}><![CDATA[")[1].split("]]>")[0] for name in ("Encrypt", "MsgSignature")}
    query = {"timestamp": "1773288000", "nonce": "a nonce", "msg_signature": found["MsgSignature"]}
    return query, json.dumps({"ToUserName": "gh_1", "Encrypt": found["Encrypt"]}).encode()


@pytest.fixture
def opener() -> LivePushOpener:
    return LivePushOpener(appid=APPID, token=TOKEN, aes_key=KEY)


def opened(opener: LivePushOpener, query: dict[str, str], body: bytes):
    return opener.open(query=query, body=body)


def test_the_address_answers_with_what_wechat_wants_to_hear():
    """The example of WeChat's own manual."""
    opener = LivePushOpener(appid=APPID, token="AAAAA", aes_key=KEY)
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "echostr": "4375120948345356249",
        "timestamp": "1714036504",
        "nonce": "1514711492",
    }
    assert opener.echo(query) == "4375120948345356249"
    with pytest.raises(BadPush):
        opener.echo({**query, "nonce": "1514711493"})


def test_a_genuine_message_opens(opener):
    event = opened(opener, *sealed(MESSAGE))
    assert (event.event, event.openid, event.document) == ("x", "o-person", MESSAGE)


def test_a_repetition_has_the_same_key_though_it_is_sealed_anew(opener):
    first, again = sealed(MESSAGE), sealed(MESSAGE)
    assert first[1] != again[1]
    assert opened(opener, *first).key == opened(opener, *again).key


@pytest.mark.parametrize("change", [{"Event": "y"}, {"CreateTime": 1773288001}, {"transaction_id": "42"}])
def test_two_messages_of_one_second_have_keys_of_their_own(opener, change):
    assert opened(opener, *sealed(MESSAGE)).key != opened(opener, *sealed({**MESSAGE, **change})).key


def test_a_message_of_another_mini_program_is_not_ours(opener):
    with pytest.raises(WrongRecipient):
        opened(opener, *sealed(MESSAGE, appid="wx9999999999999999"))


@pytest.mark.parametrize(
    "change", [{"msg_signature": "0" * 40}, {"msg_signature": ""}, {"nonce": "b"}, {"timestamp": ""}]
)
def test_a_message_that_wechat_did_not_sign_is_refused(opener, change):
    query, body = sealed(MESSAGE)
    with pytest.raises(BadPush):
        opened(opener, {**query, **change}, body)


def test_a_message_in_the_clear_is_refused(opener):
    query, _ = sealed(MESSAGE)
    with pytest.raises(BadPush):
        opened(opener, query, json.dumps(MESSAGE).encode())


@given(seed=st.binary(min_size=32, max_size=32))
def test_a_message_sealed_with_any_other_key_is_refused(seed):
    """What comes out is noise, and noise may look like anything: it is never an error of ours."""
    opener = LivePushOpener(appid=APPID, token=TOKEN, aes_key=base64.b64encode(seed).decode().rstrip("="))
    with pytest.raises((BadPush, WrongRecipient)):
        opened(opener, *sealed(MESSAGE, key=OTHER_KEY if seed == bytes(range(32)) else KEY))


GARBAGE = {
    "nothing": b"",
    "a list": b"[]",
    "no text": b"\xff",
    "no message": b"{}",
    "a number": b'{"Encrypt": 1}',
    "a word": b'{"Encrypt": "x"}',
    "xml": b"<xml><Encrypt>x</Encrypt></xml>",
    "brackets without end": b'{"Encrypt": ' + b"[" * 200_000,
    "a megabyte": b'{"Encrypt": "' + b"A" * 1_000_000 + b'"}',
    "digits without end": b'{"Encrypt": ' + b"9" * 10_000 + b"}",
    "half a character": b'{"Encrypt": "\\ud800"}',
    "another alphabet": b'{"Encrypt": "\\u5bc6"}',
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused(opener, body):
    with pytest.raises(BadPush):
        opened(opener, sealed(MESSAGE)[0], body)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature", "signature"])
@pytest.mark.parametrize("odd", ["\ud800", "密", "\x00"])
def test_odd_characters_in_the_query_are_refused(opener, name, odd):
    query, body = sealed(MESSAGE)
    with pytest.raises(BadPush):
        opened(opener, {**query, "msg_signature": "0" * 40, name: odd}, body)
    with pytest.raises(BadPush):
        opener.echo({"signature": "0" * 40, "timestamp": "1", "nonce": "2", name: odd})


@pytest.mark.parametrize("moment", ["soon", None, "1e400", [1], 10**30, float("nan")])
def test_a_genuine_message_of_no_moment_is_refused(opener, moment):
    with pytest.raises(BadPush):
        opened(opener, *sealed({**MESSAGE, "CreateTime": moment}))


@pytest.mark.parametrize("padding", [0, 1, 31, 33, 255])
def test_a_signed_message_of_wrong_padding_is_refused_or_ours(opener, padding):
    """The library believes the last byte; the appid behind the message is what it is checked by."""
    crypto = WeChatCrypto(TOKEN, KEY, APPID)
    text = json.dumps(MESSAGE).encode()
    plain = b"r" * 16 + len(text).to_bytes(4, "big") + text + APPID.encode()
    plain += bytes([padding]) * (32 - len(plain) % 32)
    encrypt = base64.b64encode(PrpCrypto(crypto.key).cipher.encrypt(plain)).decode()
    query = {"timestamp": "1", "nonce": "2"}
    signed = "".join(sorted((TOKEN, "1", "2", encrypt))).encode()
    query["msg_signature"] = hashlib.sha1(signed, usedforsecurity=False).hexdigest()
    with pytest.raises((BadPush, WrongRecipient)):
        opened(opener, query, json.dumps({"Encrypt": encrypt}).encode())


@pytest.mark.parametrize("missing", ["FromUserName", "CreateTime"])
def test_a_genuine_message_that_is_incomplete_is_refused(opener, missing):
    with pytest.raises(BadPush):
        opened(opener, *sealed({name: value for name, value in MESSAGE.items() if name != missing}))


def test_nobody_is_believed_before_token_and_key_are_configured():
    with pytest.raises(BadPush):
        opened(LivePushOpener(appid=APPID, token="", aes_key=""), *sealed(MESSAGE))
