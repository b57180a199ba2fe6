"""URL links: what POST wxa/generate_urllink made, and when each ends."""

import re
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.codes_pages import Env
from wxbackend.devtools.wxsim.mini_fields import optional_text, wrong_field
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.wire import Json

LINK_HOST = "https://wxaurl.cn"
QUERY = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]*", re.ASCII)
LONGEST_QUERY = 1024
LONGEST_PATH = 1024
MOST_DAYS = 30
DAY_S = 86400
SHORTEST_LIFE_S = 60
PER_DAY = 500_000
BY_MOMENT, BY_DAYS = 0, 1


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    path: str
    query: str
    env_version: Env
    expires_at: float


@dataclass(slots=True)
class LinkBook:
    """The caller holds the world's lock."""

    links: dict[str, Link] = field(default_factory=dict)
    today: int = 0
    made_today: int = 0

    def keep(self, *, path: str, query: str, env: Env, expires_at: float, now: float) -> Link:
        """Raises MiniRefusal 45009 beyond the quota of the day."""
        day = int(now // DAY_S)
        if day != self.today:
            self.today, self.made_today = day, 0
        if self.made_today >= PER_DAY:
            raise MiniRefusal(45009, "reach max api daily quota limit")
        self.made_today += 1
        link = Link(f"{LINK_HOST}/{random_hex(12)}", path, query, env, expires_at)
        self.links[link.url] = link
        return link


def read_query(body: Json) -> str:
    query = optional_text(body, "query", most=LONGEST_QUERY)
    if QUERY.fullmatch(query) is None:
        raise MiniRefusal(40212, "invalid query")
    return query


def read_path(body: Json) -> str:
    """Unlike a code's page, a link's path may begin with a slash."""
    path = optional_text(body, "path", most=LONGEST_PATH)
    if "?" in path:
        raise MiniRefusal(40165, "invalid weapp pagepath")
    return path.removeprefix("/")


def read_expiry(body: Json, *, now: float) -> float:
    """The moment the link ends: 30 days from now at the latest, also when none is named. Raises 85401."""
    latest = now + MOST_DAYS * DAY_S
    kind = body.get("expire_type", BY_MOMENT)
    name = {BY_MOMENT: "expire_time", BY_DAYS: "expire_interval"}.get(kind) if isinstance(kind, int) else None
    if name is None:
        raise wrong_field("expire_type", "is unknown")
    given = body.get(name)
    if given is None and kind == BY_MOMENT:
        return latest
    if not isinstance(given, int) or isinstance(given, bool):
        raise MiniRefusal(85401, "invalid expire time")
    moment = now + given * DAY_S if kind == BY_DAYS else float(given)
    if not now + SHORTEST_LIFE_S <= moment <= latest:
        raise MiniRefusal(85401, "time limit between 1min and 30days")
    return moment
