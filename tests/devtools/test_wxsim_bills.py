"""Bills of api.mch.weixin.qq.com: applied for and downloaded by the unmodified wechatpayv3, right and damaged."""

import gzip
import hashlib
import json
from datetime import date, datetime, timedelta

import pytest

from wxbackend.devtools.wxsim import SimClock, Simulator
from wxbackend.devtools.wxsim.clock import CHINA

NUMBER = "P261121ABCDEFGHJK01"
SECOND = "P261121ABCDEFGHJK02"
REFUND = "R261121ABCDEFGHJK01"
TOTAL = 29700
HOUR, DAY = 3600, 86400
BEFORE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
REFUND_PART = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
AFTER = "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
ALL = f"{BEFORE},{REFUND_PART},{AFTER}"
SUM_NAMES = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)


@pytest.fixture
def simulator(new_world, wall, mailbox):
    """Its business day begins at 10:00 in China on a fixed day; signatures stay honest."""
    simulator = Simulator(new_world(SimClock()), post=mailbox)
    now = datetime.fromtimestamp(simulator.world.clock.now(), CHINA)
    tomorrow_ten = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), CHINA) + timedelta(hours=10)
    simulator.world.clock.advance((tomorrow_ten - now).total_seconds())
    return simulator


@pytest.fixture
def today(simulator) -> date:
    return datetime.fromtimestamp(simulator.world.clock.now(), CHINA).date()


@pytest.fixture
def pay(place, simulator):
    def act(number=NUMBER, *, total=TOTAL, description="认种 三棵, 荔枝", **more):
        place(out_trade_no=number, description=description, amount={"total": total, "currency": "CNY"})
        return simulator.control("POST", "pay", {"out_trade_no": number, **more})["transaction"]

    return act


@pytest.fixture
def refund(pay_sdk):
    def ask(number=REFUND, fen=100, *, order=NUMBER, total=TOTAL):
        amount = {"refund": fen, "total": total, "currency": "CNY"}
        status, text = pay_sdk.refund(number, amount, out_trade_no=order)
        assert status == 200, text
        return json.loads(text)

    return ask


@pytest.fixture
def fetch(pay_sdk):
    """Apply, download, compare the hash, unpack: the text and its lines by column."""

    def act(day, kind="trade_bill", *, check=True, **query):
        status, text = getattr(pay_sdk, kind)(day.isoformat(), **query)
        assert status == 200, text
        applied = json.loads(text)
        status, content = pay_sdk.download_bill(applied["download_url"])
        assert status == 200
        plain = content if query.get("tar_type") == "" else gzip.decompress(content)
        if check:
            assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == applied["hash_value"]
        return plain.decode()

    return act


def advance(simulator, seconds):
    simulator.control("POST", "clock", {"advance_s": seconds})


def table(text):
    """Rows and sums of a bill, read as the documentation says: split on comma and back-tick."""
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert lines.pop() == ""
    columns, sums = lines[0].split(","), lines[-2].split(",")
    rows = [dict(zip(columns, line.removeprefix("`").split(",`"), strict=True)) for line in lines[1:-2]]
    return rows, dict(zip(sums, lines[-1].removeprefix("`").split(",`"), strict=True))


def sums_of(values):
    return dict(zip(SUM_NAMES.split(","), values, strict=True))


def refusal(sdk, day, kind="trade_bill", **query):
    status, text = getattr(sdk, kind)(day if isinstance(day, str) else day.isoformat(), **query)
    return status, json.loads(text)["code"]


def order_damage(simulator, **order):
    simulator.control("POST", "bills", order)


def test_the_bill_of_a_day_has_bom_back_ticks_and_two_sum_lines(pay, fetch, simulator, today, openid, merchant):
    paid = pay(coupon_fen=700)
    advance(simulator, DAY)
    text = fetch(today)
    assert text.startswith("\ufeff交易时间,公众账号ID,")
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert (len(lines), lines[0], lines[2]) == (5, ALL, SUM_NAMES)
    assert all(field.startswith("`") for field in lines[1].replace(", ", "， ").split(","))
    at = datetime.fromisoformat(paid["success_time"]).strftime("%Y-%m-%d %H:%M:%S")
    assert lines[1] == (
        f"`{at},`{simulator.world.app.appid},`{merchant.mchid},`0,`,`{paid['transaction_id']},`{NUMBER},`{openid},`JSAPI,"
        "`SUCCESS,`OTHERS,`CNY,`297.00,`7.00,`0,`0,`0.00,`0.00,`,`,`认种 三棵, 荔枝,`,`0.00000,`0.00%,`297.00,`0.00,`"
    )
    assert lines[3:] == ["`1,`297.00,`0.00,`0.00,`0.00000,`297.00,`0.00", ""]


def test_a_refund_appears_on_the_day_it_was_accepted(pay, refund, fetch, simulator, today):
    pay()
    advance(simulator, DAY)
    refund()
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


def test_a_bill_once_made_does_not_follow_what_becomes_of_a_refund(pay, refund, fetch, simulator, today):
    simulator.control("POST", "refunds/plans", {"delay_s": 2 * DAY})
    pay()
    refund()
    advance(simulator, DAY)
    assert table(fetch(today))[0][1]["退款状态"] == "PROCESSING"
    advance(simulator, 2 * DAY)
    assert table(fetch(today))[0][1]["退款状态"] == "PROCESSING"


@pytest.mark.parametrize(("end", "word"), [("CLOSED", "FAIL"), ("ABNORMAL", "CHANGE")])
def test_a_bill_has_its_own_words_for_how_a_refund_ended(pay, refund, fetch, simulator, today, end, word):
    simulator.control("POST", "refunds/plans", {"end": end})
    pay()
    refund()
    advance(simulator, DAY)
    assert table(fetch(today))[0][1]["退款状态"] == word


def test_bills_of_payments_and_of_refunds_have_their_own_columns(pay, refund, fetch, simulator, today):
    pay()
    refund()
    advance(simulator, DAY)
    [payment], _ = table(fetch(today, bill_type="SUCCESS"))
    [returned], _ = table(fetch(today, bill_type="REFUND"))
    assert not {"微信退款单号", "退款金额", "申请退款金额"} & payment.keys()
    assert list(payment)[-6:] == ["商品名称", "商户数据包", "手续费", "费率", "订单金额", "费率备注"]
    assert list(returned)[13:17] == ["代金券金额", "退款申请时间", "退款成功时间", "微信退款单号"]
    assert len(table(fetch(today))[0]) == 2


def test_fees_are_written_to_five_decimals_and_come_back_negative(pay, refund, fetch, simulator, today, merchant):
    simulator.control("POST", f"merchants/{merchant.mchid}/account", {"fee_bp": 60})
    pay()
    refund(fen=TOTAL // 2)
    advance(simulator, DAY)
    rows, sums = table(fetch(today))
    assert [row["手续费"] for row in rows] == ["1.78000", "-0.89000"]
    assert ({row["费率"] for row in rows}, sums["手续费总金额"]) == ({"0.60%"}, "0.89000")


def test_sums_add_up_over_a_day_of_many(pay, refund, fetch, simulator, today):
    for number in range(10):
        pay(f"P26112100{number:02d}", total=1001)
    refund("R1", 501, order="P2611210003", total=1001)
    advance(simulator, DAY)
    rows, sums = table(fetch(today))
    assert len({row["微信订单号"] for row in rows}) == 10
    assert sums == sums_of(["11", "100.10", "5.01", "0.00", "0.00000", "100.10", "5.01"])


def test_the_fund_bill_tells_every_movement_and_what_was_left(pay, refund, fetch, simulator, today, merchant):
    account = f"merchants/{merchant.mchid}/account"
    simulator.control("POST", account, {"fee_bp": 60})
    paid = pay()
    returned = refund(fen=TOTAL // 2)
    simulator.control("POST", account, {"withdraw_fen": 10_000})
    advance(simulator, DAY)
    text = fetch(today, "fundflow_bill")
    rows, sums = table(text)
    assert ",".join(rows[0]) == FUND
    assert [
        (row["业务名称"], row["业务类型"], row["收支类型"], row["收支金额(元)"], row["账户结余(元)"]) for row in rows
    ] == [
        ("交易", "交易", "收入", "297.00", "297.00"),
        ("交易", "扣除交易手续费", "支出", "1.78", "295.22"),
        ("退款", "退款", "支出", "147.61", "147.61"),
        ("提现", "提现", "支出", "100.00", "47.61"),
    ]
    assert [row["业务凭证号"] for row in rows[:3]] == [NUMBER, NUMBER, REFUND]
    assert (rows[0]["微信支付业务单号"], rows[2]["微信支付业务单号"]) == (paid["transaction_id"], returned["refund_id"])
    assert rows[2]["备注"] == "退款总金额148.50元;含手续费0.89元"
    assert list(sums.items()) == [
        ("资金流水总笔数", "4"),
        ("收入笔数", "1"),
        ("收入金额", "297.00"),
        ("支出笔数", "3"),
        ("支出金额", "249.39"),
    ]


def test_a_closed_refund_comes_back_in_the_fund_bill(pay, refund, fetch, simulator, today):
    simulator.control("POST", "refunds/plans", {"end": "CLOSED"})
    pay()
    refund()
    advance(simulator, DAY)
    rows, _ = table(fetch(today, "fundflow_bill"))
    assert [row["业务类型"] for row in rows] == ["交易", "退款", "退款失败退回"]
    assert (rows[2]["收支类型"], rows[2]["账户结余(元)"]) == ("收入", "297.00")


def test_a_bill_is_ready_at_nine_the_next_morning(pay, pay_sdk, simulator, today):
    pay()
    assert refusal(pay_sdk, today) == (400, "STATEMENT_CREATING")
    advance(simulator, 22 * HOUR + 59 * 60)
    assert refusal(pay_sdk, today) == (400, "STATEMENT_CREATING")
    assert refusal(pay_sdk, today, "fundflow_bill") == (400, "STATEMENT_CREATING")
    advance(simulator, 120)
    assert pay_sdk.trade_bill(today.isoformat())[0] == 200


def test_a_day_without_trade_has_no_statement(pay, pay_sdk, simulator, today):
    pay()
    advance(simulator, 2 * DAY)
    idle = today + timedelta(days=1)
    assert refusal(pay_sdk, idle) == (400, "NO_STATEMENT_EXIST")
    assert refusal(pay_sdk, idle, "fundflow_bill") == (400, "NO_STATEMENT_EXIST")
    assert refusal(pay_sdk, today, bill_type="REFUND") == (400, "NO_STATEMENT_EXIST")
    for account in ("OPERATION", "FEES"):
        assert refusal(pay_sdk, today, "fundflow_bill", account_type=account) == (400, "NO_STATEMENT_EXIST")


def test_days_to_come_and_days_beyond_three_months_are_refused(pay, pay_sdk, simulator, today):
    pay()
    assert refusal(pay_sdk, today + timedelta(days=1)) == (400, "INVALID_REQUEST")
    advance(simulator, 89 * DAY)
    assert pay_sdk.trade_bill(today.isoformat())[0] == 200
    advance(simulator, 5 * DAY)
    assert refusal(pay_sdk, today) == (400, "INVALID_REQUEST")


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
    assert refusal(pay_sdk, today if day is None else day, **query) == (400, "PARAM_ERROR")


def test_an_unknown_account_type_is_refused(pay_sdk, today):
    assert refusal(pay_sdk, today, "fundflow_bill", account_type="SAVINGS") == (400, "PARAM_ERROR")


def test_each_merchant_sees_its_own_bill_only(pay, place, pay_sdk, other_pay_sdk, simulator, today, merchant, fetch):
    pay()
    place(sdk=other_pay_sdk, out_trade_no=SECOND, amount={"total": 100, "currency": "CNY"})
    simulator.control("POST", "pay", {"out_trade_no": SECOND})
    advance(simulator, DAY)
    assert {row["商户号"] for row in table(fetch(today))[0]} == {merchant.mchid}
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    assert json.loads(other_pay_sdk.download_bill(url)[1])["code"] == "NO_AUTH"


def test_a_download_address_lives_five_minutes(pay, pay_sdk, simulator, today):
    pay()
    advance(simulator, DAY)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    advance(simulator, 299)
    assert pay_sdk.download_bill(url)[0] == 200
    assert pay_sdk.download_bill(url)[0] == 200
    advance(simulator, 2)
    status, text = pay_sdk.download_bill(url)
    assert (status, json.loads(text)["code"]) == (400, "INVALID_REQUEST")


def test_the_download_is_asked_for_signed_and_answered_unsigned(pay, pay_sdk, simulator, today, http):
    pay()
    advance(simulator, DAY)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    stranger = http.get(url)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "SIGN_ERROR")
    with pytest.raises(Exception, match="does not support this algorithm"):
        pay_sdk._core.request(url.removeprefix(pay_sdk._core._gate_way))  # it looks for a signature: there is none
    assert pay_sdk.download_bill(url)[0] == 200


def test_without_tar_type_the_file_comes_plain(pay, pay_sdk, simulator, today, merchant):
    pay()
    advance(simulator, DAY)
    status, text = pay_sdk._core.request(f"/v3/bill/tradebill?bill_date={today}")
    applied = json.loads(text)
    content = pay_sdk.download_bill(applied["download_url"])[1]
    assert status == 200
    assert content.startswith("\ufeff交易时间".encode())
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == applied["hash_value"]


def test_a_foreign_row_a_missing_row_and_a_wrong_amount_come_with_a_right_hash(pay, refund, fetch, simulator, today):
    pay()
    pay(SECOND, total=500)
    refund()
    advance(simulator, DAY)
    order_damage(
        simulator,
        foreign=[{"out_trade_no": "FOREIGN01", "amount_fen": 4200}],
        drop=[SECOND],
        amounts={NUMBER: 1, REFUND: 99},
    )
    rows, sums = table(fetch(today))
    told = {(row["商户订单号"], row["商户退款单号"]): (row["订单金额"], row["申请退款金额"]) for row in rows}
    assert told == {
        (NUMBER, "0"): ("0.01", "0.00"),
        (NUMBER, REFUND): ("0.00", "0.99"),
        ("FOREIGN01", "0"): ("42.00", "0.00"),
    }
    assert (sums["订单总金额"], sums["申请退款总金额"], sums["总交易单数"]) == ("42.01", "0.99", "3")
    assert len(table(fetch(today))[0]) == 3, "the next bill is right again"
    assert table(fetch(today))[1]["订单总金额"] == "302.00"


def test_the_fund_bill_takes_the_same_orders(pay, fetch, simulator, today):
    pay()
    pay(SECOND, total=500)
    advance(simulator, DAY)
    order_damage(
        simulator,
        kind="fund",
        foreign=[{"out_trade_no": "FOREIGN01", "amount_fen": 4200}],
        drop=[SECOND],
        amounts={NUMBER: 1},
    )
    rows, sums = table(fetch(today, "fundflow_bill"))
    assert [(row["业务凭证号"], row["收支金额(元)"]) for row in rows] == [(NUMBER, "0.01"), ("FOREIGN01", "42.00")]
    assert sums["收入金额"] == "42.01"


def test_a_foreign_row_makes_a_bill_of_an_idle_day(pay_sdk, fetch, simulator, today):
    advance(simulator, DAY)
    order_damage(simulator, foreign=[{"out_trade_no": "FOREIGN01", "amount_fen": 1}], bill_date=today.isoformat())
    assert table(fetch(today))[0][0]["商户订单号"] == "FOREIGN01"
    assert refusal(pay_sdk, today) == (400, "NO_STATEMENT_EXIST")


def test_a_wrong_hash_and_half_a_file_are_told_by_the_hash(pay, pay_sdk, fetch, simulator, today):
    pay()
    pay(SECOND)
    advance(simulator, DAY)
    for damage, whole in (("wrong-hash", True), ("truncated", False)):
        order_damage(simulator, damage=damage)
        with pytest.raises(AssertionError):
            fetch(today)
        order_damage(simulator, damage=damage)
        assert ("总交易单数" in fetch(today, check=False)) is whole


@pytest.mark.parametrize("damage", ["cut-gzip", "not-gzip", "empty"])
def test_what_cannot_be_unpacked(pay, pay_sdk, simulator, today, damage):
    pay()
    advance(simulator, DAY)
    order_damage(simulator, damage=damage)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    content = pay_sdk.download_bill(url)[1]
    if damage == "empty":
        assert content == b""
    else:
        with pytest.raises((EOFError, gzip.BadGzipFile)):
            gzip.decompress(content)


def test_columns_in_another_order_and_a_new_one_keep_every_value(pay, fetch, simulator, today):
    pay()
    advance(simulator, DAY)
    [usual], _ = table(fetch(today))
    order_damage(simulator, damage="columns-reordered")
    order_damage(simulator, damage="column-added")
    order_damage(simulator, damage="column-missing")
    [reordered], _ = table(fetch(today))
    [wider], _ = table(fetch(today))
    [narrower], _ = table(fetch(today))
    assert (reordered, list(reordered)) == (usual, list(reversed(ALL.split(","))))
    assert wider == usual | {"新增字段": "0"}
    assert narrower == {name: value for name, value in usual.items() if name != "订单金额"}


def test_sums_that_contradict_the_rows_and_a_file_without_sums_or_bom(pay, fetch, simulator, today):
    pay()
    advance(simulator, DAY)
    for damage in ("wrong-sums", "no-sums", "no-bom"):
        order_damage(simulator, damage=damage)
    assert table(fetch(today))[1]["订单总金额"] == "0.01"
    assert "总交易单数" not in fetch(today)
    assert fetch(today).startswith("交易时间")


def test_a_plan_waits_for_its_own_merchant_kind_and_day(pay, fetch, simulator, today, other_merchant):
    pay()
    advance(simulator, DAY)
    order_damage(simulator, damage="empty", mchid=other_merchant.mchid)
    order_damage(simulator, damage="empty", kind="fund", times=2)
    order_damage(simulator, damage="empty", bill_date="2026-01-01")
    assert len(table(fetch(today))[0]) == 1
    left = simulator.control("GET", "bills")["plans"]
    assert [plan["times"] for plan in left] == [1, 2, 1]
    assert simulator.control("DELETE", "bills")["plans"] == []
