"""What the application asks of the outside world, gathered in one frozen value.

The words for WeChat are in ``core.wxpay`` and ``core.wxmini``; the live answers are in ``wxbackend.wechat`` and
``wxbackend.storage``; tests pass fakes to ``create_app``. This is the only module that reads the clock or the random
source.
"""

import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from flask import current_app

from wxbackend.core.crypto import Vault
from wxbackend.core.settings import Settings
from wxbackend.core.wxmini import MiniProgram, PushOpener
from wxbackend.core.wxpay import PaymentGateway


class Storage(Protocol):
    """Files by key such as ``certificates/RZ…/1754.png``. A key is written once and never changes."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes | None: ...

    def delete(self, key: str) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def dice() -> float:
    """At least 0 and less than 1: spreads repetitions, keeps no secret."""
    return secrets.randbelow(1024) / 1024


@dataclass(frozen=True)
class Ports:
    mini: MiniProgram
    pay: PaymentGateway
    storage: Storage
    push: PushOpener
    now: Callable[[], datetime] = utc_now
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    def new_token(self) -> str:
        """A secret of 256 bits, safe in a header or a URL."""
        return urlsafe_b64encode(self.random_bytes(32)).decode().rstrip("=")

    def new_id(self) -> str:
        """An opaque id of 80 bits for things that are seen outside."""
        return b32encode(self.random_bytes(10)).decode().lower()


def ports() -> Ports:
    found: Ports = current_app.extensions["xiangshu.ports"]
    return found


def vault() -> Vault:
    found: Vault = current_app.extensions["xiangshu.vault"]
    return found


def settings() -> Settings:
    found: Settings = current_app.extensions["xiangshu.settings"]
    return found
