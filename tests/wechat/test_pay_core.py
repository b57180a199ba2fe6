"""One merchant's line to WeChat Pay: what goes out, and what is believed of what comes back."""

import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from wechatpayv3.type import RequestType

from tests.wechat.paper import MCHID, NOON, OWN_SERIAL, PUBLIC_KEY_ID, PayWorld
from tests.wechat.stub import DROP, HANG, Answer, Reply, Seen, Stub
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.merchants import read_merchants
from wxbackend.wechat.pay_core import BACKUP_URL, OFFICIAL_URL, PayCore, pay_hosts
from wxbackend.wechat.transport import Hosts, Link

Serve = Callable[[Answer], Stub]
ROOT = Path(__file__).parents[2]
CLOSED_PORT = "http://127.0.0.1:9"


def core_of(world: PayWorld, hosts: Hosts, *, timeout_s: float = 2, pauses: list[float] | None = None) -> PayCore:
    noted = [] if pauses is None else pauses
    merchant = read_merchants(world.merchants_file)[0]
    link = Link(hosts, timeout_s=(timeout_s, timeout_s))
    return PayCore(merchant, link, now=lambda: NOON, pause=noted.append, jitter=lambda: 0.5)


def test_a_request_is_signed_over_what_is_sent(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({"ok": "好"}))
    answer = core_of(world, Hosts(stub.url)).request("/v3/x?y=1", RequestType.POST, {"description": "认种三棵"})
    assert answer == (200, '{"ok": "好"}')
    (seen,) = stub.seen()
    assert seen.headers["Wechatpay-Serial"] == PUBLIC_KEY_ID
    kind, said = seen.headers["Authorization"].split(" ", 1)
    assert kind == "WECHATPAY2-SHA256-RSA2048"
    part = dict(re.findall(r'(\w+)="([^"]*)"', said))
    assert (part["mchid"], part["serial_no"]) == (MCHID, OWN_SERIAL)
    signed = f"POST\n/v3/x?y=1\n{part['timestamp']}\n{part['nonce_str']}\n".encode() + seen.body + b"\n"
    world.own_key.public_key().verify(b64decode(part["signature"]), signed, PKCS1v15(), SHA256())
    assert json.loads(seen.body) == {"description": "认种三棵"}


def forged_answers(world: PayWorld) -> dict[str, Reply]:
    genuine = world.answer({"prepay_id": "p"})
    headers = dict(genuine.headers)
    other = world.sign(b"{}")
    without = {name: value for name, value in headers.items() if name != "Wechatpay-Signature"}
    return {
        "unsigned": Reply(200, genuine.body, {"Content-Type": "application/json"}),
        "unsigned 204": Reply(204),
        "no signature": Reply(200, genuine.body, without),
        "another body": Reply(200, b'{"prepay_id": "q"}', headers),
        "another signature": Reply(200, genuine.body, {**headers, "Wechatpay-Signature": other["Wechatpay-Signature"]}),
        "unknown serial": Reply(200, genuine.body, {**headers, "Wechatpay-Serial": "00"}),
        "another method": Reply(200, genuine.body, {**headers, "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-SM2"}),
        "an hour old": world.answer({"prepay_id": "p"}, at=NOON - timedelta(hours=1)),
        "bytes that are no text": Reply(200, b"\xff\xfe", headers),
    }


@pytest.mark.parametrize(
    "case",
    [
        "unsigned",
        "unsigned 204",
        "no signature",
        "another body",
        "another signature",
        "unknown serial",
        "another method",
        "an hour old",
        "bytes that are no text",
    ],
)
def test_an_answer_without_a_valid_signature_is_forged_and_not_asked_again(
    world: PayWorld, serve: Serve, case: str
) -> None:
    stub = serve(lambda _: forged_answers(world)[case])
    with pytest.raises(WxForged) as raised:
        core_of(world, Hosts(stub.url)).request("/v3/x")
    assert not raised.value.retryable
    assert len(stub.seen()) == 1


@pytest.mark.parametrize("offset_s", [-300, 300])
def test_the_edge_of_the_window_is_inside(world: PayWorld, serve: Serve, offset_s: int) -> None:
    stub = serve(lambda _: world.answer({}, at=NOON + timedelta(seconds=offset_s)))
    assert core_of(world, Hosts(stub.url)).request("/v3/x") == (200, "{}")


@pytest.mark.parametrize("reply", [Reply(500), Reply(503), Reply(202), Reply(302), DROP, Reply(200, b"{}", cut=True)])
def test_three_tries_with_the_same_parameters_and_a_new_nonce(world: PayWorld, serve: Serve, reply: Reply) -> None:
    stub = serve(lambda _: world.answer({"ok": 1}))
    stub.then(reply, reply)
    pauses: list[float] = []
    status, _ = core_of(world, Hosts(stub.url), pauses=pauses).request("/v3/x", RequestType.POST, {"a": 1})
    seen = stub.seen()
    assert status == 200
    assert {one.body for one in seen} == {b'{"a": 1}'}
    assert len({one.headers["Authorization"] for one in seen}) == 3
    assert pauses == [0.1, 0.3]


@pytest.mark.parametrize("reply", [HANG, DROP, Reply(502)], ids=["hang", "drop", "502"])
def test_there_is_no_fourth_try(world: PayWorld, serve: Serve, reply: Reply) -> None:
    stub = serve(lambda _: reply)
    with pytest.raises(WxUnavailable) as raised:
        core_of(world, Hosts(stub.url), timeout_s=0.2).request("/v3/x")
    assert raised.value.retryable
    assert len(stub.seen()) == 3


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "SIGN_ERROR", WxMisconfigured),
        (401, "", WxMisconfigured),
        (403, "NO_AUTH", WxMisconfigured),
        (400, "APPID_MCHID_NOT_MATCH", WxMisconfigured),
        (400, "PARAM_ERROR", WxRejected),
        (403, "RULE_LIMIT", WxRejected),
        (429, "RATELIMIT_EXCEEDED", WxRateLimited),
        (403, "FREQUENCY_LIMITED", WxRateLimited),
    ],
)
def test_refusals_are_typed_and_asked_once(
    world: PayWorld, serve: Serve, status: int, code: str, expected: type[Exception]
) -> None:
    stub = serve(lambda _: world.refusal(status, code))
    with pytest.raises(expected) as raised:
        core_of(world, Hosts(stub.url)).request("/v3/x")
    assert type(raised.value) is expected
    assert len(stub.seen()) == 1


@pytest.mark.parametrize("body", [b"<html>404</html>", b"\xff", b"[]", b""])
def test_a_refusal_that_is_not_json_is_still_a_refusal(world: PayWorld, serve: Serve, body: bytes) -> None:
    stub = serve(lambda _: Reply(404, body))
    with pytest.raises(WxRejected) as raised:
        core_of(world, Hosts(stub.url)).request("/v3/x")
    assert (raised.value.wx_code, raised.value.http) == ("", 404)


def test_what_wechat_said_stays_in_the_log(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.refusal(400, "PARAM_ERROR"))
    with pytest.raises(WxRejected) as raised:
        core_of(world, Hosts(stub.url)).request("/v3/x")
    assert "PARAM_ERROR" in str(raised.value)
    assert "PARAM_ERROR" not in json.dumps(raised.value.body)
    assert raised.value.status == 502


def test_fault_49_two_connect_failures_move_to_the_second_host_and_it_stays(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({"ok": 1}))
    pauses: list[float] = []
    core = core_of(world, Hosts(CLOSED_PORT, stub.url), pauses=pauses)
    assert core.request("/v3/x")[0] == 200
    assert core.request("/v3/x")[0] == 200
    assert len(stub.seen()) == 2
    assert pauses == [0.1, 0.3]


def test_one_connect_failure_between_successes_moves_nothing(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({"ok": 1}))
    core = core_of(world, Hosts(stub.url, CLOSED_PORT))
    for _ in range(3):
        stub.then(DROP)
        assert core.request("/v3/x")[0] == 200


def test_a_silent_host_is_not_left(world: PayWorld, serve: Serve) -> None:
    first, second = serve(lambda _: HANG), serve(lambda _: world.answer({}))
    with pytest.raises(WxUnavailable):
        core_of(world, Hosts(first.url, second.url), timeout_s=0.2).request("/v3/x")
    assert second.seen() == []


def test_only_the_real_address_has_a_second_host() -> None:
    real, simulated = pay_hosts(OFFICIAL_URL + "/"), pay_hosts(CLOSED_PORT)
    for hosts in (real, simulated):
        for _ in range(2):
            hosts.missed(hosts.current())
    assert real.current() == BACKUP_URL
    assert simulated.current() == CLOSED_PORT


def test_threads_meeting_the_same_dead_host_swap_once() -> None:
    hosts = Hosts("http://a", "http://b")
    for _ in range(3):
        hosts.missed("http://a")  # three threads had taken the address before the swap
    assert hosts.current() == "http://b"


def test_eight_threads_share_one_core(world: PayWorld, serve: Serve) -> None:
    def echo(seen: Seen) -> Reply:
        return world.answer({"path": seen.path})

    stub = serve(echo)
    core = core_of(world, Hosts(stub.url))
    paths = [f"/v3/{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: core.request(path)[1], paths))
    assert [json.loads(text)["path"] for text in answers] == paths


def test_a_netrc_entry_does_not_replace_our_signature(serve: Serve, tmp_path: Path) -> None:
    stub = serve(lambda _: Reply(200, b"{}"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login operator password secret\n")
    send = (
        "import sys; from wxbackend.wechat.transport import Hosts, Link;"
        "Link(Hosts(sys.argv[1]), timeout_s=(2, 2)).send('GET', '/v3/x', headers={'Authorization': 'ours'})"
    )
    environment = {"NETRC": str(tmp_path / "netrc"), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", send, stub.url], env=environment, cwd=ROOT, check=True)
    assert stub.seen()[0].headers["Authorization"] == "ours"


def test_no_answer_leaves_a_cookie_behind(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({}))
    genuine = world.answer({})
    stub.then(Reply(200, genuine.body, {**genuine.headers, "Set-Cookie": "a=b"}))
    core = core_of(world, Hosts(stub.url))
    core.request("/v3/x")
    core.request("/v3/x")
    assert "Cookie" not in stub.seen()[1].headers


def test_the_library_cannot_skip_the_check_or_fetch_keys(world: PayWorld) -> None:
    core = core_of(world, Hosts(CLOSED_PORT))
    with pytest.raises(TypeError):
        core.request("/v3/certificates", skip_verify=True)
    with pytest.raises(RuntimeError):
        core._update_certificates()
