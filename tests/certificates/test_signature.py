import base64
import json
import zlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certificates.signature import (
    MAX_STATUS_LIST_BYTES,
    BadSignature,
    BadStatusList,
    is_listed,
    jwks,
    listed_indices,
    public_jwk,
    sign,
    sign_status_list,
    status_list,
    verify,
)


def key_pem(seed: int) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


PEM, OTHER_PEM = key_pem(1), key_pem(2)
KEYS = jwks([public_jwk(PEM, "2026"), public_jwk(OTHER_PEM, "2025")])
PAYLOAD = {"serial": "RZ44528120260000042N", "holder": "林*", "trees": 3}


def test_a_signature_verifies_and_gives_back_its_payload():
    assert verify(sign(PAYLOAD, key_pem=PEM, kid="2026"), KEYS) == PAYLOAD


def test_same_payload_in_another_order_gives_the_same_text():
    turned = dict(reversed(PAYLOAD.items()))
    assert sign(PAYLOAD, key_pem=PEM, kid="2026") == sign(turned, key_pem=PEM, kid="2026")


def test_signatures_of_a_retired_key_still_verify():
    assert verify(sign(PAYLOAD, key_pem=OTHER_PEM, kid="2025"), KEYS) == PAYLOAD


def test_a_changed_payload_is_refused():
    head, body, tail = sign(PAYLOAD, key_pem=PEM, kid="2026").split(".")
    forged = base64.urlsafe_b64encode(b'{"trees":300}').rstrip(b"=").decode()
    assert body != forged
    with pytest.raises(BadSignature):
        verify(f"{head}.{forged}.{tail}", KEYS)


@pytest.mark.parametrize("kid", ["2025", "unknown"])
def test_a_key_cannot_sign_under_another_name(kid):
    with pytest.raises(BadSignature):
        verify(sign(PAYLOAD, key_pem=PEM, kid=kid), KEYS)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256", "kid": "2026"}, {"alg": "EdDSA", "kid": "2026"}])
def test_another_algorithm_is_refused(header):
    _, body, tail = sign(PAYLOAD, key_pem=PEM, kid="2026").split(".")
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(BadSignature):
        verify(f"{head}.{body}.{tail}", KEYS)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "....", "树"])
def test_a_text_that_is_no_signature_is_refused(text):
    with pytest.raises(BadSignature):
        verify(text, KEYS)


def test_published_keys_hold_no_private_part_and_stand_in_order():
    assert [key["kid"] for key in KEYS["keys"]] == ["2025", "2026"]
    assert all(set(key) == {"kty", "crv", "x", "kid", "alg", "use"} for key in KEYS["keys"])


def test_a_public_pem_gives_the_same_published_key():
    public = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public_jwk(pem, "2026") == public_jwk(PEM, "2026")


@given(st.sets(st.integers(0, 999)))
def test_a_status_list_says_exactly_what_was_listed(indices):
    packed = status_list(indices, 1000)
    assert listed_indices(packed) == indices
    assert all(is_listed(packed, index) == (index in indices) for index in range(1000))


def test_bit_order_is_that_of_the_token_status_list():
    # the example of the IETF draft: bits 0xB9 0xA3
    bits = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    assert status_list([index for index, bit in enumerate(bits) if bit], 16) == "eNrbuRgAAhcBXQ"


def test_a_full_size_list_stays_small():
    assert len(status_list(range(0, 131_072, 1000), 131_072)) < 2_000


@pytest.mark.parametrize("index", [-1, 16])
def test_an_index_outside_of_the_list_is_refused(index):
    with pytest.raises(BadStatusList):
        status_list([index], 16)
    with pytest.raises(BadStatusList):
        is_listed(status_list([], 16), index)


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!",
        packed(b"no zlib"),
        packed(zlib.compress(b"\x00" * 1000)[:-6]),
        packed(zlib.compress(bytes(MAX_STATUS_LIST_BYTES + 1))),
    ],
)
def test_a_broken_or_bloated_list_is_refused(text):
    with pytest.raises(BadStatusList):
        listed_indices(text)


def test_a_signed_list_carries_its_claims():
    text = sign_status_list([5], size=64, claims={"iss": "https://t.example", "list": 1}, key_pem=PEM, kid="2026")
    claims = verify(text, KEYS)
    assert (claims["iss"], claims["list"]) == ("https://t.example", 1)
    assert listed_indices(claims["status_list"]["lst"]) == {5}
