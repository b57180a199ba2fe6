"""Key pairs, certificates, signatures and sealed resources of WeChat Pay API v3."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from wxbackend.devtools.wxsim.clock import random_hex

CERTIFICATE_DAYS = 1825
SERIAL_LOWEST = 1 << 158  # keeps every serial at 40 hex digits, as the real ones have


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an RSA private key is expected")
    return key


def self_signed(key: rsa.RSAPrivateKey, *, name: str, now: float) -> x509.Certificate:
    """A certificate valid from a day ago for five years, with a serial of 40 hex digits."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.fromtimestamp(now, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() | SERIAL_LOWEST)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )


def serial_of(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:040X}"


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(key: rsa.RSAPublicKey, *, message: bytes, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(plain: bytes, *, apiv3_key: str, associated_data: str) -> dict[str, str]:
    """The ``resource`` object of a notification or of an encrypted certificate (AEAD_AES_256_GCM, tag at the end)."""
    nonce = random_hex(12)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def open_sealed_text(key: rsa.RSAPrivateKey, sealed: str) -> str | None:
    """A sensitive field (bank card, name) sealed by RSA-OAEP; ``None`` when it was sealed for another key."""
    scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), label=None)  # noqa: S303  WeChat's choice
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), scheme).decode()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of WeChat's side with the name it goes by in ``Wechatpay-Serial``."""

    serial: str
    key: rsa.RSAPrivateKey

    def signed_headers(self, body: bytes, *, timestamp: int | str) -> dict[str, str]:
        """The five headers that an answer or a notification carries."""
        nonce = random_hex(32)
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return {
            "Wechatpay-Timestamp": str(timestamp),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature": sign(self.key, message),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }
