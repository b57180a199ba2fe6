"""wechatpayv3's core with another transport and another check of signatures: one merchant's line to WeChat Pay."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from time import sleep
from typing import Any

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import aes_decrypt, build_authorization

from wxbackend.core.ports import utc_now
from wxbackend.core.wxpay import BadNotification
from wxbackend.wechat.documents import Document, Malformed, parse_document, section_at, text_at
from wxbackend.wechat.errors import WxError, WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.merchants import Merchant
from wxbackend.wechat.signatures import Signed, check_signature
from wxbackend.wechat.transport import TRY_PAUSES_S, Hosts, Link

OFFICIAL_URL = "https://api.mch.weixin.qq.com"
BACKUP_URL = "https://api2.mch.weixin.qq.com"

MISCONFIGURED = frozenset({"SIGN_ERROR", "NO_AUTH", "APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS"})
RATE_LIMITED = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "FREQUENCY_LIMIT_EXCEED"})


def pay_hosts(base_url: str = OFFICIAL_URL) -> Hosts:
    """Only the real address has a second one: a simulator's must never fail over to the real WeChat Pay."""
    return Hosts(base_url, BACKUP_URL if base_url.rstrip("/") == OFFICIAL_URL else None)


class PayCore(Core):  # type: ignore[misc]  # wechatpayv3 carries no types
    """Shares nothing that changes between threads. Keys come from the configuration and are never fetched."""

    def __init__(
        self,
        merchant: Merchant,
        link: Link,
        *,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        own_key = merchant.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        wechat_key = merchant.keys[merchant.public_key_id]
        super().__init__(
            mchid=merchant.mchid,
            cert_serial_no=merchant.serial_no,
            private_key=own_key.decode(),
            apiv3_key=merchant.apiv3_keys[0],
            public_key=wechat_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            public_key_id=merchant.public_key_id,
        )
        self.merchant = merchant
        self._link = link
        self._now = now
        self._pause = pause

    def request(
        self, path: str, method: RequestType = RequestType.GET, data: Mapping[str, Any] | None = None
    ) -> tuple[int, str]:
        """Ask up to three times with the same parameters: every order carries its own number, so that is safe.

        Narrower than the library's on purpose: no way to skip the check, no files. Raises ``WxError``.
        """
        body = "" if data is None else json.dumps(data, ensure_ascii=False)
        for pause_s in TRY_PAUSES_S:
            try:
                return self._once(path, method, body)
            except WxUnavailable:
                self._pause(pause_s)
        return self._once(path, method, body)

    def _once(self, path: str, method: RequestType, body: str) -> tuple[int, str]:
        answer = self._link.send(method.value, path, headers=self._headers(path, method, body), data=body.encode())
        if answer.status_code >= requests.codes.bad_request:
            raise _refusal(answer)
        if answer.status_code not in {requests.codes.ok, requests.codes.no_content}:
            raise WxUnavailable(f"http {answer.status_code}")  # 202: accepted, ask again; 3xx: somebody in between
        return answer.status_code, self._checked(answer)

    def _headers(self, path: str, method: RequestType, body: str) -> dict[str, str]:
        """Signed anew for each try: WeChat refuses a nonce seen before. The serial asks for our key's signature."""
        authorization = build_authorization(
            path, method.value, self.merchant.mchid, self.merchant.serial_no, self._private_key, data=body
        )
        return {
            "Accept": "application/json",
            "Authorization": authorization,
            "Content-Type": "application/json",
            "User-Agent": "xiangshu",
            "Wechatpay-Serial": self.merchant.public_key_id,
        }

    def _checked(self, answer: requests.Response) -> str:
        try:
            signed = self.verify(answer.headers, answer.content, now=self._now())
        except BadNotification as fault:
            raise WxForged(f"answer not signed by WeChat Pay: {fault}") from fault
        if signed.stale:
            raise WxForged("answer signed more than 300 s away from our clock")
        return signed.text

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Signed:
        """Raises ``BadNotification``; calls nobody, whatever the serial says."""
        return check_signature(headers, body, keys=self.merchant.keys, now=now)

    def decrypt(self, envelope: Document) -> Document:
        """Open the ``resource`` of a notification. Raises ``Malformed``, ``BadNotification``."""
        if text_at(envelope, "resource_type") != "encrypt-resource":
            raise Malformed("resource_type is unknown")
        resource = section_at(envelope, "resource")
        if text_at(resource, "algorithm") != "AEAD_AES_256_GCM":
            raise Malformed("algorithm is unknown")
        return parse_document(self._opened(resource))

    def _opened(self, resource: Document) -> str:
        nonce, ciphertext = text_at(resource, "nonce"), text_at(resource, "ciphertext")
        associated = resource.get("associated_data") or ""
        for key in self.merchant.apiv3_keys:
            try:
                plain = aes_decrypt(nonce, ciphertext, associated, key)
            except (ValueError, AttributeError):  # not base64, no room for a tag, not UTF-8, not a text
                raise Malformed("ciphertext is damaged") from None
            if plain is not None:
                return str(plain)
        raise BadNotification("通知无法解密")

    def _verify_signature(self, headers: Mapping[str, str], body: str) -> bool:
        """The library's own methods come here too, so that none can go around the window or the keys."""
        try:
            return not self.verify(headers, body.encode(), now=self._now()).stale
        except BadNotification:
            return False

    def _update_certificates(self) -> None:
        raise RuntimeError("keys come from the merchants' file and are never fetched")

    def disconnect(self) -> None:
        self._link.close()


def _refusal(answer: requests.Response) -> WxError:
    status = answer.status_code
    if status >= requests.codes.internal_server_error:
        return WxUnavailable(f"http {status}")
    code, message = _said(answer)
    if status == requests.codes.too_many_requests or code in RATE_LIMITED:
        return WxRateLimited(f"{code} {message} (http {status})")
    misconfigured = status == requests.codes.unauthorized or code in MISCONFIGURED
    return (WxMisconfigured if misconfigured else WxRejected)(code, message, status)


def _said(answer: requests.Response) -> tuple[str, str]:
    try:
        document = parse_document(answer.content.decode("utf-8", "replace"))
    except Malformed:
        return "", ""
    return str(document.get("code", "")), str(document.get("message", ""))
