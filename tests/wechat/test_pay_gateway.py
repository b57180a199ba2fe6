"""Orders at WeChat Pay, in our words."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.wechat.paper import APPID, MCHID, NOON, ORDER, OTHER_MCHID, PayWorld, transaction
from tests.wechat.stub import HANG, Answer, Reply, Stub
from wxbackend.core.wxpay import (
    CloseOutcome,
    OrderNumberSpent,
    OrderPaid,
    PaidTransaction,
    PaymentGateway,
    PrepayOrder,
    TradeState,
)
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.live import live_gateway
from wxbackend.wechat.merchants import read_merchants
from wxbackend.wechat.pay import LiveGateway
from wxbackend.wechat.pay_core import PayCore
from wxbackend.wechat.transport import Hosts, Link

Serve = Callable[[Answer], Stub]

WANTED = PrepayOrder(
    mchid=MCHID,
    out_trade_no=ORDER,
    description="认种 3 棵",
    amount_fen=9900,
    openid="o-resident",
    expires_at=NOON + timedelta(minutes=15),
    notify_url=f"https://tree.example/wx/pay/notify/{MCHID}",
)
PAID = PaidTransaction(
    mchid=MCHID,
    appid=APPID,
    out_trade_no=ORDER,
    transaction_id="4200000000202603120000000001",
    total_fen=9900,
    payer_total_fen=9400,
    currency="CNY",
    payer_openid="o-resident",
    paid_at=datetime(2026, 3, 12, 4, 0, tzinfo=UTC),
)
BAD_NUMBERS = ["../refunds/R1", "P/1234567", "P?mchid=1", "short", "x" * 33, "P260312中文字母01", "P26031200000\n", ""]


def gateway_of(world: PayWorld, url: str, *, timeout_s: float = 2) -> LiveGateway:
    hosts = Hosts(url)
    cores = [
        PayCore(merchant, Link(hosts, timeout_s=(timeout_s, timeout_s)), now=lambda: NOON, pause=lambda _: None)
        for merchant in read_merchants(world.merchants_file)
    ]
    return LiveGateway(appid=APPID, cores=cores)


def refusing(world: PayWorld, serve: Serve, status: int, code: str) -> LiveGateway:
    return gateway_of(world, serve(lambda _: world.refusal(status, code)).url)


def test_the_adapter_is_the_port(world: PayWorld) -> None:
    port: PaymentGateway = gateway_of(world, "http://127.0.0.1:9")
    assert port.merchants() == {MCHID, OTHER_MCHID}


def test_an_order_is_placed_as_wechat_wants_it(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({"prepay_id": "wx-prepay-1"}))
    assert gateway_of(world, stub.url).prepay(WANTED) == "wx-prepay-1"
    (seen,) = stub.seen()
    assert (seen.method, seen.target) == ("POST", "/v3/pay/transactions/jsapi")
    assert seen.document == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "认种 3 棵",
        "out_trade_no": ORDER,
        "time_expire": "2026-03-12T12:15:00+08:00",
        "notify_url": f"https://tree.example/wx/pay/notify/{MCHID}",
        "amount": {"total": 9900, "currency": "CNY"},
        "payer": {"openid": "o-resident"},
    }


def test_each_merchant_speaks_for_itself(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer({"prepay_id": "wx-prepay-1"}))
    gateway_of(world, stub.url).prepay(replace(WANTED, mchid=OTHER_MCHID))
    assert f'mchid="{OTHER_MCHID}"' in stub.seen()[0].headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "ORDERPAID", OrderPaid),
        (400, "ORDER_CLOSED", OrderNumberSpent),
        (403, "OUT_TRADE_NO_USED", OrderNumberSpent),
        (400, "201", OrderNumberSpent),
        (400, "PARAM_ERROR", WxRejected),
        (401, "SIGN_ERROR", WxMisconfigured),
        (429, "FREQUENCY_LIMITED", WxRateLimited),
    ],
)
def test_fault_20_prepay_refusals_have_names(
    world: PayWorld, serve: Serve, status: int, code: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        refusing(world, serve, status, code).prepay(WANTED)


def test_fault_18_a_prepay_nobody_answers_leaves_the_outcome_open(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: HANG)
    with pytest.raises(WxUnavailable) as raised:
        gateway_of(world, stub.url, timeout_s=0.2).prepay(WANTED)
    assert raised.value.retryable
    assert len({seen.body for seen in stub.seen()}) == 1


def test_a_signed_prepay_answer_without_an_id_is_refused(world: PayWorld, serve: Serve) -> None:
    with pytest.raises(WxRejected, match="MALFORMED"):
        gateway_of(world, serve(lambda _: world.answer({})).url).prepay(WANTED)


def test_the_client_gets_what_the_merchants_key_signed(world: PayWorld) -> None:
    params = gateway_of(world, "http://127.0.0.1:9").pay_params(
        mchid=MCHID, prepay_id="wx-prepay-1", now=NOON, nonce="n" * 32
    )
    assert (params.time_stamp, params.nonce_str, params.package, params.sign_type) == (
        "1773288000",
        "n" * 32,
        "prepay_id=wx-prepay-1",
        "RSA",
    )
    signed = f"{APPID}\n1773288000\n{'n' * 32}\nprepay_id=wx-prepay-1\n".encode()
    world.own_key.public_key().verify(b64decode(params.pay_sign), signed, PKCS1v15(), SHA256())


@pytest.mark.parametrize("state", [TradeState.SUCCESS, TradeState.REFUND])
def test_a_paid_order_is_read_whole_also_when_refunded_since(world: PayWorld, serve: Serve, state: TradeState) -> None:
    stub = serve(lambda _: world.answer(transaction(trade_state=state)))
    found = gateway_of(world, stub.url).query(mchid=MCHID, out_trade_no=ORDER)
    assert found is not None
    assert (found.state, found.paid) == (state, PAID)
    assert stub.seen()[0].target == f"/v3/pay/transactions/out-trade-no/{ORDER}?mchid={MCHID}"


@pytest.mark.parametrize("state", ["NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR"])
def test_an_unpaid_order_carries_no_payment(world: PayWorld, serve: Serve, state: str) -> None:
    bare = {"appid": APPID, "mchid": MCHID, "out_trade_no": ORDER, "trade_state": state}
    found = gateway_of(world, serve(lambda _: world.answer(bare)).url).query(mchid=MCHID, out_trade_no=ORDER)
    assert found is not None
    assert (found.state, found.paid) == (TradeState(state), None)


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"])
def test_an_order_wechat_does_not_know_is_none(world: PayWorld, serve: Serve, code: str) -> None:
    assert refusing(world, serve, 404, code).query(mchid=MCHID, out_trade_no=ORDER) is None


def test_a_404_of_somebody_in_between_is_not_an_unknown_order(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: Reply(404, b"<html>"))
    with pytest.raises(WxRejected):
        gateway_of(world, stub.url).query(mchid=MCHID, out_trade_no=ORDER)


@pytest.mark.parametrize(
    "other", [{"out_trade_no": "P260312ZZZZZZZZZZ01"}, {"mchid": OTHER_MCHID}, {"appid": "wx-another"}]
)
def test_a_genuine_answer_about_another_order_is_forged(world: PayWorld, serve: Serve, other: dict[str, str]) -> None:
    stub = serve(lambda _: world.answer(transaction(**other)))
    with pytest.raises(WxForged):
        gateway_of(world, stub.url).query(mchid=MCHID, out_trade_no=ORDER)


MALFORMED = {
    "unknown state": {"trade_state": "HALFPAID"},
    "no amount": {"amount": None},
    "fen as text": {"amount": {"total": "9900", "payer_total": 9900, "currency": "CNY"}},
    "fen as yuan": {"amount": {"total": 99.0, "payer_total": 9900, "currency": "CNY"}},
    "fen as truth": {"amount": {"total": True, "payer_total": 9900, "currency": "CNY"}},
    "negative fen": {"amount": {"total": -1, "payer_total": 9900, "currency": "CNY"}},
    "no payer": {"payer": {}},
    "no time": {"success_time": "yesterday"},
    "time without offset": {"success_time": "2026-03-12T12:00:00"},
    "no transaction": {"transaction_id": ""},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_signed_answer_that_makes_no_sense_is_refused(
    world: PayWorld, serve: Serve, change: dict[str, object]
) -> None:
    stub = serve(lambda _: world.answer(transaction(**change)))
    with pytest.raises(WxRejected, match="MALFORMED"):
        gateway_of(world, stub.url).query(mchid=MCHID, out_trade_no=ORDER)


def test_closing_is_a_signed_204(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(status=204))
    assert gateway_of(world, stub.url).close(mchid=MCHID, out_trade_no=ORDER) is CloseOutcome.CLOSED
    (seen,) = stub.seen()
    assert seen.target == f"/v3/pay/transactions/out-trade-no/{ORDER}/close"
    assert seen.document == {"mchid": MCHID}


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "ORDERPAID", CloseOutcome.ALREADY_PAID),
        (400, "ORDER_CLOSED", CloseOutcome.CLOSED),
        (403, "FREQUENCY_LIMITED", CloseOutcome.BUSY),
        (429, "", CloseOutcome.BUSY),
        (404, "ORDER_NOT_EXIST", CloseOutcome.UNKNOWN),
    ],
)
def test_close_refusals_are_outcomes(
    world: PayWorld, serve: Serve, status: int, code: str, expected: CloseOutcome
) -> None:
    assert refusing(world, serve, status, code).close(mchid=MCHID, out_trade_no=ORDER) is expected


@pytest.mark.parametrize("code", ["PARAM_ERROR", "201", "OUT_TRADE_NO_USED"])
def test_a_close_refused_for_another_reason_is_not_an_outcome(world: PayWorld, serve: Serve, code: str) -> None:
    with pytest.raises(WxRejected):
        refusing(world, serve, 400, code).close(mchid=MCHID, out_trade_no=ORDER)


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_fault_52_a_number_that_would_change_the_path_never_leaves(world: PayWorld, serve: Serve, number: str) -> None:
    stub = serve(lambda _: world.answer({}))
    gateway = gateway_of(world, stub.url)
    for call in (
        lambda: gateway.query(mchid=MCHID, out_trade_no=number),
        lambda: gateway.close(mchid=MCHID, out_trade_no=number),
        lambda: gateway.prepay(replace(WANTED, out_trade_no=number)),
    ):
        with pytest.raises(ValueError, match="order number"):
            call()
    assert stub.seen() == []


def test_a_merchant_that_is_not_configured_is_the_operators_fault(world: PayWorld) -> None:
    with pytest.raises(WxMisconfigured):
        gateway_of(world, "http://127.0.0.1:9").query(mchid="1999999999", out_trade_no=ORDER)


def test_without_a_merchants_file_every_order_is_refused() -> None:
    gateway = live_gateway(appid=APPID, merchants_file=None)
    assert gateway.merchants() == frozenset()
    with pytest.raises(WxMisconfigured):
        gateway.prepay(WANTED)


def test_fault_19_the_same_order_again_gets_the_same_words_and_another_prepay_id(world: PayWorld, serve: Serve) -> None:
    """A prepay_id lives for two hours; changed words would be another order to WeChat."""
    numbers = iter(range(1, 9))
    stub = serve(lambda _: world.answer({"prepay_id": f"wx-prepay-{next(numbers)}"}))
    gateway = gateway_of(world, stub.url)
    assert [gateway.prepay(WANTED) for _ in range(2)] == ["wx-prepay-1", "wx-prepay-2"]
    assert len({seen.body for seen in stub.seen()}) == 1
