"""Bills of api.mch.weixin.qq.com as they are on a good day, fetched by the unmodified wechatpayv3."""

import hashlib
import json
from datetime import datetime, timedelta

import pytest

from tests.devtools.paying import (
    ALL_COLUMNS,
    DAY,
    FUND_COLUMNS,
    HOUR,
    NUMBER,
    REFUND,
    SECOND,
    SUM_NAMES,
    TOTAL,
    advance,
    bill_refusal,
    sums_of,
    table,
)


def test_the_bill_of_a_day_has_bom_back_ticks_and_two_sum_lines(paid, fetch, simulator, today, openid, merchant):
    transaction = paid(coupon_fen=700, description="认种 三棵, 荔枝")
    advance(simulator, DAY)
    text = fetch(today)
    assert text.startswith("\ufeff交易时间,公众账号ID,")
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert (len(lines), lines[0], lines[2]) == (5, ALL_COLUMNS, SUM_NAMES)
    assert all(field.startswith("`") for field in lines[1].replace(", ", "， ").split(","))
    at = datetime.fromisoformat(transaction["success_time"]).strftime("%Y-%m-%d %H:%M:%S")
    assert lines[1] == (
        f"`{at},`{simulator.world.app.appid},`{merchant.mchid},`0,`,`{transaction['transaction_id']},`{NUMBER},`{openid},`JSAPI,"
        "`SUCCESS,`OTHERS,`CNY,`297.00,`7.00,`0,`0,`0.00,`0.00,`,`,`认种 三棵, 荔枝,`,`0.00000,`0.00%,`297.00,`0.00,`"
    )
    assert lines[3:] == ["`1,`297.00,`0.00,`0.00,`0.00000,`297.00,`0.00", ""]


def test_a_refund_appears_on_the_day_it_was_accepted(paid, refund, fetch, simulator, today):
    paid()
    advance(simulator, DAY)
    refund(fen=100)
    simulator.control("POST", "refunds/plans", {"end": "ABNORMAL", "times": 9})
    advance(simulator, DAY)
    first, _ = table(fetch(today))
    [row], sums = table(fetch(today + timedelta(days=1)))
    assert [line["交易状态"] for line in first] == ["SUCCESS"]
    assert (row["交易状态"], row["商户订单号"], row["商户退款单号"]) == ("REFUND", NUMBER, REFUND)
    assert (row["退款金额"], row["申请退款金额"], row["订单金额"], row["退款状态"]) == (
        "1.00",
        "1.00",
        "0.00",
        "SUCCESS",
    )
    assert row["交易时间"].startswith((today + timedelta(days=1)).isoformat())
    assert sums == sums_of(["1", "0.00", "1.00", "0.00", "0.00000", "0.00", "1.00"])


def test_a_bill_once_made_does_not_follow_what_becomes_of_a_refund(paid, refund, fetch, simulator, today):
    simulator.control("POST", "refunds/plans", {"delay_s": 2 * DAY})
    paid()
    refund(fen=100)
    advance(simulator, DAY)
    assert table(fetch(today))[0][1]["退款状态"] == "PROCESSING"
    advance(simulator, 2 * DAY)
    assert table(fetch(today))[0][1]["退款状态"] == "PROCESSING"


@pytest.mark.parametrize(("end", "word"), [("CLOSED", "FAIL"), ("ABNORMAL", "CHANGE")])
def test_a_bill_has_its_own_words_for_how_a_refund_ended(paid, refund, fetch, simulator, today, end, word):
    simulator.control("POST", "refunds/plans", {"end": end})
    paid()
    refund(fen=100)
    advance(simulator, DAY)
    assert table(fetch(today))[0][1]["退款状态"] == word


def test_bills_of_payments_and_of_refunds_have_their_own_columns(paid, refund, fetch, simulator, today):
    paid()
    refund(fen=100)
    advance(simulator, DAY)
    [payment], _ = table(fetch(today, bill_type="SUCCESS"))
    [returned], _ = table(fetch(today, bill_type="REFUND"))
    assert not {"微信退款单号", "退款金额", "申请退款金额"} & payment.keys()
    assert list(payment)[-6:] == ["商品名称", "商户数据包", "手续费", "费率", "订单金额", "费率备注"]
    assert list(returned)[13:17] == ["代金券金额", "退款申请时间", "退款成功时间", "微信退款单号"]
    assert len(table(fetch(today))[0]) == 2


def test_fees_are_written_to_five_decimals_and_come_back_negative(paid, refund, fetch, simulator, today, merchant):
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"fee_bp": 60})
    paid()
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"fee_bp": 38})
    refund(fen=TOTAL // 2)
    advance(simulator, DAY)
    rows, sums = table(fetch(today))
    assert [row["手续费"] for row in rows] == ["1.78000", "-0.89000"]
    assert ({row["费率"] for row in rows}, sums["手续费总金额"]) == ({"0.60%"}, "0.89000")


def test_sums_add_up_over_a_day_of_many(paid, refund, fetch, simulator, today):
    for number in range(10):
        paid(f"P26112100{number:02d}", total=1001)
    refund("R1", 501, out_trade_no="P2611210003", total=1001)
    advance(simulator, DAY)
    rows, sums = table(fetch(today))
    assert len({row["微信订单号"] for row in rows}) == 10
    assert sums == sums_of(["11", "100.10", "5.01", "0.00", "0.00000", "100.10", "5.01"])


def test_the_fund_bill_tells_every_movement_and_what_was_left(paid, refund, fetch, simulator, today, merchant):
    account = f"merchants/{merchant.mchid}/account"
    simulator.control("POST", account, {"fee_bp": 60})
    transaction = paid()
    returned = refund(fen=TOTAL // 2)[1]
    simulator.control("POST", account, {"withdraw_fen": 10_000})
    advance(simulator, DAY)
    text = fetch(today, "fundflow_bill")
    rows, sums = table(text)
    assert ",".join(rows[0]) == FUND_COLUMNS
    assert [
        (row["业务名称"], row["业务类型"], row["收支类型"], row["收支金额(元)"], row["账户结余(元)"]) for row in rows
    ] == [
        ("交易", "交易", "收入", "297.00", "297.00"),
        ("交易", "扣除交易手续费", "支出", "1.78", "295.22"),
        ("退款", "退款", "支出", "147.61", "147.61"),
        ("提现", "提现", "支出", "100.00", "47.61"),
    ]
    assert [row["业务凭证号"] for row in rows[:3]] == [NUMBER, NUMBER, REFUND]
    assert rows[0]["微信支付业务单号"] == transaction["transaction_id"]
    assert rows[2]["微信支付业务单号"] == returned["refund_id"]
    assert rows[2]["备注"] == "退款总金额148.50元;含手续费0.89元"
    assert list(sums.items()) == [
        ("资金流水总笔数", "4"),
        ("收入笔数", "1"),
        ("收入金额", "297.00"),
        ("支出笔数", "3"),
        ("支出金额", "249.39"),
    ]


def test_a_closed_refund_comes_back_in_the_fund_bill(paid, refund, fetch, simulator, today):
    simulator.control("POST", "refunds/plans", {"end": "CLOSED"})
    paid()
    refund(fen=100)
    advance(simulator, DAY)
    rows, _ = table(fetch(today, "fundflow_bill"))
    assert [row["业务类型"] for row in rows] == ["交易", "退款", "退款失败退回"]
    assert (rows[2]["收支类型"], rows[2]["账户结余(元)"]) == ("收入", "297.00")


def test_a_bill_is_ready_at_nine_the_next_morning(paid, pay_sdk, simulator, today):
    paid()
    assert bill_refusal(pay_sdk, today) == (400, "STATEMENT_CREATING")
    advance(simulator, 22 * HOUR + 59 * 60)
    assert bill_refusal(pay_sdk, today) == (400, "STATEMENT_CREATING")
    assert bill_refusal(pay_sdk, today, "fundflow_bill") == (400, "STATEMENT_CREATING")
    advance(simulator, 120)
    assert pay_sdk.trade_bill(today.isoformat())[0] == 200


def test_a_day_without_trade_has_no_statement(paid, pay_sdk, simulator, today):
    paid()
    advance(simulator, 2 * DAY)
    idle = today + timedelta(days=1)
    assert bill_refusal(pay_sdk, idle) == (400, "NO_STATEMENT_EXIST")
    assert bill_refusal(pay_sdk, idle, "fundflow_bill") == (400, "NO_STATEMENT_EXIST")
    assert bill_refusal(pay_sdk, today, bill_type="REFUND") == (400, "NO_STATEMENT_EXIST")
    for account in ("OPERATION", "FEES"):
        assert bill_refusal(pay_sdk, today, "fundflow_bill", account_type=account) == (400, "NO_STATEMENT_EXIST")


def test_days_to_come_and_days_beyond_three_months_are_refused(paid, pay_sdk, simulator, today):
    paid()
    assert bill_refusal(pay_sdk, today + timedelta(days=1)) == (400, "INVALID_REQUEST")
    advance(simulator, 89 * DAY)
    assert pay_sdk.trade_bill(today.isoformat())[0] == 200
    advance(simulator, 5 * DAY)
    assert bill_refusal(pay_sdk, today) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("day", "query"),
    [
        ("2026-13-01", {}),
        ("20261121", {}),
        ("", {}),
        (None, {"bill_type": "RECHARGE"}),
        (None, {"tar_type": "ZIP"}),
    ],
)
def test_a_wrong_parameter_of_a_bill_is_refused(pay_sdk, today, day, query):
    assert bill_refusal(pay_sdk, today if day is None else day, **query) == (400, "PARAM_ERROR")


def test_an_unknown_account_type_is_refused(pay_sdk, today):
    assert bill_refusal(pay_sdk, today, "fundflow_bill", account_type="SAVINGS") == (400, "PARAM_ERROR")


def test_each_merchant_sees_its_own_bill_only(paid, refund, other_pay_sdk, simulator, today, merchant, fetch):
    paid()
    paid(SECOND, sdk=other_pay_sdk, total=100)
    assert refund("R-other", 50, sdk=other_pay_sdk, out_trade_no=SECOND, total=100)[0] == 200
    advance(simulator, DAY)
    assert {row["商户号"] for row in table(fetch(today))[0]} == {merchant.mchid}


def test_one_merchants_address_is_none_for_another(paid, pay_sdk, other_pay_sdk, simulator, today):
    paid()
    advance(simulator, DAY)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    status, text = other_pay_sdk.download_bill(url)
    assert (status, json.loads(text)["code"]) == (403, "NO_AUTH")


def test_a_download_address_lives_five_minutes(paid, pay_sdk, simulator, today):
    paid()
    advance(simulator, DAY)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    advance(simulator, 299)
    assert pay_sdk.download_bill(url)[0] == 200
    assert pay_sdk.download_bill(url)[0] == 200
    advance(simulator, 2)
    status, text = pay_sdk.download_bill(url)
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST")


def test_the_download_is_asked_for_signed_and_answered_unsigned(paid, pay_sdk, simulator, today, http):
    paid()
    advance(simulator, DAY)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    stranger = http.get(url)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "SIGN_ERROR")
    with pytest.raises(Exception, match="does not support this algorithm"):
        pay_sdk._core.request(url.removeprefix(pay_sdk._core._gate_way))  # it looks for a signature: there is none
    assert pay_sdk.download_bill(url)[0] == 200


def test_without_tar_type_the_file_comes_plain(paid, pay_sdk, simulator, today, merchant):
    paid()
    advance(simulator, DAY)
    status, text = pay_sdk._core.request(f"/v3/bill/tradebill?bill_date={today}")
    applied = json.loads(text)
    content = pay_sdk.download_bill(applied["download_url"])[1]
    assert status == 200
    assert content.startswith("\ufeff交易时间".encode())
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == applied["hash_value"]
