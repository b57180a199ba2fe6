"""Field encryption with key ids, blind indexes, and the digests of tokens."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
SEALED = "_sealed"


class Undecipherable(Exception):
    """A sealed field that no configured key opens, or that was moved from another row."""


@dataclass(frozen=True)
class FieldCipher:
    """AES-256-GCM for single fields. ``keys`` is ordered: the first seals, all of them open.

    A sealed value is ``{key id}:{base64(nonce ‖ ciphertext ‖ tag)}``. ``place`` (``table.column:row key``) is bound as
    additional data, so a value copied to another row or column does not open.
    """

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def current(self) -> str:
        return next(iter(self.keys))

    def seal(self, text: str, *, place: str, nonce: bytes) -> str:
        """Encrypt ``text``; ``nonce`` is 12 random bytes, fresh for every call."""
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, text.encode(), place.encode())
        return f"{self.current}:{b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, place: str) -> str:
        """Decrypt, or raise ``Undecipherable``."""
        key_id, _, data = sealed.partition(":")
        try:
            raw = b64decode(data, validate=True)
            return AESGCM(self.keys[key_id]).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (KeyError, InvalidTag, ValueError) as error:  # ValueError: it was never sealed
            raise Undecipherable(place) from error

    def is_current(self, sealed: str) -> bool:
        return sealed.startswith(f"{self.current}:")


@dataclass(frozen=True)
class BlindIndex:
    """A keyed digest by which an encrypted value can be found again, and nothing else learnt."""

    key: bytes = field(repr=False)

    def of(self, text: str, *, purpose: str) -> str:
        return hmac.new(self.key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Vault:
    """Everything that keeps personal data: sealing, opening and finding again."""

    cipher: FieldCipher
    index: BlindIndex
    random_bytes: Callable[[int], bytes] = field(repr=False)

    def seal(self, text: str, *, place: str) -> str:
        return self.cipher.seal(text, place=place, nonce=self.random_bytes(NONCE_BYTES))

    def open(self, sealed: str, *, place: str) -> str:
        return self.cipher.open(sealed, place=place)

    def open_optional(self, sealed: str | None, *, place: str) -> str | None:
        return None if sealed is None else self.cipher.open(sealed, place=place)

    def new_row_key(self) -> str:
        """A random name for a row, to which its sealed fields are bound before the row has an id."""
        return self.random_bytes(12).hex()


def place_of(table: str, column: str, row_key: str) -> str:
    """To what a sealed value is bound: ``resident.name:{row key}`` for the column ``resident.name_sealed``."""
    return f"{table}.{column.removesuffix(SEALED)}:{row_key}"


def token_digest(token: str) -> str:
    """SHA-256 of a random token: enough for tokens of 256 bits, and nothing to steal from the table."""
    return hashlib.sha256(token.encode()).hexdigest()
