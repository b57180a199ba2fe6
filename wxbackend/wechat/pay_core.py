"""wechatpayv3's core with another transport and another check of signatures: one merchant's line to WeChat Pay."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any, TypeVar

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import aes_decrypt, build_authorization

from wxbackend.core.faults import CLOCK_SKEW, AppWatch, FaultWatch, of_merchant
from wxbackend.core.ports import dice, utc_now
from wxbackend.core.wxpay import BadNotification
from wxbackend.wechat.documents import Document, Malformed, parse_document, section_at, text_at
from wxbackend.wechat.errors import WxError, WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable
from wxbackend.wechat.merchants import Merchant
from wxbackend.wechat.signatures import SECONDS, WINDOW_S, Signed, check_signature
from wxbackend.wechat.transport import Answer, Deadline, Hosts, Link, try_thrice

OFFICIAL_URL = "https://api.mch.weixin.qq.com"
BACKUP_URL = "https://api2.mch.weixin.qq.com"

MISCONFIGURED = frozenset({"SIGN_ERROR", "NO_AUTH", "APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS"})
DOWNLOAD_WITHIN_S = 60
LONGEST_ANSWER_BYTES = 1_000_000
LONGEST_FILE_BYTES = 100_000_000

#: What every call of a merchant is refused for. NO_AUTH is about one kind of call.
CREDENTIALS = frozenset({"SIGN_ERROR", "MCH_NOT_EXISTS"})
RATE_LIMITED = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "FREQUENCY_LIMIT_EXCEED"})

T = TypeVar("T")


def pay_hosts(base_url: str = OFFICIAL_URL, backup_url: str | None = None) -> Hosts:
    """The real address has its own second one; a simulator's must never fail over to the real WeChat Pay."""
    return Hosts(base_url, BACKUP_URL if base_url.rstrip("/") == OFFICIAL_URL else backup_url)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """By how much our clock was ahead of WeChat's when it answered."""

    at: datetime
    skew_s: float

    @property
    def is_off(self) -> bool:
        return abs(self.skew_s) > WINDOW_S


class PayCore(Core):  # type: ignore[misc]  # wechatpayv3 carries no types
    """Shares nothing that changes between threads. Keys come from the configuration and are never fetched."""

    def __init__(
        self,
        merchant: Merchant,
        link: Link,
        *,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = sleep,
        jitter: Callable[[], float] = dice,
        watch: FaultWatch | None = None,
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
        self._jitter = jitter
        self._watch = watch or AppWatch()
        self.clock_reading: ClockReading | None = None

    def request(
        self, path: str, method: RequestType = RequestType.GET, data: Mapping[str, Any] | None = None
    ) -> tuple[int, str]:
        """Ask up to three times with the same parameters: every order carries its own number, so that is safe.

        Narrower than the library's on purpose: no way to skip the check, no files. Raises ``WxError``.
        """
        body = "" if data is None else json.dumps(data, ensure_ascii=False)
        deadline = self._link.deadline()
        return self._thrice(deadline, lambda: self._once(path, method, body, deadline))

    def download(self, path: str) -> bytes:
        """A bill's file. WeChat does not sign it: compare the hash that came, signed, with its address."""
        deadline = Deadline(DOWNLOAD_WITHIN_S)
        return self._thrice(
            deadline, lambda: self._send(path, RequestType.GET, "", deadline, LONGEST_FILE_BYTES).content
        )

    def _thrice(self, deadline: Deadline, once: Callable[[], T]) -> T:
        try:
            answer = try_thrice(
                once, host="pay", deadline=deadline, pause=self._pause, jitter=self._jitter, again=lambda _: True
            )
        except WxRejected as refusal:
            self._tell(refusal)
            raise
        self._tell(None)
        return answer

    def _tell(self, refusal: WxRejected | None) -> None:
        """What a clock that is off makes WeChat refuse is not the fault of the keys."""
        reading = self.clock_reading
        if reading is not None and reading.is_off:
            self._watch.failed(CLOCK_SKEW, f"our clock is {reading.skew_s:+.0f} s away from WeChat's")
        elif refusal is None or (refusal.wx_code and not isinstance(refusal, WxMisconfigured)):
            self._watch.worked(CLOCK_SKEW)
            self._watch.worked(of_merchant(self.merchant.mchid))
        elif refusal.http == requests.codes.unauthorized or refusal.wx_code in CREDENTIALS:
            self._watch.failed(of_merchant(self.merchant.mchid), f"{refusal.wx_code} (http {refusal.http})")

    def _once(self, path: str, method: RequestType, body: str, deadline: Deadline) -> tuple[int, str]:
        answer = self._send(path, method, body, deadline, LONGEST_ANSWER_BYTES)
        return answer.status_code, self._checked(answer)

    def _send(self, path: str, method: RequestType, body: str, deadline: Deadline, longest: int) -> Answer:
        headers = self._headers(path, method, body)
        answer = self._link.send(
            method.value, path, headers=headers, data=body.encode(), deadline=deadline, longest=longest
        )
        self._read_clock(answer)
        if answer.status_code >= requests.codes.bad_request:
            raise _refusal(answer)
        if answer.status_code not in {requests.codes.ok, requests.codes.no_content}:
            raise WxUnavailable(f"http {answer.status_code}")  # 202: accepted, ask again; 3xx: somebody in between
        return answer

    def _read_clock(self, answer: Answer) -> None:
        """From the signed moment, else from the server's date: a refused call carries no more than that."""
        now, theirs = self._now(), _moment(answer.headers)
        if theirs is not None:
            self.clock_reading = ClockReading(now, now.timestamp() - theirs)

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

    def _checked(self, answer: Answer) -> str:
        try:
            signed = self.verify(answer.headers, answer.content, now=self._now())
        except BadNotification as fault:
            raise WxForged(f"answer not signed by WeChat Pay: {fault}") from fault
        if signed.stale:
            self._tell(None)
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


def read_answer(text: str, take: Callable[[Document], T]) -> T:
    """What we want of a genuine answer; one that lacks it is ``WxRejected``, and what it did is unknown."""
    try:
        return take(parse_document(text))
    except Malformed as fault:
        raise WxRejected("MALFORMED", str(fault)) from fault


def _refusal(answer: Answer) -> WxError:
    status = answer.status_code
    if status >= requests.codes.internal_server_error:
        return WxUnavailable(f"http {status}")
    code, message = _said(answer)
    if status == requests.codes.too_many_requests or code in RATE_LIMITED:
        return WxRateLimited(f"{code} {message} (http {status})")
    misconfigured = status == requests.codes.unauthorized or code in MISCONFIGURED
    return (WxMisconfigured if misconfigured else WxRejected)(code, message, status)


def _said(answer: Answer) -> tuple[str, str]:
    try:
        document = parse_document(answer.content.decode("utf-8", "replace"))
    except Malformed:
        return "", ""
    return str(document.get("code", "")), str(document.get("message", ""))


def _moment(headers: Mapping[str, str]) -> float | None:
    """Seconds since the epoch."""
    signed_at = headers.get("Wechatpay-Timestamp", "")
    if SECONDS.fullmatch(signed_at):
        return float(signed_at)
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:  # absent, or no date
        return None
