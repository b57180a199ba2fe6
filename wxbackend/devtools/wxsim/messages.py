"""POST cgi-bin/message/subscribe/send: one message for one consent."""

from wxbackend.devtools.wxsim.codes_pages import Env
from wxbackend.devtools.wxsim.mini_fields import choice, optional_text
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.subscribe import SentMessage
from wxbackend.devtools.wxsim.wire import Answer, Json, Request, json_answer
from wxbackend.devtools.wxsim.world import World

LONGEST_PAGE = 1024
FIRST_MSGID = 3_000_000_000_000_000_000
STATES = {"formal": Env.RELEASE, "trial": Env.TRIAL, "developer": Env.DEVELOP}
LANGUAGES = frozenset({"zh_CN", "en_US", "zh_HK", "zh_TW"})


def send_message(world: World, request: Request) -> Answer:
    """A wrong field uses up no consent: it is found before."""
    body = request.json()
    desk = world.mini.subscriptions
    template_id = body.get("template_id")
    template = desk.templates.get(template_id) if isinstance(template_id, str) else None
    if template is None:
        raise MiniRefusal(40037, "invalid template_id")
    openid = _receiver(world, body)
    state = choice(body, "miniprogram_state", among=STATES, default="formal")
    page = optional_text(body, "page", most=LONGEST_PAGE)
    _check_page(world, page, env=STATES[state])
    choice(body, "lang", among=LANGUAGES, default="zh_CN")
    fields = template.read(body.get("data"))
    desk.use_consent(openid, template.template_id)
    desk.sent += 1
    msgid = FIRST_MSGID + desk.sent
    desk.keep(SentMessage(msgid, openid, template.template_id, page, fields, state, world.clock.now()))
    return json_answer({"errcode": 0, "errmsg": "ok", "msgid": msgid})


def _receiver(world: World, body: Json) -> str:
    openid = body.get("touser")
    user = world.people.users.get(openid) if isinstance(openid, str) else None
    if user is None or user.appid != world.app.appid:
        raise MiniRefusal(40003, "invalid openid")
    return user.openid


def _check_page(world: World, page: str, *, env: Env) -> None:
    """A page may carry a query here; an absent one opens nothing."""
    path = page.partition("?")[0]
    if page and (path.startswith("/") or not world.mini.pages.has(path, env=env)):
        raise MiniRefusal(41030, "invalid page")
