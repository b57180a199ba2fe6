"""Message push: what leaves the simulator is opened by the unmodified wechatpy, and every forgery is refused by it."""

import json
from itertools import pairwise

import pytest
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

from wxbackend.devtools.wxsim import ControlFailed, serve
from wxbackend.devtools.wxsim.push import encrypt, is_aes_key, new_aes_key, signature_of

SALT = b"0123456789abcdef"
PRIVACY_EVENTS = ["user_authorization_revoke", "user_authorization_cancellation", "user_info_modified"]


@pytest.fixture
def push(simulator, openid):
    def order(event="user_authorization_revoke", **handling) -> list[int]:
        fields = {"OpenID": openid, "AppID": simulator.world.app.appid, "RevokeInfo": "8"}
        body = {"event": event, "openid": openid, "fields": fields, **handling}
        return simulator.control("POST", "push", body)["pushes"]

    return order


@pytest.fixture
def flush(simulator):
    return lambda until="end": simulator.control("POST", "flush", {"until": until})


@pytest.fixture
def opened(simulator, receiver):
    """Opens one request as a backend with the right settings does."""

    def read(came) -> dict:
        return came.opened(simulator.world.mini.push.settings, simulator.world.app.appid)

    return read


def deliveries(simulator) -> list[dict]:
    return simulator.control("GET", "push/deliveries")["deliveries"]


@pytest.mark.parametrize("event", PRIVACY_EVENTS)
def test_an_event_is_encrypted_and_signed_as_the_sdk_expects(push, flush, receiver, opened, openid, simulator, event):
    push(event)
    flush()
    [came] = receiver.posts
    plain = opened(came)
    assert (plain["MsgType"], plain["Event"], plain["FromUserName"]) == ("event", event, openid)
    assert (plain["OpenID"], plain["RevokeInfo"]) == (openid, "8")
    assert came.query["encrypt_type"] == "aes"
    assert came.query["openid"] == openid
    outer = json.loads(came.body)
    assert set(outer) == {"ToUserName", "Encrypt"}
    assert outer["ToUserName"] == plain["ToUserName"]
    assert deliveries(simulator)[0]["state"] == "delivered"


class SaltedCrypto(PrpCrypto):
    """wechatpy's own cipher with a salt that is known."""

    def get_random_string(self):
        return SALT.decode()


@pytest.mark.parametrize("text", ["", "树", "x" * 27, "x" * 28, "长" * 500])
def test_the_sdk_encrypts_to_the_same_bytes(simulator, text):
    settings, appid = simulator.world.mini.push.settings, simulator.world.app.appid
    crypto = WeChatCrypto(settings.token, settings.aes_key, appid)
    theirs = SaltedCrypto(crypto.key).encrypt(text, appid).decode()
    assert encrypt(text.encode(), aes_key=settings.aes_key, appid=appid, salt=SALT) == theirs


def test_the_sdk_opens_messages_of_every_length(simulator):
    settings, appid = simulator.world.mini.push.settings, simulator.world.app.appid
    for text in ("x" * length for length in range(40)):
        cipher = encrypt(text.encode(), aes_key=settings.aes_key, appid=appid, salt=SALT)
        signature = signature_of(settings.token, "1790000000", "nonce", cipher)
        crypto = WeChatCrypto(settings.token, settings.aes_key, appid)
        assert crypto.decrypt_message({"Encrypt": cipher}, signature, "1790000000", "nonce") == text


@pytest.mark.parametrize("answer", [b"success", b""])
def test_success_and_silence_end_the_delivery(push, flush, receiver, answer):
    receiver.answers = [(200, answer)]
    push()
    flush()
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("answer", [(500, b""), (200, b"fail"), (200, b'{"code":"FAIL"}'), (404, b"success")])
def test_anything_else_is_tried_three_times_more(push, flush, receiver, simulator, answer):
    receiver.answers = [answer]
    push()
    flush()
    assert len(receiver.posts) == 4
    [delivery] = deliveries(simulator)
    assert (delivery["state"], len(delivery["tries"])) == ("given_up", 4)
    moments = [one["scheduled_at"] for one in delivery["tries"]]
    assert all(4.9 < later - sooner < 60 for sooner, later in pairwise(moments))


def test_a_retry_is_the_same_event_signed_anew(push, flush, receiver, opened):
    receiver.answers = [(500, b""), (200, b"success")]
    push()
    flush()
    first, second = receiver.posts
    assert opened(first) == opened(second)
    assert first.query["msg_signature"] != second.query["msg_signature"]


def test_a_receiver_that_thinks_too_long_is_asked_again(push, flush, receiver, simulator):
    simulator.control("POST", "push/settings", {"patience_s": 0.2})
    receiver.answers = [None, (200, b"success")]
    push()
    flush()
    tries = deliveries(simulator)[0]["tries"]
    assert [(one["status"], one["error"]) for one in tries] == [(None, "TimeoutError"), (200, None)]


def test_a_receiver_that_is_away_is_asked_again(push, flush, receiver, simulator):
    simulator.control("POST", "push/settings", {"url": "http://127.0.0.1:9/wx/push"})
    push()
    flush()
    assert [one["error"] for one in deliveries(simulator)[0]["tries"]] == ["ConnectionRefusedError"] * 4


def test_the_simulator_delivers_by_itself_once_it_runs(running, push, receiver, flush):
    push()
    flush("due")
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("forge", ["wrong-msg-signature", "wrong-token", "tampered"])
def test_a_forged_signature_is_refused_by_the_sdk(push, flush, receiver, opened, forge):
    push(forge=forge)
    flush()
    [came] = receiver.posts
    with pytest.raises(InvalidSignatureException):
        opened(came)


def test_a_forged_msg_signature_leaves_the_other_one_right(push, flush, receiver, simulator):
    push(forge="wrong-msg-signature")
    flush()
    query = receiver.posts[0].query
    check_signature(simulator.world.mini.push.settings.token, query["signature"], query["timestamp"], query["nonce"])


def test_a_push_for_another_mini_program_is_refused_by_the_sdk(push, flush, receiver, opened):
    push(forge="wrong-appid")
    flush()
    with pytest.raises(InvalidAppIdException):
        opened(receiver.posts[0])


def test_a_push_under_another_key_cannot_be_read(push, flush, receiver, opened):
    push(forge="wrong-key")
    flush()
    with pytest.raises(Exception, match=r".*"):
        opened(receiver.posts[0])


def test_a_push_may_hold_no_json(push, flush, receiver, opened):
    push(forge="not-json")
    flush()
    with pytest.raises(json.JSONDecodeError):
        opened(receiver.posts[0])


def test_a_stale_push_is_properly_signed_an_hour_ago(push, flush, receiver, opened, simulator):
    push(forge="stale-timestamp")
    flush()
    [came] = receiver.posts
    assert opened(came)["Event"] == "user_authorization_revoke"
    age_s = simulator.world.clock.signing_now() - int(came.query["timestamp"])
    assert 3600 <= age_s < 3700


@pytest.mark.parametrize("order", [{"forge": "plain"}, {}])
def test_a_plain_push_carries_the_event_itself(push, flush, receiver, simulator, order):
    if not order:
        simulator.control("POST", "push/settings", {"mode": "plain"})
    push(**order)
    flush()
    [came] = receiver.posts
    assert json.loads(came.body)["Event"] == "user_authorization_revoke"
    assert "encrypt_type" not in came.query
    assert "msg_signature" not in came.query


def test_a_forger_does_not_come_back(push, flush, receiver):
    receiver.answers = [(401, b"")]
    push(forge="wrong-msg-signature")
    flush()
    assert len(receiver.posts) == 1


def test_copies_are_the_same_event(push, flush, receiver, opened):
    assert len(push(copies=3)) == 3
    flush()
    assert len({json.dumps(opened(came), sort_keys=True) for came in receiver.posts}) == 1
    assert len(receiver.posts) == 3


def test_an_event_can_be_sent_again(push, flush, receiver, opened, simulator):
    [number] = push()
    simulator.control("POST", f"push/deliveries/{number}/resend")
    flush()
    first, second = receiver.posts
    assert opened(first) == opened(second)


def test_a_held_event_waits_until_it_is_released(push, flush, receiver, simulator):
    [number] = push(hold=True)
    flush()
    assert receiver.posts == []
    simulator.control("POST", f"push/deliveries/{number}/release")
    flush()
    assert len(receiver.posts) == 1
    with pytest.raises(ControlFailed, match="not-held"):
        simulator.control("POST", f"push/deliveries/{number}/release")


def test_a_dropped_event_never_comes(push, flush, receiver, simulator):
    push(drop=True)
    flush()
    assert (receiver.posts, deliveries(simulator)[0]["state"]) == ([], "dropped")


def test_a_delayed_event_comes_later(push, flush, receiver, simulator):
    push(delay_s=30)
    flush("due")
    assert receiver.posts == []
    simulator.control("POST", "clock", {"advance_s": 31})
    flush("due")
    assert len(receiver.posts) == 1


def test_a_plan_is_for_the_next_event_that_comes_about_on_its_own(flush, receiver, simulator):
    simulator.control("POST", "push/plans", {"copies": 2})
    for _ in range(2):
        simulator.control("POST", "shipping/remind-access", {})
    flush()
    assert len(receiver.posts) == 3


def test_saving_an_address_asks_it_for_an_echo(receiver, simulator):
    outcome = simulator.control("POST", "push/verify", {})
    assert outcome["accepted"] is True
    [came] = receiver.came
    query = came.query
    check_signature(simulator.world.mini.push.settings.token, query["signature"], query["timestamp"], query["nonce"])
    assert outcome["answer"] == query["echostr"]


def test_a_forged_echo_question_has_a_wrong_signature(receiver, simulator):
    simulator.control("POST", "push/verify", {"forged": True})
    query = receiver.came[0].query
    with pytest.raises(InvalidSignatureException):
        check_signature(
            simulator.world.mini.push.settings.token, query["signature"], query["timestamp"], query["nonce"]
        )


def test_an_address_that_does_not_echo_is_not_saved(receiver, simulator):
    receiver.echo = False
    with pytest.raises(ControlFailed, match="not-echoed"):
        simulator.control("POST", "push/settings", {"url": receiver.origin + "/other", "verify": True})
    assert simulator.control("GET", "push/settings")["url"] == receiver.url
    receiver.echo = True
    simulator.control("POST", "push/settings", {"url": receiver.origin + "/other", "verify": True})
    assert simulator.control("GET", "push/settings")["url"] == receiver.origin + "/other"


def test_an_address_that_is_away_is_told(simulator):
    simulator.control("POST", "push/settings", {"url": "http://127.0.0.1:9/x"})
    assert simulator.control("POST", "push/verify", {})["error"] == "ConnectionRefusedError"


def test_without_an_address_nothing_is_sent(push, flush, simulator):
    push()
    flush()
    assert deliveries(simulator)[0]["state"] == "no_address"
    with pytest.raises(ControlFailed, match="no-push-address"):
        simulator.control("POST", "push/verify", {})


def test_an_empty_address_switches_push_off(push, receiver, flush, simulator):
    simulator.control("POST", "push/settings", {"url": ""})
    push()
    flush()
    assert receiver.posts == []


def test_token_and_key_are_set_and_checked(push, flush, receiver, opened, simulator):
    aes_key = new_aes_key()
    simulator.control("POST", "push/settings", {"token": "xiangshu", "aes_key": aes_key})
    assert simulator.control("GET", "push/settings")["aes_key"] == aes_key
    push()
    flush()
    assert opened(receiver.posts[0])["Event"] == "user_authorization_revoke"
    for wrong in ({"url": "nowhere"}, {"aes_key": "short"}, {"aes_key": "*" * 43}, {"token": "a b"}, {"patience_s": 0}):
        with pytest.raises(ControlFailed):
            simulator.control("POST", "push/settings", wrong)
    assert simulator.control("GET", "push/settings")["aes_key"] == aes_key


def test_an_aes_key_is_43_characters_that_make_32_bytes():
    assert is_aes_key(new_aes_key())
    assert not is_aes_key("a" * 42)
    assert not is_aes_key("树" * 43)


def test_a_reset_keeps_the_settings_and_forgets_what_waits(push, receiver, flush, simulator):
    push(delay_s=30)
    simulator.control("POST", "reset")
    flush()
    assert (receiver.posts, deliveries(simulator)) == ([], [])
    assert simulator.control("GET", "push/settings")["url"] == receiver.url


def test_the_folder_keeps_token_and_key_and_tells_them_to_the_backend(tmp_path):
    with serve(state_dir=tmp_path) as first:
        told = first.simulator.control("GET", "push/settings")
    values = dict(line.split("=", 1) for line in (tmp_path / "wxsim.env").read_text().splitlines())
    assert values["WX_PUSH_TOKEN"] == told["token"]
    assert values["WX_PUSH_AES_KEY"].strip("'") == told["aes_key"]
    with serve(state_dir=tmp_path, push={"url": "http://127.0.0.1:9/x"}) as second:
        again = second.simulator.control("GET", "push/settings")
    assert (again["token"], again["aes_key"], again["url"]) == (told["token"], told["aes_key"], "http://127.0.0.1:9/x")


def test_an_unknown_push_is_told(simulator):
    with pytest.raises(ControlFailed, match="there is no push 7"):
        simulator.control("POST", "push/deliveries/7/resend")
