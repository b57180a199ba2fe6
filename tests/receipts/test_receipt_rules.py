"""Codes, numbers and addresses on receipts."""

import pytest

from tests.receipts.conftest import USCC, VILLAGE_USCC
from wxbackend.receipts.rules import is_receipt_number, is_safe_url, is_uscc


@pytest.mark.parametrize("code", [USCC, VILLAGE_USCC, "91110000600037341L"])
def test_code_with_the_right_check_character_is_one(code):
    assert is_uscc(code)


@pytest.mark.parametrize(
    "code",
    [
        *("", USCC[:-1], USCC + "0", USCC.lower(), f" {USCC}", f"{USCC}\n", USCC[:-1] + "8", "I" + USCC[1:]),
        USCC.replace("445281", "44528A"),
        "９１445281MA0000001N",
    ],
)
def test_other_texts_are_no_codes(code):
    assert not is_uscc(code)


def test_every_single_wrong_character_is_noticed():
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    wrong = [USCC[:i] + c + USCC[i + 1 :] for i in range(18) for c in alphabet if c != USCC[i]]
    assert [code for code in wrong if is_uscc(code)] == []


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0012345678", True), ("44060125-0012345678", True), ("A12345", True), ("12345", False), ("-123456", False),
        ("1" * 40, True), ("1" * 41, False), ("12345 6", False), ("12345a", False), ("123456\n", False),
        ("１２３４５６", False),
    ],
)  # fmt: skip
def test_numbers_of_receipts(text, good):
    assert is_receipt_number(text) == good


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://pj.example/e?bh=1", True), ("http://pj.example/e", False), ("javascript:alert(1)", False),
        ("https://", False), ("https:///e", False), ("https://a:b@pj.example/", False),
        ("https://pj.example/ e", False),
        ("https://pj.example/\n", False), ("https://[", False), ("https://票据.example/", False),
        ("https://pj.example/" + "e" * 300, False), ("//pj.example/", False), ("", False),
    ],
)  # fmt: skip
def test_addresses_of_receipts(url, good):
    assert is_safe_url(url) == good
