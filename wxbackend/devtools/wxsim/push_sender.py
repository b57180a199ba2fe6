"""Sends events to the address of message push, and again until it answers ``success`` or nothing."""

import http.client
from dataclasses import replace
from functools import partial

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.push import ORIGINAL_ID, echo_query, seal_push
from wxbackend.devtools.wxsim.push_box import Push, PushHandling, PushState, PushTry
from wxbackend.devtools.wxsim.push_http import OutsideAnswer, ask
from wxbackend.devtools.wxsim.wire import Json
from wxbackend.devtools.wxsim.world import World

SHOWN_ANSWER = 200


class NoPushAddress(Exception):
    """Message push has no address yet."""


def new_event(world: World, name: str, fields: Json, *, openid: str | None = None) -> Json:
    """An event as WeChat writes it in JSON, with its own fields. Without an openid WeChat itself is the sender."""
    return {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": openid or "o" + "0" * 27,
        "CreateTime": int(world.clock.now()),
        "MsgType": "event",
        "Event": name,
        **fields,
    }


def send_event(world: World, event: Json, handling: PushHandling | None = None) -> list[Push]:
    """Take an event in; without a handling of its own it follows the next plan. The caller holds the world's lock."""
    box = world.mini.push
    chosen = handling or box.next_handling()
    sent = [box.enter(event, chosen) for _ in range(chosen.copies)]
    for push in sent:
        if push.state is PushState.WAITING:
            start(world, push)
    return sent


def resend(world: World, push: Push) -> Push:
    """The same event once more, as WeChat's own repetition would be. The caller holds the world's lock."""
    return send_event(world, push.event, replace(PushHandling(), copies=1))[0]


def release(world: World, push: Push) -> None:
    """Let a held push go. The caller holds the world's lock."""
    push.state = PushState.WAITING
    start(world, push)


def start(world: World, push: Push) -> None:
    world.agenda.add(partial(_try_once, world, push), delay_s=push.handling.delay_s)


def verify_address(world: World, *, forged: bool = False) -> Json:
    """The GET that WeChat sends when the address is saved; ``accepted`` when the echo came back as it was."""
    with world.lock:
        settings = replace(world.mini.push.settings)
    if settings.url is None:
        raise NoPushAddress
    echostr = random_hex(19)
    query = echo_query(settings, echostr=echostr, now=world.clock.signing_now(), forged=forged)
    try:
        answer = ask("GET", settings.url, query=query, patience_s=settings.patience_s)
    except (OSError, http.client.HTTPException) as failure:
        return {"accepted": False, "status": None, "answer": "", "error": type(failure).__name__}
    accepted = answer.status == http.HTTPStatus.OK and answer.body == echostr.encode()
    return {"accepted": accepted, "status": answer.status, "answer": _shown(answer), "error": None}


def _try_once(world: World, push: Push) -> float | None:
    """Post, record, and tell when the next try is due. The world is unlocked while the receiver thinks."""
    with world.lock:
        settings, appid = replace(world.mini.push.settings), world.app.appid
        if settings.url is None:
            push.state = PushState.NO_ADDRESS
            return None
    post = seal_push(push.event, settings, appid=appid, now=world.clock.signing_now(), forge=push.handling.forge)
    answer, error = None, None
    try:
        answer = ask("POST", settings.url, query=post.query, body=post.body, patience_s=settings.patience_s)
    except (OSError, http.client.HTTPException) as failure:
        error = type(failure).__name__
    status, shown = (answer.status, _shown(answer)) if answer else (None, "")
    with world.lock:
        return push.record(PushTry(world.clock.schedule_now(), status, shown, error))


def _shown(answer: OutsideAnswer) -> str:
    return answer.body[:SHOWN_ANSWER].decode(errors="replace")
