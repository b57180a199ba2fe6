"""Picture moderation: what was handed in, what the answer will be, and whether it will ever come."""

import re
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.content import CLEAN, Verdict
from wxbackend.devtools.wxsim.mini_errors import BadOrder
from wxbackend.devtools.wxsim.wire import Json

ENDLESS = -1


@dataclass(slots=True)
class MediaRule:
    """The verdict for pictures whose address matches ``url``; ``lost`` ones are never answered."""

    url: str = ""
    verdict: Verdict = CLEAN
    delay_s: float = 0.0
    lost: bool = False
    times: int = ENDLESS

    def __post_init__(self) -> None:
        try:
            re.compile(self.url)
        except re.error as error:
            raise BadOrder("bad-url", f"url is no regular expression: {error}") from error

    def facts(self) -> Json:
        return {
            "url": self.url,
            **self.verdict.facts(),
            "delay_s": self.delay_s,
            "lost": self.lost,
            "times": self.times,
        }


@dataclass(slots=True)
class MediaCheck:
    """One picture on its way through moderation; ``outcome`` says what became of it."""

    trace_id: str
    openid: str
    url: str
    scene: int
    rule: MediaRule
    outcome: str = "waiting"

    def facts(self) -> Json:
        return {
            "trace_id": self.trace_id,
            "openid": self.openid,
            "media_url": self.url,
            "scene": self.scene,
            "outcome": self.outcome,
        }


@dataclass(slots=True)
class MediaDesk:
    """The rules, first match first, and every check; the caller holds the world's lock."""

    rules: list[MediaRule] = field(default_factory=list)
    checks: list[MediaCheck] = field(default_factory=list)

    def take_rule(self, url: str) -> MediaRule:
        """The rule for this picture, counted down; a harmless verdict at once when there is none."""
        for rule in self.rules:
            if rule.times != 0 and re.search(rule.url, url):
                rule.times -= rule.times > 0
                return rule
        return MediaRule()
