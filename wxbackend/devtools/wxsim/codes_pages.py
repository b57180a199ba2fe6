"""Which pages of the mini-program exist, per environment."""

from dataclasses import dataclass, field
from enum import StrEnum


class Env(StrEnum):
    RELEASE = "release"
    TRIAL = "trial"
    DEVELOP = "develop"


@dataclass(slots=True)
class Pages:
    """An environment nobody published to has every page, so that a backend can be tried before its front end."""

    published: dict[Env, frozenset[str]] = field(default_factory=dict)

    def publish(self, pages: frozenset[str], *, env: Env) -> None:
        """From now on exactly these exist there; an empty set is a mini-program that was never published."""
        self.published[env] = pages

    def has(self, page: str, *, env: Env) -> bool:
        return env not in self.published or page in self.published[env]

    def is_published(self, *, env: Env) -> bool:
        return env not in self.published or bool(self.published[env])
