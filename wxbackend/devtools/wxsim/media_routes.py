"""Picture moderation: POST wxa/media_check_async, version 2, and the event that answers it later."""

import http.client
from functools import partial
from io import BytesIO
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError

from wxbackend.devtools.wxsim.content_routes import SCENES, VERSION, check_visitor, new_trace_id
from wxbackend.devtools.wxsim.media import MediaCheck
from wxbackend.devtools.wxsim.mini_fields import number, text, wrong_field
from wxbackend.devtools.wxsim.push_http import ask
from wxbackend.devtools.wxsim.push_sender import new_event, send_event
from wxbackend.devtools.wxsim.wire import Answer, Json, Request, json_answer
from wxbackend.devtools.wxsim.world import World

PICTURE = 2
LARGEST_PICTURE = 10 << 20
LONGEST_URL = 2048
NOT_FETCHED = -1008


class NoPicture(Exception):
    """What stands at the address cannot be judged; the message says why."""


def submit_media(world: World, request: Request) -> Answer:
    """POST wxa/media_check_async; sound (media_type 1) is not played here."""
    body = request.json()
    number(body, "version", among={VERSION})
    number(body, "scene", among=SCENES)
    number(body, "media_type", among={PICTURE})
    url = text(body, "media_url", most=LONGEST_URL)
    if not _is_address(url):
        raise wrong_field("media_url", "is no address")
    user = check_visitor(world, body)
    desk = world.mini.media
    check = MediaCheck(new_trace_id(), user.openid, url, body["scene"], desk.take_rule(url))
    desk.checks.append(check)
    if check.rule.lost:
        check.outcome = "lost"
    else:
        world.agenda.add(partial(_judge, world, check), delay_s=check.rule.delay_s)
    return json_answer({"errcode": 0, "errmsg": "ok", "trace_id": check.trace_id})


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def fetch_picture(url: str) -> None:
    """Download it as anybody could. Raises NoPicture."""
    try:
        answer = ask("GET", url, largest=LARGEST_PICTURE + 1)
    except (OSError, http.client.HTTPException) as failure:
        raise NoPicture(type(failure).__name__) from failure
    if answer.status != http.HTTPStatus.OK:
        raise NoPicture(f"http {answer.status}")
    if len(answer.body) > LARGEST_PICTURE:
        raise NoPicture("larger than 10 MB")
    try:
        with Image.open(BytesIO(answer.body)) as picture:
            picture.verify()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as failure:
        raise NoPicture("no picture") from failure


def _judge(world: World, check: MediaCheck) -> None:
    """The world is unlocked while the picture is fetched."""
    trouble = ""
    try:
        fetch_picture(check.url)
    except NoPicture as reason:
        trouble = str(reason)
    with world.lock:
        check.outcome = trouble or check.rule.verdict.suggest.value
        send_event(world, new_event(world, "wxa_media_check", _answer(world, check, trouble), openid=check.openid))


def _answer(world: World, check: MediaCheck, trouble: str) -> Json:
    head = {"appid": world.app.appid, "trace_id": check.trace_id, "version": VERSION}
    if trouble:
        return {**head, "errcode": NOT_FETCHED, "errmsg": f"media download failed: {trouble}", "detail": []}
    verdict = check.rule.verdict.facts()
    detail = {"strategy": "content_model", "errcode": 0, **verdict, "prob": 90}
    return {**head, "errcode": 0, "errmsg": "ok", "detail": [detail], "result": verdict}
