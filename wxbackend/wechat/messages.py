"""The fields of subscribe messages (订阅消息): each kind has its own rule, and one broken rule refuses the message."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
NAME = re.compile(r"([a-z_]+?)[0-9]*")
NUMBER = re.compile(r"-?(?=[0-9.]{1,32}$)[0-9]+(\.[0-9]+)?")
AMOUNT = re.compile(r"[¥$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?")
CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
DAY = r"([0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})"
TIME = re.compile(f"({DAY} )?{CLOCK}( ?~ ?({DAY} )?{CLOCK})?")
DATE = re.compile(f"{DAY}( {CLOCK})?( ?~ ?{DAY}( {CLOCK})?)?")
CAR = re.compile(r"[\u4e00-\u9fff]?[A-Za-z0-9]{1,7}[\u4e00-\u9fff]?")
CJK = re.compile(r"[\u4e00-\u9fff]")
MASK = "*"
UTF16_UNIT_BYTES = 2
#: What stands where nothing was given: an empty value refuses the whole message.
NOTHING = "无"


class Unfit(ValueError):
    """A value that cannot be brought into the form of its field. The text names the field only."""


def fit_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Every value in the form that its field's name asks for. Raises ``Unfit``."""
    return {name: _fit(name, value) for name, value in fields.items()}


def _fit(name: str, value: str) -> str:
    found = NAME.fullmatch(name)
    fit = KINDS.get(found[1] if found else "")
    fitted = fit(_one_line(value)) if fit else ""
    if not fitted:
        raise Unfit(f"{name} is not of its kind")
    return fitted


def _one_line(value: str) -> str:
    """Without control characters, which WeChat refuses in every kind."""
    printable = (" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in value)
    return " ".join("".join(printable).split())


def _thing(value: str) -> str:
    return _cut(value, 20) or NOTHING


def _cut(value: str, longest: int) -> str:
    """Counted as the phone does, where an emoji is two; what was cut is shown by an ellipsis."""
    if len(value.encode("utf-16-le")) <= longest * UTF16_UNIT_BYTES:
        return value
    kept = value.encode("utf-16-le")[: (longest - 1) * UTF16_UNIT_BYTES].decode("utf-16-le", "ignore")
    return f"{kept}…"


def _number(value: str) -> str:
    return _matching(NUMBER, _narrow(value).replace(",", ""))


def _amount(value: str) -> str:
    return _matching(AMOUNT, _narrow(value).replace(",", "").replace(" ", ""))


def _character_string(value: str) -> str:
    return _only(r"[\x20-\x7e]", _narrow(value))[:32].strip()


def _letter(value: str) -> str:
    return _only(r"[A-Za-z]", _narrow(value))[:32]


def _symbol(value: str) -> str:
    return _only(r"[^\w\s]", value)[:5]


def _phone_number(value: str) -> str:
    """A masked number keeps its length."""
    return _only(r"[0-9+\-() ]", _narrow(value).replace(MASK, "-"))[:17].strip()


def _car_number(value: str) -> str:
    return _matching(CAR, _only(r"[\u4e00-\u9fffA-Za-z0-9]", _narrow(value))[:8])


def _name(value: str) -> str:
    """Chinese or Latin, never both: of 张* becomes 张某."""
    if not CJK.search(value):
        return _only(r"[\x20-\x7e]", _narrow(value))[:20].strip()
    return _only(r"[\u4e00-\u9fff·]", value.replace(MASK, "某"))[:10]


def _phrase(value: str) -> str:
    return _only(r"[\u4e00-\u9fff]", value)[:5]


def _time(value: str) -> str:
    return _matching(TIME, _narrow(value)) or _spoken(value, with_clock=True)


def _date(value: str) -> str:
    return _matching(DATE, _narrow(value)) or _spoken(value, with_clock=len(value) > len("2026-03-12"))


def _spoken(value: str, *, with_clock: bool) -> str:
    """A moment in ISO 8601 as people in China say it."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return ""
    local = moment.astimezone(CHINA) if moment.tzinfo else moment
    day = f"{local.year}年{local.month}月{local.day}日"
    return f"{day} {local:%H:%M}" if with_clock else day


def _narrow(value: str) -> str:
    return unicodedata.normalize("NFKC", value)


def _only(allowed: str, value: str) -> str:
    return " ".join("".join(re.findall(allowed, value)).split())


def _matching(rule: re.Pattern[str], value: str) -> str:
    return value if rule.fullmatch(value) else ""


#: By the letters of a field's name before its digits. Empty is what cannot be fitted.
KINDS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "thing": _thing,
        "const": _thing,
        "number": _number,
        "letter": _letter,
        "symbol": _symbol,
        "character_string": _character_string,
        "time": _time,
        "date": _date,
        "amount": _amount,
        "phone_number": _phone_number,
        "car_number": _car_number,
        "name": _name,
        "phrase": _phrase,
    }
)
