"""What the adapters tell the operator: a wrong secret, key or clock, at once and without a loop."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.wechat.paper import MCHID, NOON, PayWorld
from tests.wechat.stub import DROP, Answer, Reply, Seen, Stub, as_json
from tests.wechat.test_mini_program import LOGIN_PATH, PHONE_PATH, SECRET, TOKEN_PATH, error, wechat
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.faults import CLOCK_SKEW, MINI_CREDENTIALS, of_merchant
from wxbackend.core.wxmini import BadPhoneCode
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRejected
from wxbackend.wechat.merchants import read_merchants
from wxbackend.wechat.mini import LiveMiniProgram
from wxbackend.wechat.mini_client import MiniProgramClient
from wxbackend.wechat.pay_core import PayCore
from wxbackend.wechat.tokens import MemoryTokenStore
from wxbackend.wechat.transport import Hosts, Link

Serve = Callable[[Answer], Stub]


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def failed(self, name: str, detail: str) -> None:
        self.told.append(("failed", name))
        assert SECRET not in detail

    def worked(self, name: str) -> None:
        self.told.append(("worked", name))


class Moment:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


FAILED, WORKED = ("failed", MINI_CREDENTIALS), ("worked", MINI_CREDENTIALS)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def mini_at(listener: Listener, moment: Moment) -> Callable[[Stub], LiveMiniProgram]:
    def made(stub: Stub) -> LiveMiniProgram:
        client = MiniProgramClient(
            appid="wx0000000000000001",
            secret=SECRET,
            store=MemoryTokenStore(),
            link=Link(Hosts(stub.url), timeout_s=(1, 1)),
            now=moment,
            pause=lambda _: None,
            watch=listener,
        )
        return LiveMiniProgram(client)

    return made


@pytest.mark.parametrize("errcode", [40013, 40125, 40164, 41004, 61004, 50002])
def test_fault_36_a_token_refused_for_good_is_told_and_not_asked_for_again(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener, moment: Moment, errcode: int
) -> None:
    stub = serve(lambda _: error(errcode))
    mini = mini_at(stub)
    for _ in range(5):
        with pytest.raises(WxMisconfigured) as raised:
            mini.is_trade_managed()
        assert raised.value.wx_code == str(errcode)
    assert (len(stub.seen()), listener.told) == (1, [FAILED])
    moment.now += timedelta(seconds=59)
    with pytest.raises(WxMisconfigured):
        mini.is_trade_managed()
    assert len(stub.seen()) == 1
    moment.now += timedelta(seconds=1)  # calls refused from memory have not prolonged it
    with pytest.raises(WxMisconfigured):
        mini.is_trade_managed()
    assert (len(stub.seen()), listener.told) == (2, [FAILED, FAILED])


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_fault_36_a_token_that_is_void_again_at_once_is_told_and_ends_the_asking(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener, errcode: int
) -> None:
    """Fresh tokens are issued and refused: 185 of them in 17 s, with the library alone."""
    issued = iter(range(1000))

    def void(seen: Seen) -> Reply:
        if seen.path == TOKEN_PATH:
            return as_json({"access_token": f"token-{next(issued)}", "expires_in": 7200})
        return error(errcode)

    stub = serve(void)
    mini = mini_at(stub)
    for _ in range(10):
        with pytest.raises(WxMisconfigured):
            mini.is_trade_managed()
    assert len(stub.seen(TOKEN_PATH)) == 2
    assert listener.told == [FAILED]


def test_a_call_that_works_is_told_so_and_ends_what_was_remembered(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener, moment: Moment
) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else as_json({"is_trade_managed": True}))
    stub.then(error(40125))
    mini = mini_at(stub)
    with pytest.raises(WxMisconfigured):
        mini.is_trade_managed()
    moment.now += timedelta(seconds=60)
    assert mini.is_trade_managed()
    assert listener.told == [FAILED, WORKED]


def test_a_refusal_for_another_reason_shows_that_we_were_let_in(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener
) -> None:
    mini = mini_at(serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else error(40003)))
    with pytest.raises(WxRejected):
        mini.is_trade_managed()
    assert listener.told == [WORKED]


@pytest.mark.parametrize("reply", [error(48001), error(-1), DROP, Reply(500), error(45009)])
def test_what_says_nothing_about_the_secret_is_not_told(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener, reply: Reply
) -> None:
    mini = mini_at(serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else reply))
    with pytest.raises(UpstreamFailed):
        mini.is_trade_managed()
    assert listener.told == []


def test_a_phone_code_of_another_program_is_not_a_wrong_appid_of_ours(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener
) -> None:
    stub = serve(lambda seen: wechat(seen) if seen.path == TOKEN_PATH else error(40013))
    with pytest.raises(BadPhoneCode):
        mini_at(stub).phone("phone-code", openid="o-1")
    assert stub.seen(PHONE_PATH) != []
    assert FAILED not in listener.told


def test_a_login_with_a_wrong_secret_is_told_and_one_that_works_proves_no_token(
    serve: Serve, mini_at: Callable[[Stub], LiveMiniProgram], listener: Listener
) -> None:
    stub = serve(wechat)
    stub.then(error(40125))
    mini = mini_at(stub)
    with pytest.raises(WxMisconfigured):
        mini.login("code-1")
    mini.login("code-1")
    assert listener.told == [FAILED]
    assert stub.seen(LOGIN_PATH) != []


# ------------------------------------------------------------------------------------------------------- pay
def core_of(world: PayWorld, stub: Stub, listener: Listener) -> PayCore:
    merchant = read_merchants(world.merchants_file)[0]
    link = Link(Hosts(stub.url), timeout_s=(1, 1))
    return PayCore(merchant, link, now=lambda: NOON, pause=lambda _: None, watch=listener)


PAY_FAILED = ("failed", of_merchant(MCHID))
PAY_WORKED = [("worked", CLOCK_SKEW), ("worked", of_merchant(MCHID))]


@pytest.mark.parametrize(("status", "code"), [(401, "SIGN_ERROR"), (401, ""), (400, "MCH_NOT_EXISTS")])
def test_fault_36_a_merchants_key_that_wechat_refuses_is_told(
    world: PayWorld, serve: Serve, listener: Listener, status: int, code: str
) -> None:
    with pytest.raises(WxMisconfigured):
        core_of(world, serve(lambda _: world.refusal(status, code)), listener).request("/v3/x")
    assert listener.told == [PAY_FAILED]


@pytest.mark.parametrize(("status", "code"), [(403, "NO_AUTH"), (400, "APPID_MCHID_NOT_MATCH"), (400, ""), (500, "")])
def test_what_says_nothing_about_the_key_is_not_told(
    world: PayWorld, serve: Serve, listener: Listener, status: int, code: str
) -> None:
    with pytest.raises(UpstreamFailed):
        core_of(world, serve(lambda _: world.refusal(status, code)), listener).request("/v3/x")
    assert listener.told == []


@pytest.mark.parametrize("code", ["", "ORDER_NOT_EXIST"])
def test_a_merchant_that_is_let_in_is_told_so(world: PayWorld, serve: Serve, listener: Listener, code: str) -> None:
    core = core_of(world, serve(lambda _: world.refusal(404, code) if code else world.answer({})), listener)
    if code:
        with pytest.raises(WxRejected):
            core.request("/v3/x")
    else:
        core.request("/v3/x")
    assert listener.told == PAY_WORKED


@pytest.mark.parametrize("offset_s", [-301, 301])
def test_fault_50_what_a_wrong_clock_makes_wechat_refuse_is_the_clocks_fault(
    world: PayWorld, serve: Serve, listener: Listener, offset_s: int
) -> None:
    theirs = NOON + timedelta(seconds=offset_s)
    refusal = world.answer({"code": "SIGN_ERROR"}, status=401, at=theirs)
    with pytest.raises(WxMisconfigured):
        core_of(world, serve(lambda _: refusal), listener).request("/v3/x")
    assert listener.told == [("failed", CLOCK_SKEW)]


def test_fault_50_a_genuine_answer_of_another_time_is_the_clocks_fault(
    world: PayWorld, serve: Serve, listener: Listener
) -> None:
    late = world.answer({}, at=NOON + timedelta(hours=1))
    with pytest.raises(WxForged):
        core_of(world, serve(lambda _: late), listener).request("/v3/x")
    assert ("failed", CLOCK_SKEW) in listener.told
    assert not any(what == "worked" for what, _ in listener.told)
