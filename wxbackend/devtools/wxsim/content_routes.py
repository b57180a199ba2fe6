"""Text moderation: POST wxa/msg_sec_check, version 2."""

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.mini_fields import number, optional_text, text, wrong_field
from wxbackend.devtools.wxsim.people import MiniRefusal, User
from wxbackend.devtools.wxsim.wire import Answer, Json, Request, json_answer
from wxbackend.devtools.wxsim.world import World

VERSION = 2
SCENES = range(1, 5)  # 资料, 评论, 论坛, 社交日志
LONGEST_CONTENT = 2500
LONGEST_NAME = 500
VISIT_LIFE_S = 2 * 3600


def check_text(world: World, request: Request) -> Answer:
    """POST wxa/msg_sec_check."""
    body = request.json()
    number(body, "version", among={VERSION})
    number(body, "scene", among=SCENES)
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise wrong_field("content", "is missing")
    if len(content) > LONGEST_CONTENT:
        raise MiniRefusal(45002, "content size out of limit")
    names = [optional_text(body, name, most=LONGEST_NAME) for name in ("title", "nickname", "signature")]
    check_visitor(world, body)
    verdict, word = world.mini.content.judge(content, *names)
    detail: Json = {"strategy": "content_model", "errcode": 0, **verdict.facts(), "prob": 90}
    if word:
        detail = {"strategy": "keyword", "errcode": 0, **verdict.facts(), "level": 90, "keyword": word}
    return json_answer(
        {"errcode": 0, "errmsg": "ok", "result": verdict.facts(), "detail": [detail], "trace_id": new_trace_id()}
    )


def check_visitor(world: World, body: Json) -> User:
    """The user a check is about: of this mini-program, and in it within two hours. Raises 40003, 43104, 61010."""
    user = world.people.users.get(text(body, "openid", most=128))
    if user is None:
        raise MiniRefusal(40003, "invalid openid")
    if user.appid != world.app.appid:
        raise MiniRefusal(43104, "this appid does not have permission: appid and openid do not match")
    if user.visited_at is None or world.clock.now() - user.visited_at > VISIT_LIFE_S:
        raise MiniRefusal(61010, "code is expired")
    return user


def new_trace_id() -> str:
    return "-".join((random_hex(8), random_hex(8), random_hex(8)))
