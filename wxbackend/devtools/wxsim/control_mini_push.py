"""The control API's part about message push.

======================================  ============================================================================
``GET|POST push/settings``              ``{url?, token?, aes_key?, mode?, patience_s?, verify?}``
``POST push/verify``                    ``{forged?}``: the GET with echostr → ``{accepted, status, answer, error}``
``POST push``                           ``{event, openid?, fields?, …handling}`` → numbers; any event
                                        handling = ``{copies?, delay_s?, hold?, drop?, forge?}``, push.PushForgery
``POST push/plans``                     ``{times?, …handling}`` for the next events that come about on their own
``GET push/deliveries``                 ``?event=``; state, every try with its answer
``POST push/deliveries/{number}/…``     ``resend`` = once more; ``release`` = let a held one go
======================================  ============================================================================
"""

from dataclasses import replace

from wxbackend.devtools.wxsim.control import ControlHandler, Desk, Unknown, read
from wxbackend.devtools.wxsim.control_mini_bodies import PushBody, PushPlanBody, PushSettingsBody, VerifyBody
from wxbackend.devtools.wxsim.mini_errors import BadOrder
from wxbackend.devtools.wxsim.push import PushSettings, is_aes_key
from wxbackend.devtools.wxsim.push_box import Push, PushState
from wxbackend.devtools.wxsim.push_sender import NoPushAddress, new_event, release, resend, send_event, verify_address
from wxbackend.devtools.wxsim.wire import Json, Request, Route
from wxbackend.devtools.wxsim.world import World


def set_push(desk: Desk, request: Request) -> Json:
    """With ``verify`` the old settings come back when the new address does not echo, as in the console."""
    body = read(request, PushSettingsBody)
    if body.aes_key is not None and not is_aes_key(body.aes_key):
        raise BadOrder("bad-aes-key", "aes_key has 43 characters of base64 that make 32 bytes")
    world = desk.world
    with world.lock:
        before = world.mini.push.settings
        given = body.model_dump(exclude={"verify"}, exclude_none=True)
        if "url" in given:
            given["url"] = given["url"] or None
        world.mini.push.settings = replace(before, **given)
    if body.verify:
        _check_address(world, before)
    return tell_push(desk, request)


def tell_push(desk: Desk, _request: Request) -> Json:
    """Token and key are told: they are this simulator's own, and the backend needs them."""
    with desk.world.lock:
        settings = desk.world.mini.push.settings
        return {
            "url": settings.url,
            "token": settings.token,
            "aes_key": settings.aes_key,
            "mode": settings.mode.value,
            "patience_s": settings.patience_s,
        }


def verify(desk: Desk, request: Request) -> Json:
    try:
        return verify_address(desk.world, forged=read(request, VerifyBody).forged)
    except NoPushAddress:
        raise BadOrder("no-push-address", "set push/settings url first") from None


def push_event(desk: Desk, request: Request) -> Json:
    body = read(request, PushBody)
    with desk.world.lock:
        event = new_event(desk.world, body.event, body.fields, openid=body.openid)
        return {"pushes": [push.number for push in send_event(desk.world, event, body.handling())]}


def plan_pushes(desk: Desk, request: Request) -> Json:
    body = read(request, PushPlanBody)
    with desk.world.lock:
        plans = desk.world.mini.push.plans
        plans.extend([body.handling()] * body.times)
        return {"planned": len(plans)}


def list_pushes(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("event")
    with desk.world.lock:
        pushes = desk.world.mini.push.pushes
        return {"deliveries": [push.facts() for push in pushes if wanted in {None, push.event["Event"]}]}


def send_again(desk: Desk, _request: Request, *, number: str) -> Json:
    with desk.world.lock:
        return {"pushes": [resend(desk.world, _found(desk.world, number)).number]}


def let_go(desk: Desk, _request: Request, *, number: str) -> Json:
    with desk.world.lock:
        push = _found(desk.world, number)
        if push.state is not PushState.HELD:
            raise BadOrder("not-held", "only a held push can be released")
        release(desk.world, push)
        return {"pushes": [push.number]}


def _found(world: World, number: str) -> Push:
    push = world.mini.push.find(int(number))
    if push is None:
        raise Unknown(f"there is no push {number}")
    return push


def _check_address(world: World, before: PushSettings) -> None:
    try:
        outcome = verify_address(world)
    except NoPushAddress:
        return
    if not outcome["accepted"]:
        with world.lock:
            world.mini.push.settings = before
        raise BadOrder("not-echoed", f"the address did not echo: {outcome}")


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/push/settings", set_push),
    Route("GET", "/_control/push/settings", tell_push),
    Route("POST", "/_control/push/verify", verify),
    Route("POST", "/_control/push", push_event),
    Route("POST", "/_control/push/plans", plan_pushes),
    Route("GET", "/_control/push/deliveries", list_pushes),
    Route("POST", r"/_control/push/deliveries/(?P<number>\d{1,9})/resend", send_again),
    Route("POST", r"/_control/push/deliveries/(?P<number>\d{1,9})/release", let_go),
)
