"""Texts, pictures, messages, codes and shipping: each refusal of WeChat's has one meaning here."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.wechat.paper import APPID, NOON
from tests.wechat.stub import DROP, HANG, Answer, Reply, Seen, Stub, as_json
from tests.wechat.test_mini_program import PNG, TOKEN_PATH, client_of, error, mini_of, wechat
from wxbackend.core.errors import TooMany, UpstreamFailed
from wxbackend.core.wxmini import (
    Delivery,
    PageUnpublished,
    Shipment,
    ShippingState,
    ShippingTooEarly,
    Suggestion,
    TextScene,
    Verdict,
)
from wxbackend.wechat.buckets import MemoryBucket
from wxbackend.wechat.errors import WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.mini import LiveMiniProgram

Serve = Callable[[Answer], Stub]

TEXT, IMAGE = "/wxa/msg_sec_check", "/wxa/media_check_async"
CODE, SEND = "/wxa/getwxacodeunlimit", "/cgi-bin/message/subscribe/send"
MANAGED, UPLOAD, ORDER = (
    f"/wxa/sec/order/{name}" for name in ("is_trade_managed", "upload_shipping_info", "get_order")
)
SHIPMENT = Shipment(transaction_id="42000001", openid="o-1", description="认种 3 棵", at=NOON)
JPEG = b"\xff\xd8\xff\xe0 and so on"


def answering(reply: Reply | Mapping[str, Any]) -> Answer:
    """A token for whoever asks, then the same reply to every call."""
    told = reply if isinstance(reply, Reply) else as_json(reply)
    return lambda seen: wechat(seen) if seen.path == TOKEN_PATH else told


def asked(stub: Stub) -> Seen:
    (_, seen) = stub.seen()
    return seen


def check(mini: LiveMiniProgram, nickname: str | None = None) -> Verdict:
    return mini.check_text("愿树长青", openid="o-1", scene=TextScene.COMMENT, nickname=nickname)


def send(mini: LiveMiniProgram, fields: Mapping[str, str] | None = None) -> Delivery:
    return mini.send_message(
        openid="o-1", template_id="T1", fields=fields or {"thing1": "认种 3 棵"}, page="pages/pledge/index?number=P1"
    )


def mint(mini: LiveMiniProgram, **changes: Any) -> bytes:
    return mini.mini_code(**{"scene": "t=abc", "page": "pages/tree/index", "width_px": 430, **changes})


# --------------------------------------------------------------------------------------------------- content
@pytest.mark.parametrize("suggestion", Suggestion)
def test_a_text_is_judged_by_version_two(serve: Serve, suggestion: Suggestion) -> None:
    stub = serve(answering({"errcode": 0, "result": {"suggest": suggestion, "label": 20001}, "trace_id": "t-1"}))
    assert check(mini_of(stub)) == Verdict(suggestion, 20001, "t-1")
    assert asked(stub).document == {"version": 2, "scene": 2, "openid": "o-1", "content": "愿树长青"}


def test_a_nickname_is_judged_with_the_text(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0, "result": {"suggest": "pass", "label": 100}}))
    check(mini_of(stub), nickname="树友")
    assert asked(stub).document["nickname"] == "树友"


@pytest.mark.parametrize("errcode", [61010, 40003, 43104, 45002, 87014, 89999])
def test_a_check_that_is_refused_leaves_the_matter_open(serve: Serve, errcode: int) -> None:
    """61010: the person has not been in the mini-program for two hours. Nothing is published unchecked."""
    mini = mini_of(serve(answering(error(errcode))))
    with pytest.raises(WxUnavailable):
        check(mini)
    with pytest.raises(WxUnavailable):
        mini.submit_image("https://tree.example/a.png", openid="o-1", scene=TextScene.PROFILE)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        DROP,
        HANG,
        error(45009),
        error(48001),
        as_json({"errcode": 0}),
        as_json({"errcode": 0, "result": {"suggest": "fine"}}),
        as_json({"errcode": 0, "result": {"suggest": ["pass"]}}),
        as_json({"errcode": 0, "result": "pass"}),
        Reply(200, PNG),
    ],
    ids=["503", "drop", "hang", "45009", "48001", "no result", "no such word", "a list", "no object", "a picture"],
)
def test_no_trouble_on_the_way_is_taken_for_a_pass(serve: Serve, reply: Reply) -> None:
    with pytest.raises(UpstreamFailed):
        check(mini_of(serve(answering(reply)), timeout_s=0.3))


def test_a_picture_is_handed_in_and_answered_later(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0, "trace_id": "t-2"}))
    url = "https://tree.example/avatar.png"
    assert mini_of(stub).submit_image(url, openid="o-1", scene=TextScene.PROFILE) == "t-2"
    assert asked(stub).document == {"version": 2, "scene": 1, "openid": "o-1", "media_url": url, "media_type": 2}


@pytest.mark.parametrize("trace_id", [None, "", 7])
def test_a_picture_without_a_trace_is_not_handed_in(serve: Serve, trace_id: object) -> None:
    mini = mini_of(serve(answering({"errcode": 0, "trace_id": trace_id})))
    with pytest.raises(WxUnavailable):
        mini.submit_image("https://tree.example/a.png", openid="o-1", scene=TextScene.PROFILE)


# ----------------------------------------------------------------------------------------------------- codes
@pytest.mark.parametrize("picture", [PNG, JPEG], ids=["png", "jpeg"])
def test_a_code_is_a_picture(serve: Serve, picture: bytes) -> None:
    stub = serve(answering(Reply(200, picture, {"Content-Type": "image/jpeg"})))
    assert mint(mini_of(stub)) == picture
    assert asked(stub).document == {
        "scene": "t=abc",
        "page": "pages/tree/index",
        "width": 430,
        "check_path": True,
        "env_version": "release",
    }


def disguised(errcode: int) -> Reply:
    return Reply(200, error(errcode).body, {"Content-Type": "image/jpeg"})


def test_an_error_disguised_as_a_picture_is_an_error(serve: Serve) -> None:
    with pytest.raises(WxRejected) as raised:
        mint(mini_of(serve(answering(disguised(40169)))))
    assert raised.value.wx_code == "40169"


def test_a_token_refused_under_the_type_of_a_picture_is_renewed_as_well(serve: Serve) -> None:
    stub = serve(answering(Reply(200, JPEG)))
    stub.then(wechat(Seen("POST", TOKEN_PATH, {}, b"")), disguised(40001))
    assert mint(mini_of(stub)) == JPEG
    assert len(stub.seen(TOKEN_PATH)) == 2


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"", {"Content-Type": "image/jpeg"}), Reply(200, b"<html>"), as_json({"errcode": 0})],
    ids=["nothing", "a page", "no picture"],
)
def test_what_is_no_picture_is_no_code(serve: Serve, reply: Reply) -> None:
    with pytest.raises(WxUnavailable):
        mint(mini_of(serve(answering(reply))))


@pytest.mark.parametrize("reply", [error(41030), disguised(41030)], ids=["json", "disguised"])
def test_fault_46_an_unpublished_page_is_named_so(serve: Serve, reply: Reply) -> None:
    with pytest.raises(PageUnpublished):
        mint(mini_of(serve(answering(reply))))


@pytest.mark.parametrize("errcode", [45009, 45011])
def test_fault_38_a_used_up_quota_is_not_asked_again(serve: Serve, errcode: int) -> None:
    stub = serve(answering(error(errcode)))
    with pytest.raises(WxRateLimited):
        mint(mini_of(stub))
    assert len(stub.seen(CODE)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"scene": ""},
        {"scene": "x" * 33},
        {"scene": "树"},
        {"scene": "a b"},
        {"scene": "a%20"},
        {"page": "/pages/tree/index"},
        {"page": "pages/tree/index?a=1"},
        {"page": ""},
        {"width_px": 279},
        {"width_px": 1281},
    ],
)
def test_a_code_wechat_would_refuse_is_never_asked_for(serve: Serve, wrong: dict[str, Any]) -> None:
    stub = serve(answering(Reply(200, JPEG)))
    with pytest.raises(ValueError, match="not a mini-program code"):
        mint(mini_of(stub), **wrong)
    assert stub.seen() == []


def test_the_longest_scene_of_every_character_is_asked_for(serve: Serve) -> None:
    stub = serve(answering(Reply(200, JPEG)))
    mint(mini_of(stub), scene="!#$&'()*+,/:;=?@-._~azAZ09xxxxxx", width_px=1280)
    assert len(asked(stub).document["scene"]) == 32


def test_an_empty_bucket_sends_nothing(serve: Serve) -> None:
    stub = serve(answering(Reply(200, JPEG)))
    mini = LiveMiniProgram(client_of(stub), codes=MemoryBucket(2, clock=lambda: 0.0))
    assert mint(mini) == mint(mini) == JPEG
    with pytest.raises(TooMany):
        mint(mini)
    assert len(stub.seen(CODE)) == 2


# -------------------------------------------------------------------------------------------------- messages
def test_a_message_is_sent_in_wechats_form(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0, "msgid": 1}))
    fields = {"thing1": "认种 3 棵", "amount2": "99.00元", "date3": "2026-03-12T04:00:00+00:00"}
    assert send(mini_of(stub), fields) is Delivery.SENT
    assert asked(stub).document == {
        "touser": "o-1",
        "template_id": "T1",
        "page": "pages/pledge/index?number=P1",
        "lang": "zh_CN",
        "data": {
            "thing1": {"value": "认种 3 棵"},
            "amount2": {"value": "99.00元"},
            "date3": {"value": "2026年3月12日 12:00"},
        },
    }


@pytest.mark.parametrize(
    ("errcode", "outcome"),
    [
        (43101, Delivery.REFUSED),
        (47003, Delivery.INVALID),
        (40037, Delivery.INVALID),
        (41030, Delivery.INVALID),
    ],
)
def test_refusals_of_a_message_are_outcomes(serve: Serve, errcode: int, outcome: Delivery) -> None:
    stub = serve(answering(error(errcode)))
    assert send(mini_of(stub)) is outcome
    assert len(stub.seen(SEND)) == 1


def test_a_refusal_nobody_foresaw_is_no_outcome(serve: Serve) -> None:
    with pytest.raises(WxRejected):
        send(mini_of(serve(answering(error(40003)))))


def test_fault_45_a_field_that_fits_no_rule_is_not_sent(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0}))
    assert send(mini_of(stub), {"number1": "三棵"}) is Delivery.INVALID
    assert stub.seen() == []


@pytest.mark.parametrize("reply", [DROP, Reply(502), Reply(200, b"{", cut=True)], ids=["drop", "502", "cut"])
def test_a_message_that_may_have_arrived_is_not_sent_again(serve: Serve, reply: Reply) -> None:
    """It would use up a second consent."""
    stub = serve(answering({"errcode": 0}))
    stub.then(wechat(Seen("POST", TOKEN_PATH, {}, b"")), reply)
    with pytest.raises(WxUnavailable):
        send(mini_of(stub))
    assert len(stub.seen(SEND)) == 1


def test_fault_37_a_message_that_a_busy_wechat_did_not_take_is_sent_again(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0}))
    stub.then(wechat(Seen("POST", TOKEN_PATH, {}, b"")), error(-1), error(-1))
    assert send(mini_of(stub)) is Delivery.SENT
    assert len(stub.seen(SEND)) == 3


# -------------------------------------------------------------------------------------------------- shipping
@pytest.mark.parametrize("managed", [True, False])
def test_wechat_tells_whether_orders_need_shipping(serve: Serve, managed: object) -> None:
    stub = serve(answering({"errcode": 0, "is_trade_managed": managed}))
    assert mini_of(stub).is_trade_managed() is managed
    assert asked(stub).document == {"appid": APPID}


def test_silence_on_shipping_is_no_no(serve: Serve) -> None:
    with pytest.raises(WxUnavailable):
        mini_of(serve(answering({"errcode": 0}))).is_trade_managed()


def test_a_shipment_is_reported_as_virtual_and_in_one_piece(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0}))
    mini_of(stub).report_shipping(SHIPMENT)
    assert asked(stub).document == {
        "order_key": {"order_number_type": 2, "transaction_id": "42000001"},
        "logistics_type": 3,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "认种 3 棵"}],
        "upload_time": "2026-03-12T12:00:00.000+08:00",
        "payer": {"openid": "o-1"},
    }


def test_a_long_description_is_cut(serve: Serve) -> None:
    stub = serve(answering({"errcode": 0}))
    long = Shipment("42000001", "o-1", "树" * 200, datetime(2026, 3, 12, 4, tzinfo=UTC))
    mini_of(stub).report_shipping(long)
    assert asked(stub).document["shipping_list"] == [{"item_desc": "树" * 120}]


@pytest.mark.parametrize("errcode", [10060002, 10060003, 10060004, 10060023])
def test_fault_47_a_shipment_reported_before_is_no_fault(serve: Serve, errcode: int) -> None:
    mini_of(serve(answering(error(errcode)))).report_shipping(SHIPMENT)


def test_fault_47_a_shipment_reported_too_early_is_named_so(serve: Serve) -> None:
    with pytest.raises(ShippingTooEarly):
        mini_of(serve(answering(error(10060001)))).report_shipping(SHIPMENT)


def test_a_shipment_that_wechat_cannot_read_is_refused(serve: Serve) -> None:
    with pytest.raises(WxRejected):
        mini_of(serve(answering(error(268485216)))).report_shipping(SHIPMENT)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, ShippingState.WAITING),
        (2, ShippingState.SHIPPED),
        (3, ShippingState.CONFIRMED),
        (4, ShippingState.SETTLED),
        (5, ShippingState.REFUNDED),
        (6, ShippingState.CONFIRMED),
    ],
)
def test_the_state_of_an_order_is_read(serve: Serve, number: int, state: ShippingState) -> None:
    stub = serve(answering({"errcode": 0, "order": {"order_state": number}}))
    assert mini_of(stub).shipping_state(transaction_id="42000001") is state
    assert asked(stub).document == {"transaction_id": "42000001"}


def test_an_order_wechat_does_not_know_is_unknown(serve: Serve) -> None:
    mini = mini_of(serve(answering(error(10060001))))
    assert mini.shipping_state(transaction_id="42000001") is ShippingState.UNKNOWN


@pytest.mark.parametrize("order", [None, [], {}, {"order_state": 99}, {"order_state": "2"}])
def test_a_state_nobody_knows_is_not_guessed(serve: Serve, order: object) -> None:
    with pytest.raises(WxUnavailable):
        mini_of(serve(answering({"errcode": 0, "order": order}))).shipping_state(transaction_id="42000001")


def test_a_call_without_permission_is_the_operators_fault(serve: Serve) -> None:
    with pytest.raises(WxMisconfigured):
        mini_of(serve(answering(error(48001)))).report_shipping(SHIPMENT)
