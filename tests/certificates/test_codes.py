import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates.codes import (
    BadNumber,
    certificate_serial,
    group_number,
    is_valid_number,
    make_token,
    read_token,
    tree_number,
)

KEYS = {"new": b"n" * 32, "old": b"o" * 32}
ids = st.integers(0, 2**40 - 1)
purposes = st.sampled_from("TCB")


def test_known_numbers_keep_their_check_characters():
    assert tree_number("445281101201", 2024, 17) == "4452811012012400017A"
    assert certificate_serial("RZ", "445281", 2024, 42) == "RZ44528120240000042Z"


@pytest.mark.parametrize("number", ["4452811012012400017A", "RZ44528120240000042Z"])
def test_every_single_substitution_is_noticed(number):
    assert is_valid_number(number)
    for place, right in enumerate(number):
        for wrong in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if wrong != right:
                assert not is_valid_number(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize("number", ["4452811012012400017A", "RZ44528120240000042Z"])
def test_every_swap_of_neighbours_is_noticed(number):
    for place in range(19):
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert swapped == number or not is_valid_number(swapped)


@pytest.mark.parametrize("text", ["", "A", "rz44528120240000042z", "RZ4452812024000004 Z", "４452811012012400017A"])
def test_other_texts_are_no_numbers(text):
    assert not is_valid_number(text)


@given(st.integers(0, 10**12 - 1), st.integers(2000, 2099), st.integers(0, 99_999))
def test_every_tree_number_is_valid_and_has_twenty_characters(village, year, sequence):
    number = tree_number(f"{village:012d}", year, sequence)
    assert len(number) == 20
    assert is_valid_number(number)
    assert "".join(group_number(number)) == number


@pytest.mark.parametrize(
    "parts", [("44528110120", 2024, 1), ("44528110120A", 2024, 1), ("445281101201", 2024, 100_000)]
)
def test_a_part_that_does_not_fit_a_tree_number_is_refused(parts):
    with pytest.raises(BadNumber):
        tree_number(*parts)


@pytest.mark.parametrize(
    "parts",
    [("R", "445281", 2024, 1), ("rz", "445281", 2024, 1), ("RZ", "44528", 2024, 1), ("RZ", "445281", 2024, 10**7)],
)
def test_a_part_that_does_not_fit_a_serial_is_refused(parts):
    with pytest.raises(BadNumber):
        certificate_serial(*parts)


@given(ids, purposes)
def test_a_token_reads_back_as_itself(token_id, purpose):
    token = make_token(token_id, KEYS, purpose=purpose)
    assert len(token) == 14
    assert read_token(token, purpose=purpose, keys=KEYS) == token
    assert read_token(token.lower(), purpose=purpose, keys=KEYS) == token


def test_letters_that_look_like_digits_are_forgiven():
    token = make_token(0b00001_00000, KEYS, purpose="T")
    assert token.startswith("00000010")
    assert read_token("ooOOoOlo" + token[8:], purpose="T", keys=KEYS) == token
    assert read_token("0000-00I0-" + token[8:], purpose="T", keys=KEYS) == token


@given(ids)
def test_a_token_of_one_purpose_opens_no_other_door(token_id):
    token = make_token(token_id, KEYS, purpose="T")
    assert read_token(token, purpose="C", keys=KEYS) is None


def test_an_old_key_still_verifies_and_the_first_one_signs():
    old_only = {"old": KEYS["old"]}
    token = make_token(7, old_only, purpose="T")
    assert read_token(token, purpose="T", keys=KEYS) == token
    assert make_token(7, KEYS, purpose="T") != token
    assert read_token(make_token(7, KEYS, purpose="T"), purpose="T", keys=old_only) is None


@given(ids, st.integers(0, 13), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_changed_character_is_refused(token_id, place, character):
    token = make_token(token_id, KEYS, purpose="C")
    changed = token[:place] + character + token[place + 1 :]
    assert changed == token or read_token(changed, purpose="C", keys=KEYS) is None


@pytest.mark.parametrize("text", ["", "U" * 14, "0" * 13, "0" * 15, "树" * 14, "0000000\x00000000"])
def test_texts_of_another_shape_are_no_tokens(text):
    assert read_token(text, purpose="T", keys=KEYS) is None


@pytest.mark.parametrize("number", [-1, 2**40])
def test_an_id_of_more_than_forty_bits_is_refused(number):
    with pytest.raises(BadNumber):
        make_token(number, KEYS, purpose="T")
