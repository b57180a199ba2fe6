"""The simulator's time and luck: the only file here that reads a clock or a random source.

Three times run side by side, because they answer different questions:

* ``now()`` is business time: tokens, codes and orders expire by it. ``advance()`` moves it.
* ``signing_now()`` stands in signatures and judges the ±300 s window. ``advance()`` leaves it alone, so that a caller
  with an honest clock still gets in after the business day has moved; ``skew()`` moves it, to play a wrong clock.
* ``schedule_now()`` drives the delivery of notifications. It runs ``speed`` times as fast as the wall clock.
"""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

FASTEST = 1_000_000
CHINA = timezone(timedelta(hours=8))


def random_hex(length: int) -> str:
    """``length`` random lower-case hex digits."""
    return secrets.token_hex((length + 1) // 2)[:length]


def random_bytes(length: int) -> bytes:
    return secrets.token_bytes(length)


def rfc3339(seconds: float) -> str:
    """A moment as WeChat Pay writes it: seconds, with the offset of China."""
    return datetime.fromtimestamp(seconds, CHINA).isoformat(timespec="seconds")


class SimClock:
    """Business, signing and schedule time over one wall clock; safe to share between threads."""

    def __init__(self, wall: Callable[[], float] = time.time, *, speed: float = 1.0) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._speed = _checked_speed(speed)
        self._advanced_s = 0.0
        self._skew_s = 0.0
        self._anchor_wall = wall()
        self._anchor_schedule = self._anchor_wall

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return self._wall() + self._advanced_s

    def signing_now(self) -> float:
        return self._wall() + self._skew_s

    def schedule_now(self) -> float:
        with self._lock:
            return self._schedule(self._wall())

    def advance(self, seconds: float) -> None:
        """Let business time and the schedule pass; neither ever runs backwards."""
        if seconds < 0:
            raise ValueError("time only advances")
        with self._lock:
            self._advanced_s += seconds
            self._anchor_schedule += seconds

    def skew(self, seconds: float) -> None:
        """Set how far the signing clock is off the wall clock; negative is behind."""
        self._skew_s = seconds

    def set_speed(self, speed: float) -> None:
        checked = _checked_speed(speed)
        with self._lock:
            wall = self._wall()
            self._anchor_schedule, self._anchor_wall = self._schedule(wall), wall
            self._speed = checked

    def jump_schedule(self, until: float) -> None:
        """Move the schedule alone forward to ``until``; nothing happens when it is past already."""
        with self._lock:
            self._anchor_schedule += max(0.0, until - self._schedule(self._wall()))

    def wall_seconds_until(self, due: float) -> float:
        """How long a thread has to wait for the schedule to reach ``due``."""
        return max(0.0, (due - self.schedule_now()) / self._speed)

    def facts(self) -> dict[str, float]:
        return {
            "now": self.now(),
            "signing_now": self.signing_now(),
            "schedule_now": self.schedule_now(),
            "speed": self._speed,
            "advanced_s": self._advanced_s,
            "skew_s": self._skew_s,
        }

    def _schedule(self, wall: float) -> float:
        return self._anchor_schedule + (wall - self._anchor_wall) * self._speed


def _checked_speed(speed: float) -> float:
    if not 0 < speed <= FASTEST:
        raise ValueError(f"speed must be above 0 and at most {FASTEST:,}")
    return speed
