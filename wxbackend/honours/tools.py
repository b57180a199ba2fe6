"""What issuing needs besides the database: the signing key, the keys of tokens, luck, and the vault."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import current_app

from certificates.fonts import FontBook, font_book
from wxbackend.core.crypto import Vault
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings

KID_LENGTH = 16


class BadSigningKey(Exception):
    """``CERT_KEY_FILE`` holds no Ed25519 private key."""


@dataclass(frozen=True)
class IssuingTools:
    """``code_keys`` by id, the first signs; ``kid`` is a digest of the public key, so it needs no register."""

    safe: Vault
    key_pem: bytes = field(repr=False)
    public_pem: str
    kid: str
    code_keys: Mapping[str, bytes] = field(repr=False)
    random_bytes: Callable[[int], bytes] = field(repr=False)
    base_url: str
    code_base_url: str
    fonts: FontBook


def build_tools(settings: Settings, ports: Ports, safe: Vault) -> IssuingTools:
    """Read the key once. Development signs with a key that everybody knows; production refuses to start so."""
    key = _private_key(settings)
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return IssuingTools(
        safe=safe,
        key_pem=key_pem,
        public_pem=public_pem.decode(),
        kid=hashlib.sha256(public_pem).hexdigest()[:KID_LENGTH],
        code_keys=settings.code_keys,
        random_bytes=ports.random_bytes,
        base_url=settings.public_base_url.rstrip("/"),
        code_base_url=settings.code_base_url.rstrip("/"),
        fonts=font_book(settings.cert_font_dir),
    )


def _private_key(settings: Settings) -> Ed25519PrivateKey:
    if settings.cert_key_file is None:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"development only").digest())
    try:
        key = serialization.load_pem_private_key(settings.cert_key_file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise BadSigningKey(f"CERT_KEY_FILE: {type(error).__name__}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSigningKey("CERT_KEY_FILE must hold an Ed25519 key")
    return key


def issuing_tools() -> IssuingTools:
    found: IssuingTools = current_app.extensions["xiangshu.issuing"]
    return found
