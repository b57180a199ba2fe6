"""The mini-program adapter against a stub: every defect of the stock SDK, and every fault of the wire."""

import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.wechat.paper import APPID, NOON
from tests.wechat.stub import DROP, HANG, Answer, Reply, Seen, Stub, as_json
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxmini import BadLoginCode, BadPhoneCode, LoginBlocked, MiniProgram
from wxbackend.wechat.errors import WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.mini import LiveMiniProgram
from wxbackend.wechat.mini_client import MiniProgramClient
from wxbackend.wechat.tokens import AccessToken, AccessTokenStore, MemoryTokenStore
from wxbackend.wechat.transport import Hosts, Link

SECRET = "invented-app-secret"
TOKEN_PATH, LOGIN_PATH, PHONE_PATH = "/cgi-bin/stable_token", "/sns/jscode2session", "/wxa/business/getuserphonenumber"
Serve = Callable[[Answer], Stub]
PNG = b"\x89PNG\r\n\x1a\n and so on"


def error(errcode: int) -> Reply:
    return as_json({"errcode": errcode, "errmsg": "微信说不"})


def wechat(seen: Seen) -> Reply:
    """A WeChat in good health."""
    answers = {
        TOKEN_PATH: {"access_token": "token-1", "expires_in": 7200},
        LOGIN_PATH: {"openid": "o-1", "unionid": "u-1", "session_key": "never kept"},
        PHONE_PATH: {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {"phoneNumber": "13800000000", "watermark": {"timestamp": 1, "appid": APPID}},
        },
    }
    return as_json(answers[seen.path])


def client_of(
    stub: Stub, store: AccessTokenStore | None = None, *, timeout_s: float = 2, pauses: list[float] | None = None
) -> MiniProgramClient:
    noted = [] if pauses is None else pauses
    return MiniProgramClient(
        appid=APPID,
        secret=SECRET,
        store=store or MemoryTokenStore(),
        link=Link(Hosts(stub.url), timeout_s=(timeout_s, timeout_s)),
        now=lambda: NOON,
        pause=noted.append,
        jitter=lambda: 0.5,
    )


def mini_of(stub: Stub, store: AccessTokenStore | None = None, *, timeout_s: float = 2) -> LiveMiniProgram:
    return LiveMiniProgram(client_of(stub, store, timeout_s=timeout_s))


def test_the_adapter_is_the_port(serve: Serve) -> None:
    port: MiniProgram = mini_of(serve(wechat))
    assert port.appid == APPID


def test_a_login_code_becomes_an_identity_and_the_session_key_is_dropped(serve: Serve) -> None:
    stub = serve(wechat)
    identity = mini_of(stub).login("code-1")
    assert (identity.openid, identity.unionid) == ("o-1", "u-1")
    assert "never kept" not in repr(identity)
    assert stub.seen()[0].query == {
        "appid": APPID,
        "secret": SECRET,
        "js_code": "code-1",
        "grant_type": "authorization_code",
    }


def test_a_login_fetches_no_token_and_sends_none(serve: Serve) -> None:
    stub = serve(wechat)
    mini_of(stub).login("code-1")
    assert [seen.path for seen in stub.seen()] == [LOGIN_PATH]
    assert "access_token" not in stub.seen()[0].query


def test_a_phone_code_is_sent_with_its_openid_and_a_token(serve: Serve) -> None:
    stub = serve(wechat)
    assert mini_of(stub).phone("phone-code", openid="o-1") == "13800000000"
    token, phone = stub.seen()
    assert token.document == {
        "grant_type": "client_credential",
        "appid": APPID,
        "secret": SECRET,
        "force_refresh": False,
    }
    assert phone.query == {"access_token": "token-1"}
    assert phone.document == {"code": "phone-code", "openid": "o-1"}


def test_a_token_is_fetched_once_for_many_calls(serve: Serve) -> None:
    stub = serve(wechat)
    mini = mini_of(stub)
    for _ in range(3):
        mini.phone("phone-code", openid="o-1")
    assert len(stub.seen(TOKEN_PATH)) == 1


def test_eight_cold_threads_fetch_one_token(serve: Serve) -> None:
    stub = serve(wechat)
    mini = mini_of(stub)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: mini.phone("phone-code", openid="o-1"), range(8)))
    assert numbers == ["13800000000"] * 8
    assert len(stub.seen(TOKEN_PATH)) == 1


def test_a_token_that_another_process_stored_is_used_with_its_own_expiry(serve: Serve) -> None:
    stub, store = serve(wechat), MemoryTokenStore()
    store.set(AccessToken("from-another", NOON + timedelta(hours=1)))
    mini_of(stub, store).phone("phone-code", openid="o-1")
    assert stub.seen(TOKEN_PATH) == []
    assert stub.seen(PHONE_PATH)[0].query == {"access_token": "from-another"}


@pytest.mark.parametrize(("left_s", "fetches"), [(121, 0), (120, 1), (-5, 1)])
def test_a_token_about_to_expire_is_replaced(serve: Serve, left_s: int, fetches: int) -> None:
    stub, store = serve(wechat), MemoryTokenStore()
    store.set(AccessToken("old", NOON + timedelta(seconds=left_s)))
    mini_of(stub, store).phone("phone-code", openid="o-1")
    assert len(stub.seen(TOKEN_PATH)) == fetches


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_fault_35_a_refused_token_is_renewed_once_and_the_call_repeated(serve: Serve, errcode: int) -> None:
    stub, store = serve(wechat), MemoryTokenStore()
    store.set(AccessToken("refused", NOON + timedelta(hours=1)))
    stub.then(error(errcode))
    assert mini_of(stub, store).phone("phone-code", openid="o-1") == "13800000000"
    assert [seen.query.get("access_token") for seen in stub.seen(PHONE_PATH)] == ["refused", "token-1"]
    assert len(stub.seen(TOKEN_PATH)) == 1


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_fault_36_a_token_refused_for_good_ends_after_one_renewal(serve: Serve, errcode: int) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else error(errcode))
    store = MemoryTokenStore()
    store.set(AccessToken("refused", NOON + timedelta(hours=1)))
    with pytest.raises(WxMisconfigured) as raised:
        mini_of(stub, store).phone("phone-code", openid="o-1")
    assert raised.value.wx_code == str(errcode)
    assert [len(stub.seen(path)) for path in (TOKEN_PATH, PHONE_PATH)] == [1, 2]


def test_a_token_renewed_by_somebody_else_meanwhile_is_taken_over(serve: Serve) -> None:
    store = MemoryTokenStore()

    def refuse_the_old(seen: Seen) -> Reply:
        if seen.query.get("access_token") == "old":
            store.set(AccessToken("theirs", NOON + timedelta(hours=1)))
            return error(40001)
        return wechat(seen)

    stub = serve(refuse_the_old)
    store.set(AccessToken("old", NOON + timedelta(hours=1)))
    mini_of(stub, store).phone("phone-code", openid="o-1")
    assert stub.seen(TOKEN_PATH) == []
    assert stub.seen(PHONE_PATH)[-1].query == {"access_token": "theirs"}


@pytest.mark.parametrize("errcode", [40013, 40125, 40164])
def test_a_wrong_secret_is_the_operators_fault_and_asked_once(serve: Serve, errcode: int) -> None:
    stub = serve(lambda _: error(errcode))
    with pytest.raises(WxMisconfigured):
        mini_of(stub).phone("phone-code", openid="o-1")
    assert len(stub.seen()) == 1


@pytest.mark.parametrize(
    ("errcode", "expected"),
    [
        (40029, BadLoginCode),
        (40163, BadLoginCode),
        (40226, LoginBlocked),
        (45011, WxRateLimited),
        (45009, WxRateLimited),
    ],
)
def test_fault_39_login_refusals_have_names(serve: Serve, errcode: int, expected: type[Exception]) -> None:
    stub = serve(lambda _: error(errcode))
    with pytest.raises(expected):
        mini_of(stub).login("code-1")
    assert len(stub.seen()) == 1


def test_a_login_refusal_nobody_foresaw_keeps_its_number(serve: Serve) -> None:
    stub = serve(lambda _: error(89999))
    with pytest.raises(WxRejected) as raised:
        mini_of(stub).login("code-1")
    assert (raised.value.wx_code, raised.value.retryable) == ("89999", False)


@pytest.mark.parametrize("errcode", [40029, 40163, 40003, 40013])
def test_fault_41_a_phone_code_of_somebody_else_is_refused(serve: Serve, errcode: int) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else error(errcode))
    with pytest.raises(BadPhoneCode):
        mini_of(stub).phone("phone-code", openid="o-2")


def test_a_phone_call_without_permission_is_the_operators_fault(serve: Serve) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else error(48001))
    with pytest.raises(WxMisconfigured):
        mini_of(stub).phone("phone-code", openid="o-1")
    assert [seen.path for seen in stub.seen()] == [TOKEN_PATH, PHONE_PATH]  # another token would not help


def test_a_number_watermarked_for_another_program_is_refused(serve: Serve) -> None:
    info = {"phoneNumber": "13800000000", "watermark": {"appid": "wx-another"}}
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else as_json({"phone_info": info}))
    with pytest.raises(BadPhoneCode):
        mini_of(stub).phone("phone-code", openid="o-1")


def test_fault_37_a_busy_wechat_is_asked_again_at_most_twice(serve: Serve) -> None:
    stub = serve(wechat)
    stub.then(error(-1), error(-1))
    assert mini_of(stub).login("code-1").openid == "o-1"
    assert len(stub.seen()) == 3


TROUBLE = {
    "busy": error(-1),
    "5xx": Reply(503),
    "5xx that looks well": Reply(502, b'{"openid": "o-1"}'),
    "drop": DROP,
    "truncated": Reply(200, b'{"openid":', cut=True),
    "garbage": Reply(200, b"<html>"),
    "not an object": Reply(200, b"[1]"),
    "redirect": Reply(302, b"", {"Location": "http://127.0.0.1:9/"}),
    "errcode in words": as_json({"errcode": "busy"}),
}


@pytest.mark.parametrize("reply", TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble_on_the_wire_ends_after_three_tries(serve: Serve, reply: Reply) -> None:
    stub = serve(lambda _: reply)
    pauses: list[float] = []
    with pytest.raises(WxUnavailable) as raised:
        client_of(stub, pauses=pauses).wxa.code_to_session("code-1")
    assert raised.value.retryable
    assert len(stub.seen()) == 3
    assert pauses == [0.1, 0.3]


def test_a_redirect_never_carries_the_secret_to_another_host(serve: Serve) -> None:
    elsewhere = serve(wechat)
    stub = serve(lambda seen: Reply(302, b"", {"Location": elsewhere.url + seen.target}))
    with pytest.raises(WxUnavailable):
        mini_of(stub).login("code-1")
    assert elsewhere.seen() == []


def test_silence_ends_by_timeout_and_a_spent_code_is_not_sent_again(serve: Serve) -> None:
    stub = serve(lambda _: HANG)
    with pytest.raises(WxUnavailable):
        mini_of(stub, timeout_s=0.2).login("code-1")
    assert len(stub.seen()) == 1


def test_fetching_a_token_has_a_timeout_too(serve: Serve) -> None:
    stub = serve(lambda _: HANG)
    with pytest.raises(WxUnavailable):
        mini_of(stub, timeout_s=0.2).phone("phone-code", openid="o-1")
    assert [seen.path for seen in stub.seen()] == [TOKEN_PATH]


@pytest.mark.parametrize("answer", [{}, {"openid": ""}, {"openid": 5}])
def test_a_login_answer_without_an_openid_is_no_identity(serve: Serve, answer: dict[str, object]) -> None:
    stub = serve(lambda _: as_json(answer))
    with pytest.raises(WxUnavailable):
        mini_of(stub).login("code-1")


@pytest.mark.parametrize("answer", [{}, {"access_token": 5, "expires_in": 7200}, {"access_token": "t"}])
def test_a_token_answer_without_a_token_is_refused(serve: Serve, answer: dict[str, object]) -> None:
    stub = serve(lambda _: as_json(answer))
    with pytest.raises(WxUnavailable):
        mini_of(stub).phone("phone-code", openid="o-1")


@pytest.mark.parametrize("answer", [{}, {"phone_info": []}, {"phone_info": {"phoneNumber": None}}])
def test_a_phone_answer_without_a_number_is_refused(serve: Serve, answer: dict[str, object]) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else as_json(answer))
    with pytest.raises(WxUnavailable):
        mini_of(stub).phone("phone-code", openid="o-1")


@pytest.mark.parametrize(
    "reply", [DROP, HANG, error(40125), Reply(200, b"{")], ids=["drop", "hang", "40125", "garbage"]
)
def test_no_secret_reaches_a_message_or_a_traceback(serve: Serve, reply: Reply) -> None:
    stub, code = serve(lambda _: reply), f"code-of-{APPID}"  # no source line holds it whole
    with pytest.raises(UpstreamFailed) as raised:
        mini_of(stub, timeout_s=0.2).login(code)
    told = "".join(traceback.format_exception(raised.value))
    assert SECRET not in told
    assert code not in told
    assert raised.value.body.keys() == {"type", "title", "status", "code"}


def test_every_method_of_the_sdk_goes_to_the_configured_address(serve: Serve) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else as_json({"errcode": 0}))
    client = client_of(stub)
    client.wxa.send_subscribe_message("o-1", "template", {"thing1": {"value": "树苗"}})
    client.message.send_text("o-1", "您好")
    assert [seen.path for seen in stub.seen()][1:] == [
        "/cgi-bin/message/subscribe/send",
        "/cgi-bin/message/custom/send",
    ]
    assert "树苗".encode() in stub.seen()[1].body


def test_an_address_of_another_host_never_gets_our_token(serve: Serve) -> None:
    client = client_of(serve(wechat))
    with pytest.raises(ValueError, match="not an address"):
        client.get("https://example.invalid/cgi-bin/user/info")


def test_a_picture_is_handed_over_as_it_came(serve: Serve) -> None:
    picture = Reply(200, PNG, {"Content-Type": "image/png"})
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else picture)
    assert client_of(stub).wxa.get_wxa_code_unlimited("t=1").content == PNG


def test_a_host_out_of_reach_is_unavailable_and_the_secret_stays_ours() -> None:
    """Here the cause would quote the whole address, and the secret is part of it."""
    link = Link(Hosts("http://127.0.0.1:9"), timeout_s=(0.5, 0.5))
    client = MiniProgramClient(
        appid=APPID, secret=SECRET, store=MemoryTokenStore(), link=link, now=lambda: NOON, pause=lambda _: None
    )
    with pytest.raises(WxUnavailable) as raised:
        LiveMiniProgram(client).login("code-1")
    assert SECRET not in "".join(traceback.format_exception(raised.value))
