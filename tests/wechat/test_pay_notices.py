"""Callbacks of WeChat Pay: what is opened, what is refused, and that nobody is called meanwhile."""

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat.paper import (
    APPID,
    MCHID,
    NOON,
    OLD_APIV3_KEY,
    ORDER,
    OTHER_MCHID,
    PayWorld,
    envelope,
    refund,
    seal,
    transaction,
)
from tests.wechat.stub import Answer, Reply, Stub
from tests.wechat.test_pay_gateway import PAID, gateway_of
from tests.wechat.test_refunds import REFUNDED
from wxbackend.core.wxpay import BadNotification, Notice, RefundState, WrongRecipient
from wxbackend.wechat.pay import LiveGateway

Serve = Callable[[Answer], Stub]


@pytest.fixture(scope="module")
def gateway(world: PayWorld) -> LiveGateway:
    return gateway_of(world, "http://127.0.0.1:9")


def opened(gateway: LiveGateway, headers: dict[str, str], body: bytes, *, mchid: str = MCHID) -> Notice:
    return gateway.open_notice(mchid=mchid, headers=headers, body=body, now=NOON)


def test_a_payment_notice_opens_into_the_payment(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    notice = opened(gateway, world.sign(body), body)
    assert notice == Notice(
        id="9f1f6c5e-0000-4000-8000-000000000001",
        event_type="TRANSACTION.SUCCESS",
        mchid=MCHID,
        out_trade_no=ORDER,
        paid=PAID,
        resource=transaction(),
    )


@pytest.mark.parametrize("state", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_notice_opens_into_the_refund(world: PayWorld, gateway: LiveGateway, state: str) -> None:
    told = refund(refund_status=state)
    body = envelope(seal(told), f"REFUND.{state}")
    notice = opened(gateway, world.sign(body), body)
    assert (notice.event_type, notice.out_trade_no, notice.paid) == (f"REFUND.{state}", ORDER, None)
    assert notice.refunded == replace(REFUNDED, state=RefundState(state), succeeded_at=None)
    assert notice.resource == told


def test_a_refund_notice_tells_when_the_money_arrived(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(refund(success_time="2026-03-12T12:00:00+08:00")), "REFUND.SUCCESS")
    told = opened(gateway, world.sign(body), body).refunded
    assert told is not None
    assert told.succeeded_at == NOON


def test_a_payment_notice_speaks_of_no_refund(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    assert opened(gateway, world.sign(body), body).refunded is None


def test_fault_13_during_the_switch_either_key_signs(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    assert opened(gateway, world.sign(body, by_certificate=True), body).paid == PAID


def test_fault_15_while_the_apiv3_key_changes_the_one_before_still_opens(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction(), key=OLD_APIV3_KEY))
    assert opened(gateway, world.sign(body), body).paid == PAID


def test_what_no_key_opens_is_refused(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction(), key="z" * 32))
    with pytest.raises(BadNotification):
        opened(gateway, world.sign(body), body)


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_header_names_may_be_in_any_case(world: PayWorld, gateway: LiveGateway, case: Callable[[str], str]) -> None:
    body = envelope(seal(transaction()))
    assert opened(gateway, {case(name): value for name, value in world.sign(body).items()}, body).paid == PAID


@pytest.mark.parametrize("offset_s", [-301, 301, 86_400])
def test_a_genuine_notice_outside_the_window_names_its_order(
    world: PayWorld, gateway: LiveGateway, offset_s: int
) -> None:
    body = envelope(seal(transaction()))
    with pytest.raises(BadNotification) as raised:
        opened(gateway, world.sign(body, at=NOON + timedelta(seconds=offset_s)), body)
    assert raised.value.stale_order == ORDER
    assert raised.value.status == 401


@pytest.mark.parametrize("offset_s", [-300, 0, 300])
def test_the_window_is_300_seconds_both_ways(world: PayWorld, gateway: LiveGateway, offset_s: int) -> None:
    body = envelope(seal(transaction()))
    assert opened(gateway, world.sign(body, at=NOON + timedelta(seconds=offset_s)), body).paid == PAID


def test_a_forged_notice_outside_the_window_names_no_order(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    headers = world.sign(b"something else", at=NOON - timedelta(hours=1))
    with pytest.raises(BadNotification) as raised:
        opened(gateway, headers, body)
    assert raised.value.stale_order is None


@pytest.mark.parametrize("serial", ["", "00", "PUB_KEY_ID_0000", "not hex at all", "证书"])
def test_fault_13_an_unknown_serial_is_said_to_be_unknown(world: PayWorld, gateway: LiveGateway, serial: str) -> None:
    body = envelope(seal(transaction()))
    with pytest.raises(BadNotification) as raised:
        opened(gateway, {**world.sign(body), "Wechatpay-Serial": serial}, body)
    assert raised.value.serial_unknown


def test_a_probe_with_a_deliberately_wrong_signature_is_refused(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    headers = {**world.sign(body), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + "A" * 300}
    with pytest.raises(BadNotification) as raised:
        opened(gateway, headers, body)
    assert not raised.value.serial_unknown


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "²", "١٢٣", "9" * 40, "1773288000 "])
def test_a_timestamp_that_is_no_number_is_refused_even_when_signed(
    world: PayWorld, gateway: LiveGateway, timestamp: str
) -> None:
    body = envelope(seal(transaction()))
    with pytest.raises(BadNotification) as raised:
        opened(gateway, world.sign(body, timestamp=timestamp), body)
    assert raised.value.stale_order is None


def test_a_notice_without_headers_is_refused(gateway: LiveGateway) -> None:
    with pytest.raises(BadNotification):
        opened(gateway, {}, b"{}")


def test_a_merchant_that_is_not_ours_is_refused(world: PayWorld, gateway: LiveGateway) -> None:
    body = envelope(seal(transaction()))
    with pytest.raises(BadNotification):
        opened(gateway, world.sign(body), body, mchid="1999999999")


@pytest.mark.parametrize(
    ("resource", "event_type"),
    [
        (transaction(mchid=OTHER_MCHID), "TRANSACTION.SUCCESS"),
        (transaction(appid="wx-another"), "TRANSACTION.SUCCESS"),
        (refund(mchid=OTHER_MCHID), "REFUND.SUCCESS"),
    ],
)
@pytest.mark.parametrize("age_s", [0, 3600])
def test_a_genuine_notice_for_somebody_else_is_named_so(
    world: PayWorld, gateway: LiveGateway, resource: dict[str, object], event_type: str, age_s: int
) -> None:
    body = envelope(seal(resource), event_type)
    with pytest.raises(WrongRecipient) as raised:
        opened(gateway, world.sign(body, at=NOON - timedelta(seconds=age_s)), body)
    assert raised.value.status == 400


def sealed_bytes(plain: bytes) -> dict[str, str]:
    return {**seal({}), "ciphertext": b64encode(plain).decode()}


NONSENSE = {
    "not JSON": b"<xml/>",
    "a list": b"[]",
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "no resource": json.dumps({"id": "1", "event_type": "TRANSACTION.SUCCESS"}).encode(),
    "resource is a text": envelope("text"),
    "another type": envelope(seal(transaction())).replace(b"encrypt-resource", b"plain-resource"),
    "another algorithm": envelope({**seal(transaction()), "algorithm": "AEAD_SM4_128_GCM"}),
    "nothing to open": envelope({**seal(transaction()), "ciphertext": ""}),
    "shorter than its tag": envelope(sealed_bytes(b"abc")),
    "not base64": envelope({**seal(transaction()), "ciphertext": "x"}),
    "nonce too short": envelope({**seal(transaction()), "nonce": "1"}),
    "associated data is a list": envelope({**seal(transaction()), "associated_data": ["x"]}),
    "opens into a list": envelope(seal([1])),
    "no order number": envelope(seal(refund(out_trade_no=None)), "REFUND.SUCCESS"),
    "refund that contradicts its event": envelope(seal(refund()), "REFUND.CLOSED"),
    "refund that is asked, not told": envelope(seal(refund(status="SUCCESS", refund_status=None)), "REFUND.SUCCESS"),
    "refund of no amount": envelope(seal(refund(amount={"total": 9900})), "REFUND.SUCCESS"),
    "refund at no time": envelope(seal(refund(success_time="soon")), "REFUND.SUCCESS"),
    "refund of no known kind": envelope(seal(refund(refund_status="HALF")), "REFUND.HALF"),
    "no merchant": envelope(seal(transaction(mchid=None))),
    "no event": envelope(seal(transaction()), ""),
    "success that is none": envelope(seal(transaction(trade_state="NOTPAY"))),
    "no amount": envelope(seal(transaction(amount={}))),
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_signed_nonsense_is_one_kind_of_refusal(world: PayWorld, gateway: LiveGateway, body: bytes) -> None:
    with pytest.raises(BadNotification) as raised:
        opened(gateway, world.sign(body), body)
    assert (raised.value.stale_order, raised.value.serial_unknown) == (None, False)


@settings(deadline=None)  # signing is slow on a busy machine
@given(data=st.data())
def test_one_changed_byte_anywhere_is_refused(world: PayWorld, gateway: LiveGateway, data: st.DataObject) -> None:
    body = envelope(seal(transaction()))
    headers = world.sign(body)
    signed = ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature"]
    part = data.draw(st.sampled_from(["body", *signed]))
    whole = bytearray(body if part == "body" else headers[part].encode())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255 if part == "body" else 127))
    if part == "body":
        body = bytes(whole)
    else:
        headers[part] = whole.decode("latin-1")
    with pytest.raises(BadNotification):
        opened(gateway, headers, body)


def test_every_other_spelling_of_the_same_signature_is_refused(world: PayWorld, gateway: LiveGateway) -> None:
    """The last digit before the padding has four unused bits: sixteen spellings decode alike, one is genuine."""
    body = envelope(seal(transaction()))
    headers = world.sign(body)
    signature = headers["Wechatpay-Signature"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    others = [signature[:-3] + digit + "==" for digit in alphabet if digit != signature[-3]]
    for other in [*others, signature + "\n", signature + "=", " " + signature, "!" + signature]:
        with pytest.raises(BadNotification):
            opened(gateway, {**headers, "Wechatpay-Signature": other}, body)


def test_a_flood_of_forged_notices_causes_no_call(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: Reply(200))
    gateway = gateway_of(world, stub.url)
    body = envelope(seal(transaction()))
    genuine = world.sign(body)
    serials = [f"{number:040X}" for number in range(10)] + [f"PUB_KEY_ID_{number}" for number in range(10)]
    for serial in serials:
        with pytest.raises(BadNotification):
            opened(gateway, {**genuine, "Wechatpay-Serial": serial}, body)
    assert opened(gateway, genuine, body).paid == PAID
    assert stub.seen() == []


def test_eight_threads_open_notices_side_by_side(world: PayWorld, gateway: LiveGateway) -> None:
    numbers = [f"P260312THREAD{number:05}01" for number in range(64)]
    bodies = [envelope(seal(transaction(out_trade_no=number))) for number in numbers]
    signed = [(world.sign(body), body) for body in bodies]
    with ThreadPoolExecutor(8) as pool:
        notices = list(pool.map(lambda one: opened(gateway, *one), signed))
    assert [notice.out_trade_no for notice in notices] == numbers


def test_the_libraries_own_way_in_obeys_the_same_rules(world: PayWorld, gateway: LiveGateway) -> None:
    core = gateway._cores[MCHID]
    body = envelope(seal(transaction()))
    opened_by_library = core.callback(world.sign(body), body)
    assert opened_by_library["resource"]["appid"] == APPID
    assert core.callback(world.sign(body, at=NOON - timedelta(hours=1)), body) is None
    assert core.callback({**world.sign(body), "Wechatpay-Serial": "00"}, body) is None
