"""``core.wxmini.PushOpener``: WeChat's message push in safe mode with JSON bodies."""

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException

from wxbackend.core.wxmini import BadPush, PushEvent
from wxbackend.core.wxpay import WrongRecipient
from wxbackend.wechat.documents import Document, Malformed, parse_document, text_at


class LivePushOpener:
    """Without a token and key every push is refused: nobody configured one."""

    def __init__(self, *, appid: str, token: str, aes_key: str) -> None:
        self._token = token
        self._crypto = WeChatCrypto(token, aes_key, appid) if token and aes_key else None

    def echo(self, query: Mapping[str, str]) -> str:
        self._check(query.get("signature", ""), query.get("timestamp", ""), query.get("nonce", ""))
        return query.get("echostr", "")

    def open(self, *, query: Mapping[str, str], body: bytes) -> PushEvent:
        try:
            envelope = parse_document(body.decode("utf-8"))
            sealed = text_at(envelope, "Encrypt")
        except (Malformed, UnicodeDecodeError):
            raise BadPush("消息不是安全模式的 JSON") from None
        timestamp, nonce, signature = query.get("timestamp", ""), query.get("nonce", ""), query.get("msg_signature", "")
        self._check(signature, timestamp, nonce, sealed)
        return _event(self._decrypted(sealed, signature, timestamp, nonce))

    def _check(self, signature: str, *signed: str) -> None:
        """Ours, in constant time: the library compares with ``!=``. What WeChat signs is plain ASCII."""
        if not all(text.isascii() for text in (signature, *signed)):
            raise BadPush
        wanted = hashlib.sha1("".join(sorted((self._token, *signed))).encode(), usedforsecurity=False).hexdigest()
        if self._crypto is None or not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise BadPush

    def _decrypted(self, sealed: str, signature: str, timestamp: str, nonce: str) -> Document:
        assert self._crypto is not None
        try:
            return parse_document(self._crypto.decrypt_message({"Encrypt": sealed}, signature, timestamp, nonce))
        except InvalidAppIdException:
            raise WrongRecipient from None
        except (InvalidSignatureException, Malformed, ValueError, IndexError, struct.error):
            raise BadPush("消息无法解密") from None  # sealed with another key: what comes out is noise


def _event(document: Document) -> PushEvent:
    """Repetitions say the same to the letter; two messages of one second differ in what they are about."""
    try:
        openid, event = text_at(document, "FromUserName"), str(document.get("Event") or document.get("MsgType") or "")
        at = datetime.fromtimestamp(int(document["CreateTime"]), UTC)
    except (Malformed, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise BadPush("消息不完整") from None
    key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return PushEvent(key=key, event=event, openid=openid, at=at, document=document)
