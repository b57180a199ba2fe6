"""Fields of subscribe messages: whatever is given leaves in the form of its kind, or not at all."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbackend.devtools.wxsim.subscribe import FIELD_RULES
from wxbackend.wechat.messages import KINDS, Unfit, fit_fields


def fitted(name: str, value: str) -> str:
    return fit_fields({name: value})[name]


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("thing1", "认种 3 棵", "认种 3 棵"),
        ("thing1", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("thing1", "一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
        ("thing12", " 揭西县\n\t古树 ", "揭西县 古树"),
        ("thing1", "", "无"),
        ("thing1", "🌳" * 11, "🌳" * 9 + "…"),
        ("thing1", "🌳" * 10, "🌳" * 10),
        ("const3", "待处理", "待处理"),
        ("number2", "1,024", "1024"),
        ("number2", "１２.５", "12.5"),
        ("character_string4", "RZ445222-2026-0000017", "RZ445222-2026-0000017"),
        ("character_string4", "编号 RZ-1", "RZ-1"),
        ("character_string4", "x" * 40, "x" * 32),
        ("letter1", "A-b 1", "Ab"),
        ("symbol1", "!a?……!!", "!?……!"),
        ("amount3", "99元", "99元"),
        ("amount3", "￥1,099.00", "¥1099.00"),
        ("phone_number1", "138****0000", "138----0000"),
        ("phone_number1", "电话 0663-5580000", "0663-5580000"),
        ("car_number1", "粤V·12345", "粤V12345"),
        ("name1", "张*", "张某"),
        ("name1", "热心人士", "热心人士"),
        ("name1", "Zhang San", "Zhang San"),
        ("name1", "张San", "张"),
        ("phrase5", "已发货(部分)", "已发货部分"),
        ("phrase5", "等待管理员审核中", "等待管理员"),
        ("time1", "15：01", "15:01"),
        ("time1", "2026年3月12日 12:00", "2026年3月12日 12:00"),
        ("time1", "2026-03-12T04:00:00+00:00", "2026年3月12日 12:00"),
        ("date1", "2026-03-12", "2026-03-12"),
        ("date1", "2026年3月12日", "2026年3月12日"),
        ("date1", "2026-03-11T16:00:00+00:00", "2026年3月12日 00:00"),
        ("date1", "20260312", "2026年3月12日"),
        ("date1", "2026年3月12日 ~ 2026年4月12日", "2026年3月12日 ~ 2026年4月12日"),
    ],
)
def test_each_kind_has_its_form(name: str, given: str, sent: str) -> None:
    assert fitted(name, given) == sent


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("number1", "三棵"),
        ("number1", ""),
        ("number1", "1" * 33),
        ("amount1", "很多"),
        ("amount1", "12345678901"),
        ("time1", "下午"),
        ("date1", "明天"),
        ("phrase1", "OK"),
        ("character_string1", "编号"),
        ("letter1", "1"),
        ("name1", ""),
        ("phone_number1", "无"),
        ("mystery1", "x"),
        ("THING1", "x"),
        ("1", "x"),
        ("", "x"),
    ],
)
def test_what_fits_no_kind_is_said_to_before_anything_is_sent(name: str, given: str) -> None:
    with pytest.raises(Unfit, match=f"^{re.escape(name)} is not of its kind$"):
        fitted(name, given)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() & FIELD_RULES.keys()))
@given(value=st.text(max_size=60))
def test_no_text_whatever_breaks_the_rule_of_a_kind(kind: str, value: str) -> None:
    """WeChat refuses the whole message (47003) for one wrong field."""
    try:
        sent = fitted(f"{kind}1", value)
    except Unfit:
        return
    assert FIELD_RULES[kind](sent), sent
    assert sent.strip()
    assert fitted(f"{kind}1", sent) == sent


def test_every_kind_that_wechat_knows_is_known() -> None:
    assert KINDS.keys() >= FIELD_RULES.keys()
