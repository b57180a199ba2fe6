"""Refunds at WeChat Pay, in our words: accepted, refused, or unknown, and never one told as another."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.wechat.paper import MCHID, NOON, ORDER, OTHER_MCHID, REFUND, PayWorld, asked_refund
from tests.wechat.stub import DROP, HANG, Answer, Reply, Stub
from tests.wechat.test_pay_gateway import gateway_of, refusing
from wxbackend.core.wxpay import NotEnoughBalance, Refunded, RefundOrder, RefundRefused, RefundState
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable

Serve = Callable[[Answer], Stub]

TRANSACTION, WX_REFUND = "4200000000202603120000000001", "50300000002026031200000000001"
WANTED = RefundOrder(
    mchid=MCHID,
    transaction_id=TRANSACTION,
    out_refund_no=REFUND,
    refund_fen=9900,
    total_fen=9900,
    reason="树苗未能种植",
    notify_url=f"https://tree.example/wx/pay/refunds/{MCHID}",
)
REFUNDED = Refunded(
    mchid=MCHID,
    out_trade_no=ORDER,
    transaction_id=TRANSACTION,
    out_refund_no=REFUND,
    wx_refund_id=WX_REFUND,
    state=RefundState.PROCESSING,
    refund_fen=9900,
    total_fen=9900,
    succeeded_at=None,
)
BAD_REFUND_NUMBERS = ["../x", "R/1", "R?1", "", "x" * 65, "R中文", "R1\n", "R 1", "R%2e"]


def test_a_refund_is_asked_as_wechat_wants_it(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(asked_refund()))
    assert gateway_of(world, stub.url).refund(WANTED) == REFUNDED
    (seen,) = stub.seen()
    assert (seen.method, seen.target) == ("POST", "/v3/refund/domestic/refunds")
    assert seen.document == {
        "transaction_id": TRANSACTION,
        "out_refund_no": REFUND,
        "reason": "树苗未能种植",
        "notify_url": f"https://tree.example/wx/pay/refunds/{MCHID}",
        "amount": {"refund": 9900, "total": 9900, "currency": "CNY"},
    }


def test_a_long_reason_is_cut_between_characters_and_refuses_no_refund(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(asked_refund()))
    gateway_of(world, stub.url).refund(replace(WANTED, reason="树" * 80))
    assert stub.seen()[0].document["reason"] == "树" * 26


@pytest.mark.parametrize("state", RefundState)
def test_every_state_of_a_refund_is_read(world: PayWorld, serve: Serve, state: RefundState) -> None:
    stub = serve(lambda _: world.answer(asked_refund(status=state)))
    assert gateway_of(world, stub.url).query_refund(mchid=MCHID, out_refund_no=REFUND) == replace(REFUNDED, state=state)
    assert stub.seen()[0].target == f"/v3/refund/domestic/refunds/{REFUND}"


def test_a_refund_that_succeeded_tells_when(world: PayWorld, serve: Serve) -> None:
    told = asked_refund(status="SUCCESS", success_time="2026-03-12T12:00:00+08:00")
    found = gateway_of(world, serve(lambda _: world.answer(told)).url).query_refund(mchid=MCHID, out_refund_no=REFUND)
    assert found is not None
    assert found.succeeded_at == NOON


@pytest.mark.parametrize("code", ["NOT_ENOUGH", "NOTENOUGH"])
def test_fault_26_a_short_balance_is_no_refusal(world: PayWorld, serve: Serve, code: str) -> None:
    with pytest.raises(NotEnoughBalance):
        refusing(world, serve, 403, code).refund(WANTED)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "PARAM_ERROR"),
        (400, "INVALID_REQUEST"),
        (403, "USER_ACCOUNT_ABNORMAL"),
        (403, "NO_AUTH"),
        (400, "MCH_NOT_EXISTS"),
        (400, "APPID_MCHID_NOT_MATCH"),
        (404, "RESOURCE_NOT_EXISTS"),
    ],
)
def test_a_definite_refusal_keeps_wechats_word(world: PayWorld, serve: Serve, status: int, code: str) -> None:
    with pytest.raises(RefundRefused) as raised:
        refusing(world, serve, status, code).refund(WANTED)
    assert raised.value.wx_code == code


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (DROP, WxUnavailable),
        (Reply(500), WxUnavailable),
        (Reply(503), WxUnavailable),
        (Reply(202), WxUnavailable),
        (Reply(404, b"<html>"), WxRejected),
        (Reply(200, b"{}"), WxForged),
    ],
    ids=["drop", "500", "503", "202", "somebody in between", "unsigned"],
)
def test_fault_25_an_outcome_that_is_unknown_is_never_told_as_refused(
    world: PayWorld, serve: Serve, reply: Reply, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        gateway_of(world, serve(lambda _: reply).url).refund(WANTED)


def test_a_refund_nobody_answers_is_unknown_and_kept_its_number_at_every_try(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: HANG)
    with pytest.raises(WxUnavailable):
        gateway_of(world, stub.url, timeout_s=0.2).refund(WANTED)
    assert len(stub.seen()) == 3
    assert len({seen.body for seen in stub.seen()}) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "RATELIMIT_EXCEEDED", WxRateLimited),
        (403, "FREQUENCY_LIMITED", WxRateLimited),
        (400, "SYSTEM_ERROR", WxUnavailable),
        (400, "BIZERR_NEED_RETRY", WxUnavailable),
        (401, "SIGN_ERROR", WxMisconfigured),
    ],
)
def test_fault_25_a_refund_put_off_by_wechat_is_unknown(
    world: PayWorld, serve: Serve, status: int, code: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        refusing(world, serve, status, code).refund(WANTED)


@pytest.mark.parametrize("code", ["RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"])
def test_a_refund_wechat_does_not_know_is_none(world: PayWorld, serve: Serve, code: str) -> None:
    assert refusing(world, serve, 404, code).query_refund(mchid=MCHID, out_refund_no=REFUND) is None


def test_a_404_of_somebody_in_between_is_not_an_unknown_refund(world: PayWorld, serve: Serve) -> None:
    with pytest.raises(WxRejected):
        gateway_of(world, serve(lambda _: Reply(404, b"<html>")).url).query_refund(mchid=MCHID, out_refund_no=REFUND)


@pytest.mark.parametrize(
    "other",
    [
        {"out_refund_no": "R260312ZZZZZZZZZZ01"},
        {"transaction_id": "4200000000202603120000000002"},
        {"amount": {"total": 9900, "refund": 1}},
        {"amount": {"total": 9901, "refund": 9900}},
    ],
)
def test_a_genuine_answer_about_another_refund_is_forged(
    world: PayWorld, serve: Serve, other: dict[str, object]
) -> None:
    with pytest.raises(WxForged):
        gateway_of(world, serve(lambda _: world.answer(asked_refund(**other))).url).refund(WANTED)


@pytest.mark.parametrize(
    "change", [{"status": "HALF"}, {"status": None}, {"refund_id": ""}, {"amount": {"total": 1}}, {"amount": []}]
)
def test_an_answer_that_makes_no_sense_leaves_the_outcome_open(
    world: PayWorld, serve: Serve, change: dict[str, object]
) -> None:
    with pytest.raises(WxRejected, match="MALFORMED"):
        gateway_of(world, serve(lambda _: world.answer(asked_refund(**change))).url).refund(WANTED)


def test_an_abnormal_refund_goes_to_the_merchants_own_account(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(asked_refund()))
    gateway = gateway_of(world, stub.url)
    assert gateway.retry_abnormal_refund(mchid=MCHID, wx_refund_id=WX_REFUND, out_refund_no=REFUND) == REFUNDED
    (seen,) = stub.seen()
    assert (seen.method, seen.target) == (
        "POST",
        f"/v3/refund/domestic/refunds/{WX_REFUND}/apply-abnormal-refund",
    )
    assert seen.document == {"out_refund_no": REFUND, "type": "MERCHANT_BANK_CARD"}


def test_an_abnormal_refund_that_is_none_is_refused(world: PayWorld, serve: Serve) -> None:
    with pytest.raises(RefundRefused):
        refusing(world, serve, 400, "INVALID_REQUEST").retry_abnormal_refund(
            mchid=MCHID, wx_refund_id=WX_REFUND, out_refund_no=REFUND
        )


@pytest.mark.parametrize("number", BAD_REFUND_NUMBERS)
def test_fault_52_a_refund_number_that_would_change_the_path_never_leaves(
    world: PayWorld, serve: Serve, number: str
) -> None:
    stub = serve(lambda _: world.answer({}))
    gateway = gateway_of(world, stub.url)
    for call in (
        lambda: gateway.query_refund(mchid=MCHID, out_refund_no=number),
        lambda: gateway.refund(replace(WANTED, out_refund_no=number)),
        lambda: gateway.refund(replace(WANTED, transaction_id=f"{number}|")),
        lambda: gateway.retry_abnormal_refund(mchid=MCHID, wx_refund_id=WX_REFUND, out_refund_no=number),
        lambda: gateway.retry_abnormal_refund(mchid=MCHID, wx_refund_id=f"{number}|", out_refund_no=REFUND),
    ):
        with pytest.raises(ValueError, match=r"refund number|number of WeChat"):
            call()
    assert stub.seen() == []


def test_a_number_of_every_allowed_character_is_sent_as_it_is_signed(world: PayWorld, serve: Serve) -> None:
    number = "Rr0_-|*@"
    stub = serve(lambda _: world.answer(asked_refund(out_refund_no=number)))
    assert gateway_of(world, stub.url).query_refund(mchid=MCHID, out_refund_no=number) is not None
    assert stub.seen()[0].target == "/v3/refund/domestic/refunds/Rr0_-%7C*@"


def test_a_refund_of_a_merchant_that_is_not_configured_is_the_operators_fault(world: PayWorld) -> None:
    with pytest.raises(WxMisconfigured):
        gateway_of(world, "http://127.0.0.1:9").refund(replace(WANTED, mchid="1999999999"))


def test_each_merchant_asks_for_its_own_refunds(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(asked_refund()))
    found = gateway_of(world, stub.url).refund(replace(WANTED, mchid=OTHER_MCHID))
    assert found.mchid == OTHER_MCHID
    assert f'mchid="{OTHER_MCHID}"' in stub.seen()[0].headers["Authorization"]


def test_a_query_that_is_answered_about_another_refund_is_forged(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.answer(asked_refund(out_refund_no="R260312ZZZZZZZZZZ01")))
    with pytest.raises(WxForged):
        gateway_of(world, stub.url).query_refund(mchid=MCHID, out_refund_no=REFUND)
