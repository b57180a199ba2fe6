"""Passwords: argon2id with few at once, and the choice of a good one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from wxbackend.core.errors import Busy
from wxbackend.staff.errors import WeakPassword

SHORTEST, LONGEST = 12, 128
SALT_BYTES = 16
#: What must remain once everything that a guesser tries first has been taken out.
OWN_CHARACTERS = 8
DISTINCT_CHARACTERS = 5
CONTEXT_LENGTH = 3

# 19 MiB and two passes: the least that OWASP advises; the library's default costs five times as much.
_HASHER = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
#: Verified in place of an account that does not exist, so that both take the same time.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bm8gc3VjaCBhY2NvdW50IQ$IHc4Lyn1Mp7H119At9XA8YaUaA8K+k21IQY4miB18+s"
#: At most two hashes at once: a flood of sign-ins may cost neither all memory nor both processors.
_PLACES = BoundedSemaphore(2)
PLACE_TIMEOUT_S = 3.0


def hash_password(password: str, *, salt: bytes) -> str:
    """The argon2id hash; ``salt`` is 16 random bytes. Raises ``Busy`` when no place is free for 3 s."""
    with a_place():
        return _HASHER.hash(password, salt=salt)


def is_password(password: str, *, hashed: str | None) -> bool:
    """Whether it is the password; ``None`` (no such account) is never, and takes as long."""
    with a_place():
        try:
            return _HASHER.verify(hashed or NOBODY, password) and hashed is not None
        except VerifyMismatchError:
            return False


@contextmanager
def a_place(*, wait_s: float = PLACE_TIMEOUT_S) -> Iterator[None]:
    """One of the places where a hash is computed. Raises ``Busy`` when none is free in time."""
    if not _PLACES.acquire(timeout=wait_s):
        raise Busy
    try:
        yield
    finally:
        _PLACES.release()


def require_strong(password: str, *, about: Iterable[str]) -> None:
    """Raise ``WeakPassword`` for one that is short, long, common, or made of ``about``: the account's own words."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"密码长度须为 {SHORTEST} 至 {LONGEST} 个字符")
    if len(set(password)) < DISTINCT_CHARACTERS or len(_own_part(password, about)) < OWN_CHARACTERS:
        raise WeakPassword("密码过于常见，或只由用户名、单位、年份等词组成，请换一个不易猜到的密码")


def _own_part(password: str, about: Iterable[str]) -> str:
    """What is left without common fragments and the account's own words, longest taken first."""
    own = {word.lower() for word in about if len(word) >= CONTEXT_LENGTH}
    rest = password.lower()
    for fragment in sorted(own | _common_fragments(), key=lambda word: (-len(word), word)):
        rest = rest.replace(fragment, "")
    return rest


@cache
def _common_fragments() -> frozenset[str]:
    text = (Path(__file__).parent / "common_fragments.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
