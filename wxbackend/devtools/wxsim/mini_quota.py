"""Calls per minute of the mini-program interface, counted by the business clock."""

from collections import Counter
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.people import MiniRefusal

MINUTE_S = 60
PER_MINUTE = {
    "/cgi-bin/stable_token": 10_000,
    "/wxa/getwxacodeunlimit": 5_000,
    "/wxa/media_check_async": 2_000,
    "/wxa/msg_sec_check": 4_000,
}


@dataclass(slots=True)
class Quotas:
    """One count per path and minute; the caller holds the world's lock."""

    per_minute: dict[str, int] = field(default_factory=lambda: dict(PER_MINUTE))
    _minute: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def count(self, path: str, *, now: float) -> None:
        """Raises MiniRefusal 45009 for the call that is one too many in this minute."""
        limit = self.per_minute.get(path)
        if limit is None:
            return
        minute = int(now // MINUTE_S)
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        self._counts[path] += 1
        if self._counts[path] > limit:
            raise MiniRefusal(45009, "reach max api minute frequence limit")
