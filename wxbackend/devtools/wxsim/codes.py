"""The parameters of a mini-program code, and the codes minted so far."""

import re
from collections import deque
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.codes_pages import Env
from wxbackend.devtools.wxsim.mini_fields import choice, flag, number, optional_text
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.wire import Json

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+", re.ASCII)
LONGEST_SCENE = 32
LONGEST_PAGE = 128
WIDTHS = range(280, 1281)
DEFAULT_WIDTH = 430
KEPT_CODES = 1000
ENVIRONMENTS = frozenset(env.value for env in Env)


@dataclass(frozen=True, slots=True)
class CodeForm:
    """A code that passed the checks; ``page`` is empty for the home page."""

    scene: str
    page: str
    env_version: str
    width: int
    is_hyaline: bool
    check_path: bool


@dataclass(slots=True)
class MintedCodes:
    """What was minted; ``disguised`` are refusals that the next calls answer under the type of a picture."""

    minted: deque[CodeForm] = field(default_factory=lambda: deque(maxlen=KEPT_CODES))
    unchecked_pages: set[str] = field(default_factory=set)
    disguised: deque[int] = field(default_factory=deque)


def read_code_form(body: Json) -> CodeForm:
    flag(body, "auto_color", default=False)
    return CodeForm(
        scene=_scene(body),
        page=_page(body),
        env_version=read_env(body).value,
        width=number(body, "width", among=WIDTHS, default=DEFAULT_WIDTH),
        is_hyaline=flag(body, "is_hyaline", default=False),
        check_path=flag(body, "check_path", default=True),
    )


def _scene(body: Json) -> str:
    scene = body.get("scene")
    if not isinstance(scene, str) or not 1 <= len(scene) <= LONGEST_SCENE:
        raise MiniRefusal(40169, "invalid length for scene, or the data is not json string")
    if SCENE.fullmatch(scene) is None:
        raise MiniRefusal(40129, "invalid scene")
    return scene


def _page(body: Json) -> str:
    page = optional_text(body, "page", most=LONGEST_PAGE)
    if page.startswith("/") or "?" in page:
        raise MiniRefusal(41030, "invalid page")
    return page


def read_env(body: Json) -> Env:
    return Env(choice(body, "env_version", among=ENVIRONMENTS, default=Env.RELEASE.value))
