"""Bills that are wrong in one chosen way: rows, columns, sums, hash, packing."""

import gzip
import json

import pytest

from tests.devtools.paying import (
    ALL_COLUMNS,
    DAY,
    NUMBER,
    REFUND,
    SECOND,
    advance,
    bill_refusal,
    table,
)


def order_damage(simulator, **order):
    simulator.control("POST", "bills", order)


def test_a_foreign_row_a_missing_row_and_a_wrong_amount_come_with_a_right_hash(paid, refund, fetch, simulator, today):
    paid()
    paid(SECOND, total=500)
    refund(fen=100)
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


def test_the_fund_bill_takes_the_same_orders(paid, fetch, simulator, today):
    paid()
    paid(SECOND, total=500)
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
    assert bill_refusal(pay_sdk, today) == (400, "NO_STATEMENT_EXIST")


def test_a_wrong_hash_and_half_a_file_are_told_by_the_hash(paid, pay_sdk, fetch, simulator, today):
    paid()
    paid(SECOND)
    advance(simulator, DAY)
    for damage, whole in (("wrong-hash", True), ("truncated", False)):
        order_damage(simulator, damage=damage)
        with pytest.raises(AssertionError):
            fetch(today)
        order_damage(simulator, damage=damage)
        assert ("总交易单数" in fetch(today, check=False)) is whole


@pytest.mark.parametrize("damage", ["cut-gzip", "not-gzip", "empty"])
def test_what_cannot_be_unpacked(paid, pay_sdk, simulator, today, damage):
    paid()
    advance(simulator, DAY)
    order_damage(simulator, damage=damage)
    url = json.loads(pay_sdk.trade_bill(today.isoformat())[1])["download_url"]
    content = pay_sdk.download_bill(url)[1]
    if damage == "empty":
        assert content == b""
    else:
        with pytest.raises((EOFError, gzip.BadGzipFile)):
            gzip.decompress(content)


def test_columns_in_another_order_and_a_new_one_keep_every_value(paid, fetch, simulator, today):
    paid()
    advance(simulator, DAY)
    [usual], _ = table(fetch(today))
    order_damage(simulator, damage="columns-reordered")
    order_damage(simulator, damage="column-added")
    order_damage(simulator, damage="column-missing")
    [reordered], _ = table(fetch(today))
    [wider], _ = table(fetch(today))
    [narrower], _ = table(fetch(today))
    assert (reordered, list(reordered)) == (usual, list(reversed(ALL_COLUMNS.split(","))))
    assert wider == usual | {"新增字段": "0"}
    assert narrower == {name: value for name, value in usual.items() if name != "订单金额"}


def test_sums_that_contradict_the_rows_and_a_file_without_sums_or_bom(paid, fetch, simulator, today):
    paid()
    advance(simulator, DAY)
    for damage in ("wrong-sums", "no-sums", "no-bom"):
        order_damage(simulator, damage=damage)
    assert table(fetch(today))[1]["订单总金额"] == "0.01"
    assert "总交易单数" not in fetch(today)
    assert fetch(today).startswith("交易时间")


def test_a_plan_waits_for_its_own_merchant_kind_and_day(paid, fetch, simulator, today, other_merchant):
    paid()
    advance(simulator, DAY)
    order_damage(simulator, damage="empty", mchid=other_merchant.mchid)
    order_damage(simulator, damage="empty", kind="fund", times=2)
    order_damage(simulator, damage="empty", bill_date="2026-01-01")
    assert len(table(fetch(today))[0]) == 1
    left = simulator.control("GET", "bills")["plans"]
    assert [plan["times"] for plan in left] == [1, 2, 1]
    assert simulator.control("DELETE", "bills")["plans"] == []
