"""The second factor: codes of six digits from an authenticator app (RFC 6238)."""

import hmac
from base64 import b32encode
from datetime import datetime

import pyotp

SECRET_BYTES = 20
STEP_S = 30
ISSUER = "乡树管理后台"


def new_secret(random: bytes) -> str:
    """A shared secret from ``SECRET_BYTES`` random bytes, as authenticator apps take it."""
    return b32encode(random).decode()


def setup_uri(secret: str, *, username: str) -> str:
    """What the app scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def matching_step(secret: str, *, code: str, now: datetime) -> int | None:
    """The 30 s step to which ``code`` belongs, one before to one after now; ``None`` if to none.

    The caller burns the step: a code counts once.
    """
    current = int(now.timestamp()) // STEP_S
    generator = pyotp.TOTP(secret)
    given = code.encode()
    matches = [
        step
        for step in (current - 1, current, current + 1)
        if hmac.compare_digest(generator.generate_otp(step).encode(), given)
    ]
    return matches[0] if matches else None
