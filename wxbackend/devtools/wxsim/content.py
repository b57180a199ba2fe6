"""What moderation thinks of a text: words decide, and an order from outside which words."""

from dataclasses import dataclass, field
from enum import StrEnum

from wxbackend.devtools.wxsim.wire import Json

CLEAN_LABEL = 100
CRIME_LABEL = 20006
OTHER_LABEL = 21000


class Suggest(StrEnum):
    PASS = "pass"  # noqa: S105  WeChat's word for harmless
    REVIEW = "review"
    RISKY = "risky"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``label``: 100 正常, 10001 广告, 20001 时政, 20002 色情, 20003 辱骂, 20006 违法犯罪, 20008 欺诈, 21000 其他."""

    suggest: Suggest
    label: int

    def facts(self) -> Json:
        return {"suggest": self.suggest.value, "label": self.label}


CLEAN = Verdict(Suggest.PASS, CLEAN_LABEL)


def default_words() -> dict[str, Verdict]:
    return {"违规": Verdict(Suggest.RISKY, CRIME_LABEL), "存疑": Verdict(Suggest.REVIEW, OTHER_LABEL)}


@dataclass(slots=True)
class ContentRules:
    """Which word makes a text what; the worst verdict of all words that occur counts."""

    words: dict[str, Verdict] = field(default_factory=default_words)

    def judge(self, *texts: str) -> tuple[Verdict, str]:
        """The verdict and the word that caused it, which is empty for a harmless text."""
        order = tuple(Suggest)
        hits = [(verdict, word) for word, verdict in self.words.items() if any(word in each for each in texts)]
        return max(hits, key=lambda hit: order.index(hit[0].suggest), default=(CLEAN, ""))
