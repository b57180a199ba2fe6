"""Signatures that a third party checks offline: Ed25519 compact JWS, JWK sets, status lists."""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ALGORITHM = "Ed25519"  # RFC 9864 names the curve; the older "EdDSA" is ambiguous and deprecated
MAX_STATUS_LIST_BYTES = 1 << 20  # a list of eight million bits; more in a stranger's list is an attack

Jwk = Mapping[str, Any]
JwkSet = Mapping[str, Any]


class BadSignature(ValueError):
    """The text is no JWS of one of these keys."""


class BadStatusList(ValueError):
    """The text is no status list, or the index lies outside of it."""


def sign(payload: Mapping[str, Any], *, key_pem: bytes, kid: str) -> str:
    """Sign a payload; the same payload and key always give the same text."""
    header = {"alg": ALGORITHM, "kid": kid}
    return jws.serialize_compact(header, canonical_json(payload), OKPKey.import_key(key_pem), algorithms=[ALGORITHM])


def verify(text: str, keys: JwkSet) -> dict[str, Any]:
    """Return the payload of a JWS signed by the key that its ``kid`` names, or raise BadSignature."""
    try:
        signed = jws.deserialize_compact(text, _key_finder(keys), algorithms=[ALGORITHM])
        payload = json.loads(signed.payload)
    except (JoseError, ValueError) as error:
        raise BadSignature("signature does not verify") from error
    if not isinstance(payload, dict):
        raise BadSignature("payload is not an object")
    return payload


def public_jwk(key_pem: bytes, kid: str) -> dict[str, Any]:
    """Return the public half of a key (private or public PEM) as a JWK."""
    key = OKPKey.import_key(key_pem)
    return {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM, "use": "sig"}


def jwks(public_keys: Iterable[Jwk]) -> dict[str, Any]:
    """Return a JWK set, ordered by key id."""
    return {"keys": sorted((dict(key) for key in public_keys), key=lambda key: str(key["kid"]))}


def canonical_json(payload: Mapping[str, Any]) -> bytes:
    """Write JSON in one way only: sorted keys, no blanks, UTF-8."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def status_list(indices: Iterable[int], size: int) -> str:
    """Return a zlib-compressed, base64url bit list of ``size`` bits with the given ones set.

    Bit order is that of the IETF token status list: index 0 is the lowest bit of the first byte.
    """
    bits = bytearray((size + 7) // 8)
    for index in indices:
        if not 0 <= index < size:
            raise BadStatusList(f"index {index} is outside a list of {size}")
        bits[index >> 3] |= 1 << (index & 7)
    return base64.urlsafe_b64encode(zlib.compress(bytes(bits), 9)).rstrip(b"=").decode()


def is_listed(text: str, index: int) -> bool:
    """Whether bit ``index`` of a status list is set."""
    bits = _status_bits(text)
    if not 0 <= index < 8 * len(bits):
        raise BadStatusList(f"index {index} is outside the list")
    return bool(bits[index >> 3] >> (index & 7) & 1)


def listed_indices(text: str) -> frozenset[int]:
    """Return every index whose bit is set."""
    bits = _status_bits(text)
    return frozenset(8 * place + bit for place, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1)


def sign_status_list(indices: Iterable[int], *, size: int, claims: Mapping[str, Any], key_pem: bytes, kid: str) -> str:
    """Sign a status list together with ``claims`` (issuer, list number, times that the caller knows)."""
    body = {"status_list": {"bits": 1, "lst": status_list(indices, size)}}
    return sign({**claims, **body}, key_pem=key_pem, kid=kid)


def _status_bits(text: str) -> bytes:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        bits = inflater.decompress(packed, MAX_STATUS_LIST_BYTES)
    except (ValueError, zlib.error) as error:
        raise BadStatusList("not a status list") from error
    if not inflater.eof:
        raise BadStatusList("status list is cut off or too long")
    return bits


def _key_finder(keys: JwkSet) -> KeySet:
    return KeySet([OKPKey.import_key(dict(key)) for key in keys.get("keys", ())])
