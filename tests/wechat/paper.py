"""WeChat Pay's side of the paperwork: keys, signed answers, sealed notifications, the merchants' file."""

import json
import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tests.wechat.stub import Reply

APPID = "wx0000000000000001"
NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
MCHID, OTHER_MCHID = "1900000001", "1900000002"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000010000000001"
CERTIFICATE_SERIAL = "3A5B7C9D1E2F3A5B7C9D1E2F3A5B7C9D1E2F3A5B"
OWN_SERIAL = "7A5B7C9D1E2F3A5B7C9D1E2F3A5B7C9D1E2F3A5B"
APIV3_KEY, OLD_APIV3_KEY = "k" * 32, "o" * 32
ORDER = "P260312ABCDEFGHJK01"
REFUND = "R260312ABCDEFGHJK01"


def new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(key: RSAPrivateKey, serial: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented for a test")])
    built = x509.CertificateBuilder(name, name, key.public_key(), int(serial, 16))
    built = built.not_valid_before(NOON - timedelta(days=1)).not_valid_after(NOON + timedelta(days=1800))
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)


def merchant_toml(mchid: str) -> str:
    return f"""
[[merchant]]
mchid = "{mchid}"
serial_no = "{OWN_SERIAL}"
private_key_file = "own.pem"
apiv3_key_file = "apiv3.txt"
previous_apiv3_key_file = "apiv3-old.txt"
public_key_id = "{PUBLIC_KEY_ID}"
public_key_file = "wechat.pem"

[[merchant.platform_certificate]]
serial = "{CERTIFICATE_SERIAL}"
file = "platform.pem"
"""


@dataclass(frozen=True)
class PayWorld:
    """Both merchants share their keys; that is enough to tell them apart by number."""

    folder: Path
    own_key: RSAPrivateKey
    public_key: RSAPrivateKey
    platform_key: RSAPrivateKey

    @classmethod
    def made(cls, folder: Path) -> "PayWorld":
        world = cls(folder, new_key(), new_key(), new_key())
        (folder / "own.pem").write_bytes(private_pem(world.own_key))
        (folder / "wechat.pem").write_bytes(public_pem(world.public_key))
        (folder / "platform.pem").write_bytes(certificate_pem(world.platform_key, CERTIFICATE_SERIAL))
        (folder / "apiv3.txt").write_text(APIV3_KEY + "\n")
        (folder / "apiv3-old.txt").write_text(OLD_APIV3_KEY)
        world.merchants_file.write_text(merchant_toml(MCHID) + merchant_toml(OTHER_MCHID))
        return world

    @property
    def merchants_file(self) -> Path:
        return self.folder / "merchants.toml"

    def sign(
        self, body: bytes, *, at: datetime = NOON, by_certificate: bool = False, timestamp: str | None = None
    ) -> dict[str, str]:
        key = self.platform_key if by_certificate else self.public_key
        timestamp = str(int(at.timestamp())) if timestamp is None else timestamp
        nonce = secrets.token_hex(16)
        signature = key.sign(f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
        return {
            "Wechatpay-Serial": CERTIFICATE_SERIAL if by_certificate else PUBLIC_KEY_ID,
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def answer(self, document: object = None, *, status: int = 200, at: datetime = NOON) -> Reply:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        return Reply(status, body, {"Content-Type": "application/json", **self.sign(body, at=at)})

    def refusal(self, status: int, code: str) -> Reply:
        return self.answer({"code": code, "message": "微信说不"}, status=status)


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": ORDER,
        "transaction_id": "4200000000202603120000000001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": "2026-03-12T12:00:00+08:00",
        "payer": {"openid": "o-resident"},
        "amount": {"total": 9900, "payer_total": 9400, "currency": "CNY", "payer_currency": "CNY"},
        **changes,
    }


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "mchid": MCHID,
        "out_trade_no": ORDER,
        "transaction_id": "4200000000202603120000000001",
        "out_refund_no": REFUND,
        "refund_id": "50300000002026031200000000001",
        "refund_status": "SUCCESS",
        "amount": {"total": 9900, "refund": 9900, "payer_total": 9400, "payer_refund": 9400},
        **changes,
    }


def asked_refund(**changes: Any) -> dict[str, Any]:
    """A refund as answers tell it: without its merchant, and with another word for its state."""
    facts = {**refund(), "status": "PROCESSING", "channel": "ORIGINAL", "create_time": "2026-03-12T12:00:00+08:00"}
    return {name: value for name, value in facts.items() if name not in {"mchid", "refund_status"}} | changes


def seal(document: object, *, key: str = APIV3_KEY) -> dict[str, str]:
    nonce = secrets.token_hex(6)
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), json.dumps(document).encode(), b"transaction")
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(sealed).decode(),
        "associated_data": "transaction",
        "nonce": nonce,
    }


def envelope(resource: object, event_type: str = "TRANSACTION.SUCCESS") -> bytes:
    document = {
        "id": "9f1f6c5e-0000-4000-8000-000000000001",
        "create_time": "2026-03-12T12:00:01+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": "支付成功",
        "resource": resource,
    }
    return json.dumps(document, ensure_ascii=False).encode()
