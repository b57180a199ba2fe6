"""How the routes of api.weixin.qq.com read a field: present, of the right type, of the right length."""

from collections.abc import Container

from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.wire import Json

INVALID_ARGS = 40097


def wrong_field(name: str, issue: str) -> MiniRefusal:
    return MiniRefusal(INVALID_ARGS, f"invalid args: {name} {issue}")


def text(body: Json, name: str, *, most: int) -> str:
    """A text that must be there and not be empty; ``most`` counts characters."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise wrong_field(name, "is missing")
    if len(value) > most:
        raise wrong_field(name, f"is longer than {most}")
    return value


def optional_text(body: Json, name: str, *, most: int) -> str:
    """An absent text is an empty one."""
    given = body.get(name)
    return "" if given is None or given == "" else text(body, name, most=most)


def choice(body: Json, name: str, *, among: Container[str], default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in among:
        raise wrong_field(name, "is unknown")
    return value


def number(body: Json, name: str, *, among: Container[int], default: int | None = None) -> int:
    """A whole number; JSON's true and false are none."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value not in among:
        raise wrong_field(name, "is out of range")
    return value


def flag(body: Json, name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise wrong_field(name, "is not a boolean")
    return value
