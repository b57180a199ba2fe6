"""Numbers and terms, computed."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbackend.pledges.rules import pledge_number, term_end


@given(st.binary(min_size=7, max_size=7))
def test_a_number_is_the_day_in_china_and_ten_letters_of_crockford(luck):
    number = pledge_number(datetime(2026, 12, 31, 16, tzinfo=UTC), luck)
    assert re.fullmatch(r"P270101[0-9A-HJKMNP-TV-Z]{10}", number)


@given(st.integers(0, 2**50 - 2))
def test_two_strokes_of_luck_never_make_one_number(luck):
    now = datetime(2026, 3, 12, tzinfo=UTC)
    assert pledge_number(now, luck.to_bytes(7)) != pledge_number(now, (luck + 1).to_bytes(7))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 3, 12), 12, date(2027, 3, 11)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 3, 31), 6, date(2026, 9, 30)),
        (date(2026, 12, 1), 1, date(2026, 12, 31)),
        (date(2026, 3, 1), 12, date(2027, 2, 28)),
    ],
)
def test_a_term_ends_on_the_day_before_its_anniversary(start, months, end):
    assert term_end(start, months) == end


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(1, 240))
def test_two_terms_in_a_row_never_overlap_nor_leave_a_day(start, months):
    following = term_end(start, months) + timedelta(days=1)
    assert following > start
    assert (following.year - start.year) * 12 + following.month - start.month in (months, months + 1)
