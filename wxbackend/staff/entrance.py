"""Signing in, confirming and activating as whole acts. They own their transactions: hashing stays outside of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from wxbackend.core.crypto import Vault
from wxbackend.core.db import reading, transaction
from wxbackend.staff import passwords, service, sign_in, totp
from wxbackend.staff.errors import SignInRefused, WrongTotp
from wxbackend.staff.sign_in import Credentials


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was typed, and the token of the session this browser had before."""

    username: str
    password: str
    code: str
    replaces: str | None = None


def enter(
    attempt: Attempt,
    *,
    token: str,
    safe: Vault,
    now: datetime,
    is_password: Callable[..., bool] = passwords.is_password,
) -> None:
    """Open a session for ``token``. Password first, outside any transaction; then the code, used up in one.

    Raises ``SignInRefused``, the same for every reason; an account that does not exist costs the same hash.
    """
    with reading() as session:
        who = sign_in.find_credentials(session, username=attempt.username, now=now)
    is_right = is_password(attempt.password, hashed=who.password_hash if who else None)
    with _failures_counted(attempt.username, now=now):
        if who is None or not is_right:
            raise SignInRefused
        step = _step(who, code=attempt.code, safe=safe, now=now)
        with transaction() as session:
            sign_in.open_session(session, who=who, step=step, token=token, replaces=attempt.replaces, now=now)


def confirm(*, staff_id: int, session_id: int, code: str, token: str, safe: Vault, now: datetime) -> None:
    """Take a fresh code of somebody signed in; the session goes on under ``token``. Raises ``WrongTotp``."""
    with reading() as session:
        who = sign_in.credentials_of(session, staff_id=staff_id, now=now)
    if who is None:
        raise WrongTotp
    with _failures_counted(who.username, now=now):
        step = _step(who, code=code, safe=safe, now=now)
        with transaction() as session:
            sign_in.confirm(session, who=who, session_id=session_id, step=step, token=token, now=now)


@contextmanager
def _failures_counted(username: str, *, now: datetime) -> Iterator[None]:
    """The failure is committed by itself: what failed was rolled back."""
    try:
        yield
    except (SignInRefused, WrongTotp):
        with transaction() as session:
            sign_in.note_failure(session, username=username, now=now)
        raise SignInRefused from None


def _step(who: Credentials, *, code: str, safe: Vault, now: datetime) -> int:
    secret = safe.open(who.totp_sealed, place=service.totp_place(who.row_key))
    step = totp.matching_step(secret, code=code, now=now)
    if step is None:
        raise WrongTotp
    return step


def choose_password(link_token: str, password: str, *, salt: bytes, secret: str, safe: Vault, now: datetime) -> str:
    """First half of an activation: keep a strong password and a new TOTP secret. Returns the username."""
    with reading() as session:
        who = service.invited(session, link_token=link_token, now=now)
    passwords.require_strong(password, about=(who.username, who.display_name))
    hashed = passwords.hash_password(password, salt=salt)
    with transaction() as session:
        service.prepare(
            session, who=who, link_token=link_token, password_hash=hashed, secret=secret, safe=safe, now=now
        )
    return who.username


def prove_totp(link_token: str, code: str, *, safe: Vault, now: datetime) -> None:
    """Second half: a code from the app opens the account. Raises ``WrongTotp``, ``LinkSpent``."""
    with reading() as session:
        who = service.invited(session, link_token=link_token, now=now)
    if who.totp_sealed is None:
        raise WrongTotp
    step = totp.matching_step(safe.open(who.totp_sealed, place=service.totp_place(who.row_key)), code=code, now=now)
    if step is None:
        raise WrongTotp
    with transaction() as session:
        service.activate(session, who=who, link_token=link_token, step=step, now=now)
