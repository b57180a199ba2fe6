"""Merchants with the keys of both sides, and the mini-program's own account."""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.keys import SigningKey, new_key, self_signed, serial_of

DEFAULT_APPID = "wx5a6b7c8d9e0f1a2b"
DEFAULT_MCHIDS = ("1680000001", "1680000002")


class SignMode(StrEnum):
    """Whose key signs a notification; ALTERNATE plays the days of the switch, when both occur."""

    PUBLIC_KEY = "public_key"
    PLATFORM_CERTIFICATE = "platform_certificate"
    ALTERNATE = "alternate"


@dataclass(slots=True)
class MiniApp:
    """The mini-program; its secret can be reset while the simulator runs."""

    appid: str
    secret: str


@dataclass(slots=True)
class Merchant:
    """One mchid: the merchant's own key, WeChat's public key for it, and WeChat's platform certificate."""

    mchid: str
    apiv3_key: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    wechat_key: rsa.RSAPrivateKey
    public_key_id: str
    platform_key: rsa.RSAPrivateKey
    platform_certificate: x509.Certificate
    sign_mode: SignMode = SignMode.PUBLIC_KEY
    notices_signed: int = 0

    @property
    def serial_no(self) -> str:
        return serial_of(self.certificate)

    @property
    def platform_serial(self) -> str:
        return serial_of(self.platform_certificate)

    @property
    def platform_pem(self) -> bytes:
        return self.platform_certificate.public_bytes(serialization.Encoding.PEM)

    def public_key_signer(self) -> SigningKey:
        return SigningKey(self.public_key_id, self.wechat_key)

    def certificate_signer(self) -> SigningKey:
        return SigningKey(self.platform_serial, self.platform_key)

    def answer_signer(self, wanted_serial: str) -> SigningKey | None:
        """The key that the request's ``Wechatpay-Serial`` asks for; the platform certificate when it asks for none."""
        if wanted_serial == self.public_key_id:
            return self.public_key_signer()
        if wanted_serial.upper() in {"", self.platform_serial}:
            return self.certificate_signer()
        return None

    def notice_signer(self, mode: SignMode | None) -> SigningKey:
        """The key for the next notification; counts it, so that ALTERNATE takes turns."""
        chosen = mode or self.sign_mode
        self.notices_signed += 1
        if chosen is SignMode.ALTERNATE:
            chosen = SignMode.PUBLIC_KEY if self.notices_signed % 2 else SignMode.PLATFORM_CERTIFICATE
        return self.public_key_signer() if chosen is SignMode.PUBLIC_KEY else self.certificate_signer()


def new_mini_app() -> MiniApp:
    return MiniApp(DEFAULT_APPID, random_hex(32))


def public_key_id_of(mchid: str) -> str:
    return f"PUB_KEY_ID_01{mchid}2026010100000000"


def new_merchant(mchid: str, *, now: float, platform_key: rsa.RSAPrivateKey, platform: x509.Certificate) -> Merchant:
    """A merchant with fresh keys; the platform certificate may be shared, WeChat's public key never is."""
    key = new_key()
    return Merchant(
        mchid=mchid,
        apiv3_key=random_hex(32),
        key=key,
        certificate=self_signed(key, name=f"wxsim merchant {mchid}", now=now),
        wechat_key=new_key(),
        public_key_id=public_key_id_of(mchid),
        platform_key=platform_key,
        platform_certificate=platform,
    )


def new_merchants(mchids: tuple[str, ...], *, now: float) -> dict[str, Merchant]:
    platform_key = new_key()
    platform = self_signed(platform_key, name="wxsim platform", now=now)
    return {mchid: new_merchant(mchid, now=now, platform_key=platform_key, platform=platform) for mchid in mchids}
