"""The pushes of one mini-program: what was sent, how each try ended, what is planned for the next ones."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from wxbackend.devtools.wxsim.push import PushForgery, PushSettings
from wxbackend.devtools.wxsim.wire import Json

MOST_COPIES = 100
RETRIES = 3
RETRY_GAP_S = 5.0


class PushState(StrEnum):
    WAITING = "waiting"
    HELD = "held"
    DROPPED = "dropped"
    NO_ADDRESS = "no_address"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class PushHandling:
    """How an event travels."""

    copies: int = 1
    delay_s: float = 0.0
    hold: bool = False
    drop: bool = False
    forge: PushForgery | None = None


@dataclass(frozen=True, slots=True)
class PushTry:
    """When by the schedule; the HTTP status and the start of the answer, or what failed instead."""

    scheduled_at: float
    status: int | None
    answer: str
    error: str | None


@dataclass(slots=True)
class Push:
    number: int
    event: Json
    handling: PushHandling
    state: PushState
    tries: list[PushTry] = field(default_factory=list)

    def record(self, done: PushTry) -> float | None:
        """Note a try; the moment of the next one, None when this was the last. A forger stays away."""
        self.tries.append(done)
        if done.status == HTTPStatus.OK and done.answer in {"", "success"}:
            self.state = PushState.DELIVERED
        elif self.handling.forge is not None or len(self.tries) > RETRIES:
            self.state = PushState.GIVEN_UP
        else:
            return done.scheduled_at + RETRY_GAP_S
        return None

    def facts(self) -> Json:
        return {
            "number": self.number,
            "event": self.event,
            "forge": self.handling.forge,
            "state": self.state.value,
            "tries": [
                {"scheduled_at": t.scheduled_at, "status": t.status, "answer": t.answer, "error": t.error}
                for t in self.tries
            ],
        }


@dataclass(slots=True)
class PushBox:
    """All pushes; the caller holds the world's lock. The settings outlive everything else."""

    settings: PushSettings = field(default_factory=PushSettings)
    pushes: list[Push] = field(default_factory=list)
    plans: deque[PushHandling] = field(default_factory=deque)

    def next_handling(self) -> PushHandling:
        return self.plans.popleft() if self.plans else PushHandling()

    def enter(self, event: Json, handling: PushHandling) -> Push:
        push = Push(len(self.pushes) + 1, event, handling, self._first_state(handling))
        self.pushes.append(push)
        return push

    def find(self, number: int) -> Push | None:
        return self.pushes[number - 1] if 1 <= number <= len(self.pushes) else None

    def _first_state(self, handling: PushHandling) -> PushState:
        if self.settings.url is None:
            return PushState.NO_ADDRESS
        if handling.drop:
            return PushState.DROPPED
        return PushState.HELD if handling.hold else PushState.WAITING
