"""One-off subscription: templates with typed fields, consents that each allow one message, and the messages sent."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.mini_errors import BadOrder
from wxbackend.devtools.wxsim.people import MiniRefusal

FIELD_NAME = re.compile(r"([a-z_]+?)\d*")
OUTBOX_SIZE = 1000
LONGEST_THING = 20
UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
HOURS = r"\d{1,2}:\d{2}(:\d{2})?"
DAY = r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})"


def _pattern(form: str) -> Callable[[str], bool]:
    whole = re.compile(form, re.ASCII)
    return lambda value: whole.fullmatch(value) is not None


def utf16_length(value: str) -> int:
    """As a phone counts: most emoji are two. The strict reading, where WeChat says 字符 and no more."""
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def _either(first: Callable[[str], bool], second: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: first(value) or second(value)


def _period(moment: str) -> Callable[[str], bool]:
    return _pattern(f"{moment}( ?~ ?{moment})?")


FIELD_RULES: dict[str, Callable[[str], bool]] = {
    "thing": lambda value: utf16_length(value) <= LONGEST_THING,
    "number": _pattern(r"-?(?=[\d.]{1,32}$)\d+(\.\d+)?"),
    "letter": _pattern(r"[A-Za-z]{1,32}"),
    "symbol": _pattern(r"[^\w\s\u4e00-\u9fff]{1,5}"),
    "character_string": _pattern(r"[\x21-\x7e ]{1,32}"),
    "time": _period(f"({DAY} )?{HOURS}"),
    "date": _period(f"{DAY}( {HOURS})?"),
    "amount": _pattern(r"[¥￥$€£]?(?=[\d.]{1,11}元?$)\d{1,10}(\.\d{1,2})?元?"),
    "phone_number": _pattern(r"[\d+\-() ]{1,17}"),
    "car_number": _pattern(r"(?=.{1,8}$)[\u4e00-\u9fff]?[A-Za-z0-9]+[\u4e00-\u9fff]?"),
    "name": _either(_pattern(r"[\u4e00-\u9fff·]{1,10}"), _pattern(r"[\x21-\x7e ]{1,20}")),
    "phrase": _pattern(r"[\u4e00-\u9fff]{1,5}"),
}
"""What a value may be, by the type that stands before the digits of the field's name."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the merchant chose it in the console; a field's name tells its type, ``thing1`` is a thing."""

    template_id: str
    title: str
    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [name for name in self.fields if field_type(name) not in FIELD_RULES]
        if unknown or not self.fields:
            raise BadOrder(
                "bad-template", f"fields are one of {', '.join(FIELD_RULES)} with digits behind; not {unknown}"
            )

    def read(self, data: object) -> dict[str, str]:
        """The values of all fields; raises MiniRefusal 47003 that names the first wrong one."""
        given = data if isinstance(data, dict) else {}
        return {name: _value(name, given.get(name)) for name in self.fields}


@dataclass(frozen=True, slots=True)
class SentMessage:
    msgid: int
    openid: str
    template_id: str
    page: str
    fields: dict[str, str]
    miniprogram_state: str
    sent_at: float


@dataclass(slots=True)
class Subscriptions:
    """Templates, what each user still allows, and the outbox; the caller holds the world's lock."""

    templates: dict[str, Template] = field(default_factory=dict)
    consents: Counter[tuple[str, str]] = field(default_factory=Counter)
    outbox: list[SentMessage] = field(default_factory=list)
    sent: int = 0

    def use_consent(self, openid: str, template_id: str) -> None:
        """Raises MiniRefusal 43101 when the user refused, or allowed no more than was sent."""
        if self.consents[openid, template_id] <= 0:
            raise MiniRefusal(43101, "user refuse to accept the msg")
        self.consents[openid, template_id] -= 1

    def keep(self, message: SentMessage) -> None:
        self.outbox.append(message)
        del self.outbox[:-OUTBOX_SIZE]


def field_type(name: str) -> str:
    found = FIELD_NAME.fullmatch(name)
    return found[1] if found else ""


def _value(name: str, given: object) -> str:
    value = given.get("value") if isinstance(given, dict) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise MiniRefusal(47003, f"argument invalid! data.{name}.value is empty")
    if any(unicodedata.category(letter) in UNPRINTABLE for letter in value) or not FIELD_RULES[field_type(name)](value):
        raise MiniRefusal(47003, f"argument invalid! data.{name}.value invalid")
    return value
