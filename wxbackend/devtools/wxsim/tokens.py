"""Access tokens: the ordinary family (each fetch kills the last) and the stable one (the same until near its end).

The two families never touch each other. The quotas are those of the real host, counted per day of the business clock.
"""

from collections import Counter
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.people import MiniRefusal

TOKEN_LIFE_S = 7200
RENEW_BEFORE_S = 300
ORDINARY_PER_DAY = 2000
FORCED_PER_DAY = 20
FORCED_APART_S = 30
DAY_S = 86400


@dataclass(slots=True)
class TokenBook:
    """Live tokens with the moment they end; the caller holds the world's lock."""

    ordinary: dict[str, float] = field(default_factory=dict)
    stable: dict[str, float] = field(default_factory=dict)
    last_forced_at: float | None = None
    fetched: Counter[tuple[str, int]] = field(default_factory=Counter)

    def fetch_ordinary(self, *, now: float) -> tuple[str, int]:
        """A new token and its life in seconds; every earlier ordinary one dies at once."""
        self._count("ordinary", limit=ORDINARY_PER_DAY, now=now)
        self.ordinary = {}
        return _issue(self.ordinary, length=136, now=now)

    def fetch_stable(self, *, force_refresh: bool, now: float) -> tuple[str, int]:
        """The current token, or a new one in the last five minutes (the old stays good to its end) or when forced."""
        if force_refresh:
            return self._force(now=now)
        newest = max(self.stable.items(), key=lambda item: item[1], default=None)
        if newest is not None and newest[1] - now > RENEW_BEFORE_S:
            return newest[0], int(newest[1] - now)
        return _issue(self.stable, length=240, now=now)

    def invalidate(self) -> None:
        """Every token is void, as after a reset of the secret or a fetch by an unknown third program."""
        self.ordinary, self.stable = {}, {}

    def check(self, token: str, *, now: float) -> None:
        """Raises MiniRefusal 41001, 40001 or 42001."""
        if not token:
            raise MiniRefusal(41001, "access_token missing")
        ends_at = self.ordinary.get(token) or self.stable.get(token)
        if ends_at is None:
            raise MiniRefusal(40001, "invalid credential, access_token is invalid or not latest")
        if now >= ends_at:
            raise MiniRefusal(42001, "access_token expired")

    def _force(self, *, now: float) -> tuple[str, int]:
        if self.last_forced_at is not None and now - self.last_forced_at < FORCED_APART_S:
            raise MiniRefusal(45011, "api minute-quota reach limit, must slower retry next minute")
        self._count("forced", limit=FORCED_PER_DAY, now=now)
        self.last_forced_at = now
        self.stable = {}
        return _issue(self.stable, length=240, now=now)

    def _count(self, what: str, *, limit: int, now: float) -> None:
        key = (what, int(now // DAY_S))
        if self.fetched[key] >= limit:
            raise MiniRefusal(45009, "reach max api daily quota limit")
        self.fetched[key] += 1


def _issue(family: dict[str, float], *, length: int, now: float) -> tuple[str, int]:
    token = "98_" + random_hex(length)
    family[token] = now + TOKEN_LIFE_S
    return token, TOKEN_LIFE_S
