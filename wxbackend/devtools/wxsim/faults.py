"""Faults that a test or a developer orders: the next answers of some paths fail as told."""

import re
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.wire import Json, Request

ENDLESS = -1


class BadFault(Exception):
    """The order for a fault makes no sense."""


@dataclass(slots=True)
class Fault:
    """One ordered fault. With ``after`` the request takes effect and only its answer is lost or replaced.

    ``path`` and ``host`` are regular expressions. The first ``skip`` requests that match pass unharmed. ``mistake``
    leaves the answer true and its signature wrong, see pay_mistakes.
    """

    path: str
    times: int = 1
    json: Json | None = None
    status: int | None = None
    code: str = "SYSTEM_ERROR"
    message: str = "系统异常，请稍后重试"
    hang_s: float = 0.0
    drop: bool = False
    truncate: bool = False
    mistake: str | None = None
    after: bool = False
    method: str | None = None
    host: str | None = None
    skip: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        try:
            re.compile(self.path), re.compile(self.host or "")
        except re.error as error:
            raise BadFault(f"path and host are regular expressions: {error}") from error
        if not (self.replaces_answer or self.hang_s or self.drop or self.truncate or self.mistake):
            raise BadFault("give one of json, status, hang_s, drop, truncate, mistake")
        if self.times < ENDLESS or self.hang_s < 0 or self.skip < 0:
            raise BadFault("times is -1 (always) or more; hang_s and skip are not negative")

    def concerns(self, request: Request) -> bool:
        return (
            re.search(self.path, request.path) is not None
            and self.method in {None, request.method}
            and re.search(self.host or "", request.header("Host")) is not None
        )

    @property
    def replaces_answer(self) -> bool:
        return self.json is not None or self.status is not None


@dataclass(slots=True)
class Faults:
    """The ordered faults, first match first; the caller holds the world's lock."""

    active: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def take(self, request: Request) -> Fault | None:
        """The fault that strikes this request; counts it down."""
        for fault in self.active:
            if fault.times != 0 and fault.concerns(request):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                fault.times -= fault.times > 0
                return fault
        return None
