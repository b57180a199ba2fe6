"""Numbers that people read aloud and tokens that codes carry. Pure arithmetic, no counters."""

import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from stdnum.iso7064 import mod_37_36

Purpose = Literal["T", "C", "B"]  # tree plate, certificate, branch: the path segment of the code's address
CodeKeys = Mapping[str, bytes]  # key id → secret; the first one signs, every one verifies

NUMBER_LENGTH = 20
TOKEN_ID_LENGTH, TOKEN_TAG_LENGTH = 8, 6
TOKEN_ID_BITS, TOKEN_TAG_BITS = 40, 30

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIASES = MappingProxyType(str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None}))


class BadNumber(ValueError):
    """A part of a number does not fit its field."""


def tree_number(village_code: str, year: int, sequence: int) -> str:
    """Number of a tree (树码): village 12 + year 2 + sequence 5 + check = 20 characters."""
    return _with_check(_digits(village_code, 12) + _padded(year % 100, 2) + _padded(sequence, 5))


def certificate_serial(kind: str, region6: str, year: int, sequence: int) -> str:
    """Serial of a certificate: kind 2 + region 6 + year 4 + sequence 7 + check = 20 characters."""
    if not (len(kind) == 2 and kind.isascii() and kind.isalpha() and kind.isupper()):  # noqa: PLR2004
        raise BadNumber(f"kind must be two capital letters, not {kind!r}")
    return _with_check(kind + _digits(region6, 6) + _padded(year, 4) + _padded(sequence, 7))


def is_valid_number(text: str) -> bool:
    """Whether this is a tree number or serial of ours whose check character is right (ISO 7064 MOD 37,36)."""
    body = text[:-1]
    shaped = len(text) == NUMBER_LENGTH and text.isascii() and text.isalnum() and text == text.upper()
    if not shaped or not (body.isdigit() or (body[:2].isalpha() and body[2:].isdigit())):
        return False
    return bool(mod_37_36.is_valid(text))


def make_token(random_40bit: int, keys: CodeKeys, *, purpose: Purpose) -> str:
    """Write a random 40-bit id and its keyed tag as 14 Crockford base32 characters.

    The tag stops enumeration and typed-in ids without a look into the database.
    """
    if not 0 <= random_40bit < 1 << TOKEN_ID_BITS:
        raise BadNumber("a token's id has 40 bits")
    token_id = _base32(random_40bit, TOKEN_ID_LENGTH)
    return token_id + _tag(token_id, purpose=purpose, key=next(iter(keys.values())))


def read_token(text: str, *, purpose: Purpose, keys: CodeKeys) -> str | None:
    """Return the canonical token when one of the keys made it for this purpose, else None.

    Lower case, hyphens and the letters that Crockford maps to digits (O, I, L) are forgiven.
    """
    token = text.upper().translate(dict(_ALIASES))
    if not set(token) <= set(_CROCKFORD):
        return None
    token_id, tag = token[:TOKEN_ID_LENGTH], token[TOKEN_ID_LENGTH:]
    # every key is tried and compared in constant time: the answer's delay tells nothing about the tag
    hits = [hmac.compare_digest(tag, _tag(token_id, purpose=purpose, key=key)) for key in keys.values()]
    return token if any(hits) else None


def group_number(number: str) -> tuple[str, ...]:
    """Split a tree number into groups that a person can read aloud: 4452 8110 1201 · 24 00017 A."""
    return (number[0:4], number[4:8], number[8:12], number[12:14], number[14:19], number[19:])


def _tag(token_id: str, *, purpose: Purpose, key: bytes) -> str:
    digest = hmac.new(key, f"{purpose}:{token_id}".encode(), hashlib.sha256).digest()
    return _base32(int.from_bytes(digest[:4]) >> (32 - TOKEN_TAG_BITS), TOKEN_TAG_LENGTH)


def _base32(value: int, length: int) -> str:
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(5 * (length - 1), -1, -5))


def _with_check(body: str) -> str:
    return body + str(mod_37_36.calc_check_digit(body))


def _digits(text: str, length: int) -> str:
    if len(text) != length or not (text.isascii() and text.isdigit()):
        raise BadNumber(f"expected {length} digits, not {text!r}")
    return text


def _padded(value: int, length: int) -> str:
    if not 0 <= value < 10**length:
        raise BadNumber(f"{value} does not fit {length} digits")
    return f"{value:0{length}d}"
