import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates.fonts import font_book
from certificates.typesetting import CLOSERS, OPENERS, TextStyle, set_line, set_paragraph, set_tabular

STYLE = TextStyle(font_book(), 6.0)
texts = st.text(st.sampled_from("林树苗村“”，。、（）《》：；0123456789AB·"), min_size=1, max_size=160)


def lines_of(text: str, *, width_mm: float = 90.0, indent_mm: float = 12.0) -> list[str]:
    return [line.text for line in set_paragraph(text, STYLE, width_mm=width_mm, indent_mm=indent_mm)]


@settings(deadline=None)
@given(texts)
def test_nothing_is_lost_or_doubled_at_line_ends(text):
    assert "".join(lines_of(text)) == text


@settings(deadline=None)
@given(texts)
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(text):
    lines = lines_of(text)
    # a text that is nothing but marks cannot be broken otherwise than by force
    for before, after in itertools.pairwise(lines):
        forced = len(before) >= 24
        assert forced or after[0] not in CLOSERS
        assert forced or before[-1] not in OPENERS


@settings(deadline=None)
@given(st.text(st.sampled_from("林树苗村，。“”（）12"), min_size=40, max_size=160))
def test_no_line_is_wider_than_the_column(text):
    for line in set_paragraph(text, STYLE, width_mm=180.0, indent_mm=12.0):
        unbreakable = any(run in line.text for run in ("“" * 12, "（" * 12))
        assert line.width_mm <= 180.0 + 1e-6 or unbreakable or marks_pile_up(line.text)


def marks_pile_up(text: str) -> bool:
    """Whether a line holds so many marks in a row that they form one piece wider than the column."""
    return sum(character in OPENERS | CLOSERS for character in text) > 20


def test_full_lines_are_flush_on_both_sides_and_the_first_is_indented():
    first, second, *_ = set_paragraph("树" * 50, STYLE, width_mm=100.0, indent_mm=12.0)
    assert first.spans[0].left_mm == 12.0
    assert second.spans[0].left_mm == 0.0
    assert first.width_mm == pytest.approx(100.0)
    assert second.width_mm == pytest.approx(100.0)


def test_the_last_line_is_not_stretched():
    *_, last = set_paragraph("树" * 20, STYLE, width_mm=100.0)
    assert last.tracking_mm == 0.0
    assert last.width_mm == pytest.approx(4 * 6.0)


def test_a_closing_mark_at_the_line_end_takes_half_a_square():
    assert set_line("树，", STYLE).width_mm == pytest.approx(1.5 * 6.0)
    # sixteen squares and a comma fit where sixteen and a half have room
    assert lines_of("树" * 16 + "，" + "树" * 3, width_mm=16.5 * 6.0, indent_mm=0.0)[0] == "树" * 16 + "，"


def test_an_opening_mark_at_the_line_start_loses_its_empty_half():
    setting = set_line("“树”", STYLE)
    assert setting.spans[0].left_mm == pytest.approx(-3.0)
    assert setting.width_mm == pytest.approx(2.0 * 6.0)


def test_marks_in_a_row_are_compressed():
    assert set_line("树”，树", STYLE).width_mm == pytest.approx(3.5 * 6.0)
    assert set_line("树：“树", STYLE).width_mm == pytest.approx(3.5 * 6.0)


def test_a_tree_number_is_never_broken():
    number = "4452811012012600017U"
    assert any(number in line for line in lines_of(f"树木编号：{number}、{number}。", width_mm=70.0))


def test_tabular_characters_stand_on_one_pitch():
    one, eight = set_tabular("1111", STYLE), set_tabular("8888", STYLE)
    assert one.width_mm == eight.width_mm
    middles = [span.left_mm + STYLE.fonts.advance_em("1") * 3.0 for span in one.spans]
    pitches = [after - before for before, after in itertools.pairwise(middles)]
    assert pitches == pytest.approx([pitches[0]] * 3)
