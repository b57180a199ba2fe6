"""Refunds, bills, texts, codes, messages and shipping: the live adapters against the simulator over real HTTP."""

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.wechat.test_against_the_simulator import MCHID, Mailbox, Table, running, state, table  # noqa: F401  # fixtures
from wxbackend.core.wxmini import (
    Delivery,
    PageUnpublished,
    Shipment,
    ShippingState,
    ShippingTooEarly,
    Suggestion,
    TextScene,
)
from wxbackend.core.wxpay import (
    BillNotReady,
    NotEnoughBalance,
    Refunded,
    RefundOrder,
    RefundRefused,
    RefundState,
    TradeState,
)
from wxbackend.devtools.wxsim import RunningSimulator
from wxbackend.devtools.wxsim.state import write_settings
from wxbackend.wechat.errors import WxMisconfigured, WxRateLimited, WxUnavailable
from wxbackend.wechat.live import live_gateway

PAGE = "pages/tree/index"
CHINA = ZoneInfo("Asia/Shanghai")
DAY_S = 86_400


def paid(table: Table) -> tuple[str, str, str]:  # noqa: F811
    """Order number, transaction and openid of a payment of 9900 fen."""
    order = table.new_order()
    table.pay(order)
    notice = table.open_next()
    assert notice.paid is not None
    return order.out_trade_no, notice.paid.transaction_id, order.openid


def wish(transaction_id: str, **changes: Any) -> RefundOrder:
    facts = {
        "mchid": MCHID,
        "transaction_id": transaction_id,
        "out_refund_no": f"R{transaction_id[-20:]}",
        "refund_fen": 9900,
        "total_fen": 9900,
        "reason": "树苗未能种植",
        "notify_url": f"https://tree.example/wx/pay/refunds/{MCHID}",
    }
    return RefundOrder(**{**facts, **changes})


def end(table: Table, refund: Refunded, refund_state: str) -> Refunded:  # noqa: F811
    """The refund as its notification tells it."""
    table.control("POST", f"refunds/{refund.out_refund_no}/end", {"state": refund_state})
    table.control("POST", "flush", {"until": "end"})
    told = table.open_next().refunded
    assert told is not None
    return told


def test_a_refund_is_accepted_and_its_notice_equals_the_query(table: Table) -> None:  # noqa: F811
    number, transaction_id, _ = paid(table)
    asked = table.gateway.refund(wish(transaction_id))
    assert (asked.state, asked.out_trade_no, asked.refund_fen) == (RefundState.PROCESSING, number, 9900)
    assert table.gateway.refund(wish(transaction_id)) == asked  # the same number is the same refund
    told = end(table, asked, "SUCCESS")
    assert told == table.gateway.query_refund(mchid=MCHID, out_refund_no=asked.out_refund_no)
    assert (told.state, told.succeeded_at is not None) == (RefundState.SUCCESS, True)
    found = table.gateway.query(mchid=MCHID, out_trade_no=number)
    assert found is not None
    assert (found.state, found.paid is not None) == (TradeState.REFUND, True)


def test_an_abnormal_refund_goes_on_to_the_merchants_account(table: Table) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    asked = table.gateway.refund(wish(transaction_id))
    assert end(table, asked, "ABNORMAL").state is RefundState.ABNORMAL
    again = table.gateway.retry_abnormal_refund(
        mchid=MCHID, wx_refund_id=asked.wx_refund_id, out_refund_no=asked.out_refund_no
    )
    assert again.state is RefundState.PROCESSING
    with pytest.raises(RefundRefused):
        table.gateway.retry_abnormal_refund(
            mchid=MCHID, wx_refund_id=asked.wx_refund_id, out_refund_no=asked.out_refund_no
        )


def test_a_closed_refund_is_told_closed(table: Table) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    assert end(table, table.gateway.refund(wish(transaction_id)), "CLOSED").state is RefundState.CLOSED


def test_fault_26_a_short_balance_is_no_refusal(table: Table) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    table.control("POST", f"merchants/{MCHID}/account", {"balance_fen": 1})
    with pytest.raises(NotEnoughBalance):
        table.gateway.refund(wish(transaction_id))
    table.control("POST", f"merchants/{MCHID}/account", {"balance_fen": 100_000})
    assert table.gateway.refund(wish(transaction_id)).state is RefundState.PROCESSING


@pytest.mark.parametrize("changes", [{"refund_fen": 9901}, {"total_fen": 9901}, {"transaction_id": "42000001"}])
def test_a_refund_that_cannot_be_is_refused(table: Table, changes: dict[str, Any]) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    with pytest.raises(RefundRefused):
        table.gateway.refund(wish(**{"transaction_id": transaction_id, **changes}))


def test_fault_29_a_second_partial_refund_within_a_minute_is_put_off(table: Table) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    table.gateway.refund(wish(transaction_id, refund_fen=100))
    with pytest.raises(WxRateLimited):
        table.gateway.refund(wish(transaction_id, refund_fen=100, out_refund_no="R2"))
    table.control("POST", "clock", {"advance_s": 61})
    assert table.gateway.refund(wish(transaction_id, refund_fen=100, out_refund_no="R2")).refund_fen == 100


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429},
        {"status": 500, "times": 3},
        {"drop": True, "times": 3},
        {"drop": True, "times": 3, "after": True},
    ],
    ids=["429", "500", "drop", "drop after"],
)
def test_fault_25_a_refund_of_unknown_outcome_is_found_by_a_query(table: Table, fault: dict[str, Any]) -> None:  # noqa: F811
    _, transaction_id, _ = paid(table)
    table.control("POST", "faults", {"path": "/v3/refund/domestic/refunds$", **fault})
    with pytest.raises((WxUnavailable, WxRateLimited)):
        table.gateway.refund(wish(transaction_id))
    found = table.gateway.query_refund(mchid=MCHID, out_refund_no=wish(transaction_id).out_refund_no)
    assert (found is not None) is fault.get("after", False)
    assert table.gateway.refund(wish(transaction_id)).refund_fen == 9900


def test_a_refund_nobody_asked_for_is_unknown(table: Table) -> None:  # noqa: F811
    assert table.gateway.query_refund(mchid=MCHID, out_refund_no="R1") is None


# ----------------------------------------------------------------------------------------------------- bills
def today(table: Table) -> date:  # noqa: F811
    """By the simulator's business time."""
    return datetime.fromtimestamp(table.simulator.world.clock.now(), CHINA).date()


def test_the_bills_of_a_day_hold_what_was_paid_and_refunded(table: Table) -> None:  # noqa: F811
    day = today(table)
    number, transaction_id, _ = paid(table)
    refund = table.gateway.refund(wish(transaction_id, refund_fen=3300))
    with pytest.raises(BillNotReady):
        table.gateway.trade_bill(mchid=MCHID, on=day)
    table.control("POST", "clock", {"advance_s": 2 * DAY_S})
    bill = table.gateway.trade_bill(mchid=MCHID, on=day)
    assert bill is not None
    assert (bill.total_fen, bill.refund_fen) == (9900, 3300)
    lines = {line.out_refund_no: line for line in bill.lines}
    assert (lines[None].out_trade_no, lines[None].amount_fen) == (number, 9900)
    assert lines[refund.out_refund_no].amount_fen == 3300
    funds = table.gateway.fund_bill(mchid=MCHID, on=day)
    assert funds is not None
    assert {line.business_no for line in funds.lines} >= {transaction_id}
    assert (funds.income_fen, funds.expense_fen >= 3300) == (9900, True)


def test_fault_33_a_day_without_trade_has_no_bill(table: Table) -> None:  # noqa: F811
    day = today(table)
    table.control("POST", "clock", {"advance_s": 2 * DAY_S})
    assert table.gateway.trade_bill(mchid=MCHID, on=day) is None
    assert table.gateway.fund_bill(mchid=MCHID, on=day) is None


@pytest.mark.parametrize("harmless", ["columns-reordered", "column-added", "no-bom"])
def test_a_bill_that_only_looks_different_is_read(table: Table, harmless: str) -> None:  # noqa: F811
    day = today(table)
    paid(table)
    table.control("POST", "clock", {"advance_s": 2 * DAY_S})
    for kind in ("trade", "fund"):
        table.control("POST", "bills", {"kind": kind, "damage": harmless})
    bill, funds = table.gateway.trade_bill(mchid=MCHID, on=day), table.gateway.fund_bill(mchid=MCHID, on=day)
    assert bill is not None
    assert funds is not None
    assert (bill.total_fen, funds.income_fen) == (9900, 9900)


@pytest.mark.parametrize(
    "damage",
    ["wrong-hash", "truncated", "cut-gzip", "not-gzip", "empty", "column-missing", "wrong-sums", "no-sums"],
)
def test_fault_34_a_damaged_bill_is_fetched_again(table: Table, damage: str) -> None:  # noqa: F811
    day = today(table)
    paid(table)
    table.control("POST", "clock", {"advance_s": 2 * DAY_S})
    table.control("POST", "bills", {"damage": damage})
    bill = table.gateway.trade_bill(mchid=MCHID, on=day)
    assert bill is not None
    assert bill.total_fen == 9900
    table.control("POST", "bills", {"damage": damage, "times": 3})
    with pytest.raises(BillNotReady):
        table.gateway.trade_bill(mchid=MCHID, on=day)


# ---------------------------------------------------------------------------------------------------- mini
@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("愿树长青", Suggestion.PASS), ("存疑", Suggestion.REVIEW), ("违规", Suggestion.RISKY)],
)
def test_a_text_is_judged(table: Table, text: str, suggestion: Suggestion) -> None:  # noqa: F811
    user = table.control("POST", "users", {})
    table.mini.login(user["code"])
    verdict = table.mini.check_text(text, openid=user["openid"], scene=TextScene.COMMENT, nickname="树友")
    assert verdict.suggestion is suggestion
    assert verdict.trace_id


def test_fault_42_somebody_who_has_not_been_here_for_two_hours_is_not_judged(table: Table) -> None:  # noqa: F811
    user = table.control("POST", "users", {})
    table.mini.login(user["code"])
    table.control("POST", "clock", {"advance_s": 7201})
    with pytest.raises(WxUnavailable):
        table.mini.check_text("愿树长青", openid=user["openid"], scene=TextScene.COMMENT)


def test_a_picture_is_handed_in(table: Table) -> None:  # noqa: F811
    user = table.control("POST", "users", {})
    table.mini.login(user["code"])
    table.control("POST", "media-rules", {"lost": True})
    url = "http://127.0.0.1:9/avatar.png"
    trace_id = table.mini.submit_image(url, openid=user["openid"], scene=TextScene.PROFILE)
    (check,) = table.control("GET", "media-checks")["checks"]
    assert check["trace_id"] == trace_id


def test_fault_46_a_code_is_drawn_for_a_published_page_only(table: Table) -> None:  # noqa: F811
    table.control("POST", "pages", {"pages": [PAGE]})
    picture = Image.open(BytesIO(table.mini.mini_code(scene="t=1", page=PAGE, width_px=430)))
    assert picture.width == 430
    with pytest.raises(PageUnpublished):
        table.mini.mini_code(scene="t=1", page="pages/nowhere/index", width_px=430)


def test_an_error_disguised_as_a_picture_is_an_error(table: Table) -> None:  # noqa: F811
    table.control("POST", "codes/disguise", {"errcode": 45009})
    with pytest.raises(WxRateLimited):
        table.mini.mini_code(scene="t=1", page=PAGE, width_px=430)


def test_a_message_needs_a_consent_and_leaves_in_its_form(table: Table) -> None:  # noqa: F811
    user = table.control("POST", "users", {})
    fields = ["thing1", "amount2", "date3", "phrase4", "character_string5", "name6"]
    table.control("POST", "templates", {"template_id": "T1", "title": "认种成功", "fields": fields})
    table.control("POST", "consents", {"openid": user["openid"], "template_id": "T1"})
    values = [
        "认种油茶树苗三棵，地点在揭西县金和镇山湖村基地",
        "99.00元",
        "2026-03-12T04:00:00+00:00",
        "已种植!",
        "RZ-1",
        "张*",
    ]

    def send() -> Delivery:
        said = dict(zip(fields, values, strict=True))
        return table.mini.send_message(openid=user["openid"], template_id="T1", fields=said, page="")

    assert [send(), send()] == [Delivery.SENT, Delivery.REFUSED]
    (sent,) = table.control("GET", "messages")["messages"]
    assert list(sent["fields"].values()) == [
        "认种油茶树苗三棵，地点在揭西县金和镇山…",
        "99.00元",
        "2026年3月12日 12:00",
        "已种植",
        "RZ-1",
        "张某",
    ]
    assert table.mini.send_message(openid=user["openid"], template_id="T2", fields={"thing1": "x"}, page="") is (
        Delivery.INVALID
    )


def test_shipping_is_reported_once_and_again_without_harm(table: Table) -> None:  # noqa: F811
    _, transaction_id, openid = paid(table)
    assert table.mini.is_trade_managed()
    shipment = Shipment(transaction_id, openid, "认种 3 棵", datetime.now(UTC))
    table.control("POST", "shipping", {"known_after_s": 60})
    with pytest.raises(ShippingTooEarly):
        table.mini.report_shipping(shipment)
    assert table.mini.shipping_state(transaction_id=transaction_id) is ShippingState.UNKNOWN
    table.control("POST", "shipping", {"known_after_s": 0})
    assert table.mini.shipping_state(transaction_id=transaction_id) is ShippingState.WAITING
    for _ in range(2):
        table.mini.report_shipping(shipment)
    assert table.mini.shipping_state(transaction_id=transaction_id) is ShippingState.SHIPPED
    table.control("POST", "shipping/confirm", {"transaction_id": transaction_id})
    assert table.mini.shipping_state(transaction_id=transaction_id) in {
        ShippingState.CONFIRMED,
        ShippingState.SETTLED,
    }
    table.mini.report_shipping(shipment)


# -------------------------------------------------------------------------------------------------- platform
def test_fault_36_a_secret_that_was_reset_is_asked_with_once(table: Table) -> None:  # noqa: F811
    table.control("POST", "app", {"secret": "another secret of thirty-two chars"})
    before = table.control("GET", "hits").get("/cgi-bin/stable_token", 0)
    for _ in range(5):
        with pytest.raises(WxMisconfigured):
            table.mini.is_trade_managed()
    assert table.control("GET", "hits")["/cgi-bin/stable_token"] - before == 1


@pytest.mark.parametrize("skew_s", [-400, 0, 400])
def test_fault_50_the_skew_of_our_clock_is_read_from_the_answers(table: Table, skew_s: int) -> None:  # noqa: F811
    table.control("POST", "clock", {"skew_s": skew_s})
    if skew_s:
        with pytest.raises(WxMisconfigured):
            table.gateway.prepay(table.new_order())
    else:
        table.gateway.prepay(table.new_order())
    read = table.gateway.clock_skew_s()
    assert read is not None
    assert abs(read + skew_s) < 3


def test_fault_49_a_host_out_of_reach_is_left_for_the_second(
    table: Table,  # noqa: F811
    running: tuple[RunningSimulator, Mailbox],  # noqa: F811
    state: Path,  # noqa: F811
) -> None:
    """As production is built, with another pair of hosts."""
    world, origin = table.simulator.world, running[0].origin
    gateway = live_gateway(
        appid=world.app.appid,
        merchants_file=write_settings(state, world, origin=origin).merchants_file,
        base_url="http://127.0.0.1:9",
        backup_url=origin,
    )
    assert gateway.query(mchid=MCHID, out_trade_no="P260312ABCDEFGHJK01") is None
    gateway.disconnect()
