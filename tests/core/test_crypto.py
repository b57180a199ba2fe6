"""Sealed fields, blind indexes and digests."""

import pytest

from tests.fakes import Luck
from wxbackend.core.crypto import BlindIndex, FieldCipher, Undecipherable, Vault, token_digest

OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}
PLACE = "resident.phone_sealed:abc"


def vault(keys=None, index=b"i" * 32):
    return Vault(FieldCipher(OLD if keys is None else keys), BlindIndex(index), Luck())


@pytest.mark.parametrize("text", ["", "13800138000", "𬭎𫖮㛃龘·", "x" * 100_000])
def test_what_was_sealed_opens_at_its_place(text):
    assert vault().open(vault().seal(text, place=PLACE), place=PLACE) == text


@pytest.mark.parametrize("elsewhere", ["resident.phone_sealed:abd", "resident.name_sealed:abc", "", PLACE + ":"])
def test_a_moved_value_does_not_open(elsewhere):
    sealed = vault().seal("13800138000", place=PLACE)
    with pytest.raises(Undecipherable):
        vault().open(sealed, place=elsewhere)


def test_the_same_text_never_looks_the_same():
    safe = vault()
    assert safe.seal("a", place=PLACE) != safe.seal("a", place=PLACE)


def test_a_changed_value_does_not_open():
    sealed = vault().seal("13800138000", place=PLACE)
    for position in range(3, len(sealed) - 2, 5):
        changed = sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        with pytest.raises(Undecipherable):
            vault().open(changed, place=PLACE)


@pytest.mark.parametrize("garbage", ["", "k1", "k1:", "k1:AAAA", "k1:!!!", "nobody:AAAA", "k1:A", "13800138000"])
def test_what_was_never_sealed_does_not_open(garbage):
    with pytest.raises(Undecipherable):
        vault().open(garbage, place=PLACE)


def test_the_error_names_the_place_and_not_the_value():
    with pytest.raises(Undecipherable) as refused:
        vault().open("k1:AAAA", place=PLACE)
    assert str(refused.value) == PLACE


def test_the_first_key_seals_and_all_of_them_open():
    before = vault().seal("a", place=PLACE)
    rotating = vault({**NEW, **OLD})
    after = rotating.seal("a", place=PLACE)
    assert (before.split(":")[0], after.split(":")[0]) == ("k1", "k2")
    assert [rotating.open(sealed, place=PLACE) for sealed in (before, after)] == ["a", "a"]
    assert [rotating.cipher.is_current(sealed) for sealed in (before, after)] == [False, True]


def test_a_key_that_is_gone_opens_nothing():
    sealed = vault().seal("a", place=PLACE)
    with pytest.raises(Undecipherable):
        vault(NEW).open(sealed, place=PLACE)


def test_a_key_id_that_begins_like_another_is_another():
    cipher = FieldCipher({"k": b"1" * 32, "k1": b"2" * 32})
    assert not cipher.is_current("k1:AAAA")


def test_nothing_stays_nothing():
    assert vault().open_optional(None, place=PLACE) is None


def test_keys_are_never_shown():
    shown = repr(vault())
    assert "1111" not in shown
    assert "iiii" not in shown


def test_a_blind_index_finds_equals_and_tells_purposes_and_keys_apart():
    index = vault().index
    assert index.of("a", purpose="openid") == index.of("a", purpose="openid")
    others = {
        index.of("b", purpose="openid"),
        index.of("a", purpose="phone"),
        vault(index=b"j" * 32).index.of("a", purpose="openid"),
    }
    assert len(others | {index.of("a", purpose="openid")}) == 4


def test_a_purpose_cannot_be_forged_from_its_neighbour():
    index = vault().index
    assert index.of("bc", purpose="a") != index.of("c", purpose="ab")


def test_row_keys_are_never_twice_the_same():
    safe = vault()
    assert len({safe.new_row_key() for _ in range(1000)}) == 1000


def test_the_digest_of_a_token_is_not_the_token():
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
