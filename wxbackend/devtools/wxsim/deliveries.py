"""One notification on its way: its state, its tries, and when the next one is due."""

from dataclasses import dataclass, field
from enum import StrEnum

from wxbackend.devtools.wxsim.notices import Handling, Notice
from wxbackend.devtools.wxsim.notices_forged import Forgery, Headers
from wxbackend.devtools.wxsim.wire import Json

RETRY_GAPS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ACCEPTED = (200, 204)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    HELD = "held"
    DROPPED = "dropped"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when by the schedule, and the HTTP status or what failed instead."""

    scheduled_at: float
    status: int | None
    error: str | None
    forged: Forgery | None


@dataclass(slots=True)
class Delivery:
    """One notification on its way; the office's lock guards it.

    ``sent`` is the last try as it went out; ``replay`` is an old one that goes out again instead of a new signature.
    """

    number: int
    notification_id: str
    notice: Notice
    body: bytes
    handling: Handling
    state: DeliveryState
    due_at: float
    attempts: list[Attempt] = field(default_factory=list)
    follows: "Delivery | None" = None
    sent: tuple[Headers, bytes] | None = None
    replay: tuple[Headers, bytes] | None = None

    @property
    def is_ready(self) -> bool:
        """Waiting for its moment only, not for the one before it in a released row."""
        return self.state is DeliveryState.WAITING and (self.follows is None or bool(self.follows.attempts))

    @property
    def is_forged(self) -> bool:
        """Sent by somebody else than WeChat, whose own probe is followed by the genuine one."""
        return self.replay is not None or self.handling.forge not in {None, Forgery.SIGNTEST}

    def record(self, attempt: Attempt) -> None:
        """Note a try and what follows from it: the end, or the next gap of the schedule. A forger stays away."""
        self.attempts.append(attempt)
        tries = len(self.attempts)
        if attempt.status in ACCEPTED:
            self.state = DeliveryState.DELIVERED
        elif self.is_forged or tries > len(RETRY_GAPS_S):
            self.state = DeliveryState.GIVEN_UP
        else:
            self.state = DeliveryState.WAITING
            self.due_at = attempt.scheduled_at + RETRY_GAPS_S[tries - 1]

    def facts(self) -> Json:
        return {
            "number": self.number,
            "notification_id": self.notification_id,
            "mchid": self.notice.mchid,
            "subject": self.notice.subject,
            "event_type": self.notice.event_type,
            "url": self.notice.url,
            "state": self.state.value,
            "due_at": self.due_at if self.state is DeliveryState.WAITING else None,
            "attempts": [
                {"scheduled_at": a.scheduled_at, "status": a.status, "error": a.error, "forged": a.forged}
                for a in self.attempts
            ],
        }
