"""States of a tree in words, and numbers as people read them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from certificates.codes import group_number
from models import PledgeKind, TreeAdoption, TreeLife

#: How a state looks: each tone has a colour and a shape of its own, so that nobody needs to see colours.
Tone = Literal["waiting", "good", "care", "gone"]


@dataclass(frozen=True, slots=True)
class State:
    text: str
    tone: Tone


LIFE_STATES: Mapping[TreeLife, State] = MappingProxyType(
    {
        TreeLife.PLANNED: State("待种植", "waiting"),
        TreeLife.PIT_DUG: State("已挖穴，待种植", "waiting"),
        TreeLife.PLANTED: State("已种植", "good"),
        TreeLife.ACCEPTED: State("已种植，验收合格", "good"),
        TreeLife.ALIVE: State("生长良好", "good"),
        TreeLife.WEAK: State("长势偏弱，加强管护中", "care"),
        TreeLife.SICK: State("病虫害防治中", "care"),
        TreeLife.DEAD: State("已枯死", "gone"),
        TreeLife.MISSING: State("已缺失", "gone"),
        TreeLife.REMOVED: State("已移除", "gone"),
    }
)
ADOPTION_WORDS: Mapping[TreeAdoption, str] = MappingProxyType(
    {
        TreeAdoption.CLOSED: "未开放认养",
        TreeAdoption.OPEN: "可认养",
        TreeAdoption.HELD: "认养支付中",
        TreeAdoption.ADOPTED: "已认养",
        TreeAdoption.ENDED: "认养已到期",
    }
)
#: What its giver is called on a tree's page; a donation binds no tree.
ADOPTER_WORDS: Mapping[PledgeKind, str] = MappingProxyType({PledgeKind.PLANT: "认种人", PledgeKind.ADOPT: "认养人"})
#: There is no tree yet: nothing may say that one was planted.
NOT_PLANTED = frozenset({TreeLife.PLANNED, TreeLife.PIT_DUG})
#: These need no plate any more.
GONE = tuple(life for life, state in LIFE_STATES.items() if state.tone == "gone")


def adoption_words(adoption: TreeAdoption, kind: PledgeKind | None) -> str:
    """A tree planted for somebody is 已认种; one that stood already is 已认养."""
    if adoption is TreeAdoption.ADOPTED and kind is PledgeKind.PLANT:
        return "已认种"
    return ADOPTION_WORDS[adoption]


def number_groups(number: str) -> tuple[str, str]:
    """The village's code, then year, sequence and check, each in pieces that can be read aloud."""
    pieces = group_number(number)
    return " ".join(pieces[:3]), " ".join(pieces[3:])


def code_text(base_url: str, token: str) -> str:
    """What a plate's code says: all capitals, which the code's alphanumeric mode needs."""
    return f"{base_url.rstrip('/')}/T/{token}".upper()
