"""Bill files into our own words: any order of columns, every fen, and no sum believed without its lines."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wechat.paper import APPID, MCHID, NOON
from wxbackend.core.wxpay import FundLine, TradeLine
from wxbackend.wechat.bills import DamagedBill, fen_of, read_fund_bill, read_trade_bill

TRADE_COLUMNS = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "订单金额",
    "申请退款金额",
    "费率备注",
]
TRADE_SUMS = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
]
FUND_COLUMNS = [
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "资金变更提交申请人",
    "备注",
    "业务凭证号",
]
FUND_SUMS = ["资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"]
Row = dict[str, str]


def yuan(fen: int) -> str:
    """As text alone, without a number that could round."""
    sign, digits = "-" if fen < 0 else "", f"{abs(fen):03d}"
    return f"{sign}{digits[:-2]}.{digits[-2:]}"


def paid_row(**changes: str) -> Row:
    return dict.fromkeys(TRADE_COLUMNS, "") | {
        "交易时间": "2026-03-12 12:00:00",
        "公众账号ID": APPID,
        "商户号": MCHID,
        "特约商户号": "0",
        "微信订单号": "4200000000202603120000000001",
        "商户订单号": "P260312ABCDEFGHJK01",
        "用户标识": "o-resident",
        "交易状态": "SUCCESS",
        "货币种类": "CNY",
        "应结订单金额": "99.00",
        "代金券金额": "0.00",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "商品名称": "认种 3 棵, 揭西县",
        "手续费": "0.59000",
        "费率": "0.60%",
        "订单金额": "99.00",
        "申请退款金额": "0.00",
        **changes,
    }


def refund_row(**changes: str) -> Row:
    return paid_row(
        **{
            "交易状态": "REFUND",
            "应结订单金额": "0.00",
            "订单金额": "0.00",
            "微信退款单号": "50300000002026031200000000001",
            "商户退款单号": "R260312ABCDEFGHJK01",
            "退款金额": "33.00",
            "申请退款金额": "33.00",
            "退款状态": "SUCCESS",
            "手续费": "-0.20",
            **changes,
        }
    )


def fund_row(**changes: str) -> Row:
    return dict.fromkeys(FUND_COLUMNS, "") | {
        "记账时间": "2026-03-12 12:00:00",
        "微信支付业务单号": "4200000000202603120000000001",
        "资金流水单号": "1000000001",
        "业务名称": "交易",
        "业务类型": "交易",
        "收支类型": "收入",
        "收支金额(元)": "99.00",
        "账户结余(元)": "1099.00",
        "资金变更提交申请人": "system",
        "业务凭证号": "P260312ABCDEFGHJK01",
        **changes,
    }


def total(rows: Sequence[Row], column: str) -> str:
    return yuan(sum(fen_of(row[column]) for row in rows))


def trade_sums(rows: Sequence[Row]) -> Row:
    return {
        "总交易单数": str(len(rows)),
        "应结订单总金额": total(rows, "应结订单金额"),
        "退款总金额": total(rows, "退款金额"),
        "充值券退款总金额": "0.00",
        "手续费总金额": total(rows, "手续费"),
        "订单总金额": total(rows, "订单金额"),
        "申请退款总金额": total(rows, "申请退款金额"),
    }


def fund_sums(rows: Sequence[Row]) -> Row:
    income = [row for row in rows if row["收支类型"] == "收入"]
    expense = [row for row in rows if row["收支类型"] == "支出"]
    return {
        "资金流水总笔数": str(len(rows)),
        "收入笔数": str(len(income)),
        "收入金额": total(income, "收支金额(元)"),
        "支出笔数": str(len(expense)),
        "支出金额": total(expense, "收支金额(元)"),
    }


def line(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def file_of(
    columns: Sequence[str], rows: Sequence[Row], sums: Row, *, end: str = "\r\n", mark: str = "\ufeff"
) -> bytes:
    lines = [",".join(columns), *(line([row.get(name, "") for name in columns]) for row in rows)]
    lines += [",".join(sums), line(list(sums.values()))]
    return (mark + end.join(lines) + end).encode()


def trade_file(*rows: Row, **sums: str) -> bytes:
    return file_of(TRADE_COLUMNS, rows, trade_sums(rows) | sums)


def fund_file(*rows: Row, **sums: str) -> bytes:
    return file_of(FUND_COLUMNS, rows, fund_sums(rows) | sums)


def test_a_payment_and_a_refund_are_read_in_fen() -> None:
    file = trade_file(paid_row(), refund_row())
    bill = read_trade_bill(file, mchid=MCHID)
    paid = TradeLine(
        at=NOON,
        mchid=MCHID,
        appid=APPID,
        transaction_id="4200000000202603120000000001",
        out_trade_no="P260312ABCDEFGHJK01",
        state="SUCCESS",
        amount_fen=9900,
        fee_fen=59,
        wx_refund_id=None,
        out_refund_no=None,
    )
    assert bill.lines[0] == paid
    refunded = bill.lines[1]
    assert (refunded.amount_fen, refunded.fee_fen, refunded.out_refund_no) == (3300, -20, "R260312ABCDEFGHJK01")
    assert (bill.total_fen, bill.refund_fen, bill.fee_fen) == (9900, 3300, 39)
    assert bill.sha1 == hashlib.sha1(file, usedforsecurity=False).hexdigest()


def test_the_fund_bill_is_read_in_fen() -> None:
    out = fund_row(
        **{"收支类型": "支出", "收支金额(元)": "0.59", "账户结余(元)": "1098.41", "业务名称": "扣除交易手续费"}
    )
    bill = read_fund_bill(fund_file(fund_row(), out))
    assert bill.lines[0] == FundLine(
        at=NOON,
        business_no="4200000000202603120000000001",
        flow_no="1000000001",
        business="交易",
        kind="交易",
        is_income=True,
        amount_fen=9900,
        balance_fen=109_900,
        document="P260312ABCDEFGHJK01",
    )
    assert (bill.income_fen, bill.expense_fen) == (9900, 59)


def test_a_bill_of_a_day_without_lines_is_read() -> None:
    assert read_trade_bill(trade_file(), mchid=MCHID).lines == ()
    assert read_fund_bill(fund_file()).lines == ()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_and_line_ends_do_not_matter(end: str, mark: str) -> None:
    rows = [paid_row(), refund_row()]
    file = mark.encode() + file_of(TRADE_COLUMNS, rows, trade_sums(rows), end=end, mark="")
    assert len(read_trade_bill(file, mchid=MCHID).lines) == 2


@pytest.mark.parametrize("remark", ["甲,乙", "甲\r\n乙", "甲\n\n乙", "甲\\r\\n乙", '"甲"', "甲`乙"])
def test_what_a_remark_holds_moves_no_column(remark: str) -> None:
    bill = read_fund_bill(fund_file(fund_row(备注=remark), fund_row()))
    assert [found.document for found in bill.lines] == ["P260312ABCDEFGHJK01"] * 2


def test_brackets_may_be_wide() -> None:
    file = fund_file(fund_row()).decode().replace("(元)", "（元）").encode()
    assert read_fund_bill(file).income_fen == 9900


@given(st.integers(-(10**11), 10**11))
def test_yuan_and_back_loses_no_fen(fen: int) -> None:
    assert fen_of(yuan(fen)) == fen
    assert fen_of(yuan(fen) + "000") == fen


@pytest.mark.parametrize(
    "text", ["", "1.001", "0.005", "1e3", "١", "1,000.00", "¥1.00", " 1", "1.", ".5", "--1", "NaN"]
)
def test_what_is_no_amount_in_fen_is_damage(text: str) -> None:
    with pytest.raises(DamagedBill):
        fen_of(text)


amounts = st.integers(0, 10**9)


@given(
    fens=st.lists(amounts, max_size=5),
    order=st.permutations(TRADE_COLUMNS),
    extra=st.lists(st.from_regex(r"新列[0-9]{1,3}", fullmatch=True), unique=True, max_size=3),
    sums_order=st.permutations(TRADE_SUMS[1:]),
)
def test_columns_may_stand_in_any_order_and_new_ones_among_them(
    fens: list[int], order: list[str], extra: list[str], sums_order: list[str]
) -> None:
    rows = [paid_row(订单金额=yuan(fen)) for fen in fens]
    sums = trade_sums(rows)
    file = file_of([*extra, *order], rows, {name: sums[name] for name in ("总交易单数", *sums_order)})
    bill = read_trade_bill(file, mchid=MCHID)
    assert [found.amount_fen for found in bill.lines] == fens
    assert bill.total_fen == sum(fens)


@given(order=st.permutations(FUND_COLUMNS), fens=st.lists(st.tuples(amounts, st.booleans()), max_size=5))
def test_columns_of_the_fund_bill_may_stand_in_any_order(order: list[str], fens: list[tuple[int, bool]]) -> None:
    rows = [fund_row(**{"收支金额(元)": yuan(fen), "收支类型": "收入" if income else "支出"}) for fen, income in fens]
    bill = read_fund_bill(file_of(order, rows, fund_sums(rows)))
    assert [(found.amount_fen, found.is_income) for found in bill.lines] == fens


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_damaged(file: bytes) -> None:
    for read in (lambda: read_trade_bill(file, mchid=MCHID), lambda: read_fund_bill(file)):
        with pytest.raises(DamagedBill):
            read()


@given(st.data())
def test_a_file_cut_short_is_damaged(data: st.DataObject) -> None:
    whole = trade_file(paid_row(), refund_row()).removesuffix(b"\r\n")
    cut = data.draw(st.integers(0, len(whole) - len("0.00") - 1))
    with pytest.raises(DamagedBill):
        read_trade_bill(whole[:cut], mchid=MCHID)


@pytest.mark.parametrize("name", ["总交易单数", "手续费总金额", "订单总金额", "申请退款总金额"])
def test_a_sum_that_its_lines_do_not_make_is_damage(name: str) -> None:
    with pytest.raises(DamagedBill, match=name):
        read_trade_bill(trade_file(paid_row(), refund_row(), **{name: "7"}), mchid=MCHID)


@pytest.mark.parametrize("name", FUND_SUMS)
def test_a_fund_sum_that_its_lines_do_not_make_is_damage(name: str) -> None:
    with pytest.raises(DamagedBill, match=name):
        read_fund_bill(fund_file(fund_row(), fund_row(收支类型="支出"), **{name: "7"}))


@pytest.mark.parametrize(
    "row",
    [
        paid_row(交易时间="2026-03-12"),
        paid_row(交易时间=""),
        paid_row(手续费=""),
        paid_row(商户号="1999999999"),
    ],
)
def test_a_line_that_makes_no_sense_is_damage(row: Row) -> None:
    sums = trade_sums([paid_row()])
    with pytest.raises(DamagedBill):
        read_trade_bill(file_of(TRADE_COLUMNS, [row], sums), mchid=MCHID)


def test_an_unknown_direction_is_damage() -> None:
    with pytest.raises(DamagedBill):
        read_fund_bill(fund_file(fund_row(收支类型="冻结")))


@pytest.mark.parametrize("missing", ["商户订单号", "订单金额", "手续费", "交易状态"])
def test_a_missing_column_is_damage(missing: str) -> None:
    columns = [name for name in TRADE_COLUMNS if name != missing]
    rows = [paid_row()]
    with pytest.raises(DamagedBill, match=missing):
        read_trade_bill(file_of(columns, rows, trade_sums(rows)), mchid=MCHID)


def test_two_columns_of_one_name_are_damage() -> None:
    rows = [paid_row()]
    with pytest.raises(DamagedBill, match="two columns"):
        read_trade_bill(file_of([*TRADE_COLUMNS, "订单金额"], rows, trade_sums(rows)), mchid=MCHID)


def test_damage_tells_no_value() -> None:
    rows = [paid_row(手续费="张三 13800000000")]
    with pytest.raises(DamagedBill) as raised:
        read_trade_bill(file_of(TRADE_COLUMNS, rows, trade_sums([paid_row()])), mchid=MCHID)
    assert "13800000000" not in str(raised.value)
    assert str(raised.value) == "line 1: not an amount in yuan"


def test_moments_are_those_of_china() -> None:
    midnight = paid_row(交易时间="2026-03-12 00:00:00")
    (found,) = read_trade_bill(trade_file(midnight), mchid=MCHID).lines
    assert found.at == datetime(2026, 3, 11, 16, tzinfo=UTC)
    assert found.at.utcoffset() == timedelta(0)
