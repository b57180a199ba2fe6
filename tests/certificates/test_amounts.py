import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates.amounts import MAX_AMOUNT_FEN, amount_in_figures, amount_in_words

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = {"拾": 10, "佰": 100, "仟": 1000}
KNOWN = {
    1: "壹分",
    10: "壹角整",
    11: "壹角壹分",
    100: "壹元整",
    101: "壹元零壹分",
    110: "壹元壹角整",
    30050: "叁佰元伍角整",
    123456: "壹仟贰佰叁拾肆元伍角陆分",
    140950: "壹仟肆佰零玖元伍角整",
    600714: "陆仟零柒元壹角肆分",
    168032: "壹仟陆佰捌拾元叁角贰分",
    10700053: "壹拾万柒仟元伍角叁分",
    1000100: "壹万零壹元整",
    100_000_001_00: "壹亿零壹元整",
    100_010_000_00: "壹亿零壹万元整",
    MAX_AMOUNT_FEN: "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
}


def read_words(words: str) -> int:
    """Read 大写人民币 back, independently of how it was written."""
    total = group = digit = 0
    for character in words:
        if character in DIGITS:
            digit = DIGITS.index(character)
        elif character in PLACES:
            group, digit = group + digit * PLACES[character], 0
        elif character in "万亿":
            total, group, digit = total + (group + digit) * {"万": 10**4, "亿": 10**8}[character], 0, 0
        elif character == "元":
            total, group, digit = (total + group + digit) * 100, 0, 0
        elif character in "角分":
            total, digit = total + digit * {"角": 10, "分": 1}[character], 0
    return total


@pytest.mark.parametrize(("amount_fen", "words"), KNOWN.items())
def test_known_amounts_read_as_the_rules_want(amount_fen, words):
    assert amount_in_words(amount_fen) == words


@given(st.integers(1, MAX_AMOUNT_FEN))
def test_words_read_back_to_the_same_amount(amount_fen):
    words = amount_in_words(amount_fen)
    assert read_words(words) == amount_fen
    assert words.endswith(("分", "整"))
    assert "零零" not in words
    assert "零元" not in words
    assert not words.startswith("零")


@given(st.integers(1, MAX_AMOUNT_FEN))
def test_figures_read_back_to_the_same_amount(amount_fen):
    assert int(amount_in_figures(amount_fen).replace(",", "").replace(".", "")) == amount_fen


@pytest.mark.parametrize("amount_fen", [0, -1, MAX_AMOUNT_FEN + 1])
def test_an_amount_without_words_is_refused(amount_fen):
    with pytest.raises(ValueError, match="fen"):
        amount_in_words(amount_fen)
