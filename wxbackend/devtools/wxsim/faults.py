"""Faults that a test or a developer orders: the next answers of some paths fail as told."""

import re
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.wire import Json

ENDLESS = -1


class BadFault(Exception):
    """The order for a fault makes no sense."""


@dataclass(slots=True)
class Fault:
    """One ordered fault. With ``after`` the request takes effect and only its answer is lost or replaced."""

    path: str
    times: int = 1
    json: Json | None = None
    status: int | None = None
    code: str = "SYSTEM_ERROR"
    message: str = "系统异常，请稍后重试"
    hang_s: float = 0.0
    drop: bool = False
    truncate: bool = False
    after: bool = False
    hits: int = 0

    def __post_init__(self) -> None:
        try:
            re.compile(self.path)
        except re.error as error:
            raise BadFault(f"path is no regular expression: {error}") from error
        if not (self.replaces_answer or self.hang_s or self.drop or self.truncate):
            raise BadFault("give one of json, status, hang_s, drop, truncate")
        if self.times < ENDLESS or self.hang_s < 0:
            raise BadFault("times is -1 (always) or more; hang_s is not negative")

    @property
    def replaces_answer(self) -> bool:
        return self.json is not None or self.status is not None


@dataclass(slots=True)
class Faults:
    """The ordered faults, first match first; the caller holds the world's lock."""

    active: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def take(self, path: str) -> Fault | None:
        """The fault that strikes this request; counts it down."""
        for fault in self.active:
            if fault.times != 0 and re.search(fault.path, path):
                fault.hits += 1
                fault.times -= fault.times > 0
                return fault
        return None
