"""Message push, as bytes: one event, encrypted and signed the way the mini-program's settings say."""

import base64
import hashlib
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wxbackend.devtools.wxsim.clock import random_bytes, random_hex
from wxbackend.devtools.wxsim.wire import Json, json_bytes

BLOCK = 32
KEY_SIZE = 32
SALT_SIZE = 16
KEY_LENGTH = 43
STALE_BY_S = 3600
PATIENCE_S = 5.0
ORIGINAL_ID = "gh_5a6b7c8d9e0f"
FOREIGN_APPID = "wxffffffffffffffff"


class PushMode(StrEnum):
    """明文模式 and 安全模式; the third, with both bodies, only exists to change from one to the other."""

    PLAIN = "plain"
    SAFE = "safe"


class PushForgery(StrEnum):
    """What is wrong with a push; everything not named here is right."""

    WRONG_MSG_SIGNATURE = "wrong-msg-signature"
    WRONG_TOKEN = "wrong-token"  # noqa: S105  both signatures made with another token
    TAMPERED = "tampered"  # the ciphertext was changed after it was signed
    WRONG_KEY = "wrong-key"  # properly signed, encrypted with another EncodingAESKey
    WRONG_APPID = "wrong-appid"  # properly signed and encrypted, for another mini-program
    PLAIN = "plain"  # not encrypted although the mode is safe; ``signature`` is right
    STALE_TIMESTAMP = "stale-timestamp"  # properly signed an hour ago, as a replay would be
    NOT_JSON = "not-json"  # properly signed and encrypted, but no JSON inside


def new_aes_key() -> str:
    return base64.b64encode(random_bytes(KEY_SIZE)).decode().rstrip("=")


@dataclass(slots=True)
class PushSettings:
    """What the console's 消息推送 page holds. Without a url nothing is pushed. ``aes_key`` has 43 characters."""

    token: str = field(default_factory=lambda: random_hex(32))
    aes_key: str = field(default_factory=new_aes_key)
    url: str | None = None
    mode: PushMode = PushMode.SAFE
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True)
class PushPost:
    query: dict[str, str]
    body: bytes


def is_aes_key(text: str) -> bool:
    """43 characters that make 32 bytes."""
    try:
        return len(text) == KEY_LENGTH and len(base64.b64decode(text + "=", validate=True)) == KEY_SIZE
    except ValueError:
        return False


def signature_of(*parts: str) -> str:
    """SHA-1 over the sorted parts, as WeChat signs a push."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  the protocol says SHA-1


def encrypt(plain: bytes, *, aes_key: str, appid: str, salt: bytes) -> str:
    """AES-256-CBC, the key's first half as vector, over 16 bytes of salt, the length, the message and the appid."""
    key = base64.b64decode(aes_key + "=")
    whole = salt + struct.pack(">I", len(plain)) + plain + appid.encode()
    missing = BLOCK - len(whole) % BLOCK
    writer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(writer.update(whole + bytes([missing]) * missing) + writer.finalize()).decode()


def echo_query(settings: PushSettings, *, echostr: str, now: float, forged: bool = False) -> dict[str, str]:
    """The query of the GET by which WeChat makes sure that the address is yours."""
    timestamp, nonce = str(int(now)), random_hex(10)
    token = random_hex(32) if forged else settings.token
    signature = signature_of(token, timestamp, nonce)
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echostr}


def seal_push(event: Json, settings: PushSettings, *, appid: str, now: float, forge: PushForgery | None) -> PushPost:
    """One try of an event; each try is encrypted and signed anew."""
    timestamp = str(int(now) - (STALE_BY_S if forge is PushForgery.STALE_TIMESTAMP else 0))
    nonce = random_hex(10)
    token = random_hex(32) if forge is PushForgery.WRONG_TOKEN else settings.token
    query = {"signature": signature_of(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    query["openid"] = str(event["FromUserName"])
    if settings.mode is PushMode.PLAIN or forge is PushForgery.PLAIN:
        return PushPost(query, json_bytes(event))
    cipher = _cipher_text(event, settings, appid=appid, forge=forge)
    query["encrypt_type"] = "aes"
    query["msg_signature"] = _msg_signature(token, timestamp, nonce, cipher, forge=forge)
    if forge is PushForgery.TAMPERED:
        cipher = ("B" if cipher[0] == "A" else "A") + cipher[1:]
    return PushPost(query, json_bytes({"ToUserName": event["ToUserName"], "Encrypt": cipher}))


def _cipher_text(event: Json, settings: PushSettings, *, appid: str, forge: PushForgery | None) -> str:
    plain = b"<xml></xml>" if forge is PushForgery.NOT_JSON else json_bytes(event)
    aes_key = new_aes_key() if forge is PushForgery.WRONG_KEY else settings.aes_key
    recipient = FOREIGN_APPID if forge is PushForgery.WRONG_APPID else appid
    return encrypt(plain, aes_key=aes_key, appid=recipient, salt=random_bytes(SALT_SIZE))


def _msg_signature(token: str, timestamp: str, nonce: str, cipher: str, *, forge: PushForgery | None) -> str:
    if forge is PushForgery.WRONG_MSG_SIGNATURE:
        return random_hex(40)
    return signature_of(token, timestamp, nonce, cipher)
