"""The control API under ``/_control``: what tests and developers order from the simulated WeChat. JSON in, JSON out.

======================================  ============================================================================
``POST users``                          ``{openid?, unionid?, phone?, blocked?, appid?}`` → the user, a login ``code``
``POST login-codes``, ``phone-codes``   ``{openid}`` → ``{code}``, good once, for five minutes
``POST pay``                            ``{out_trade_no, mchid?}`` or ``{params}`` (the arguments of wx.requestPayment,
                                        verified), ``openid?``, ``coupon_fen?``, ``notify?``, ``step?`` = pay, begin
                                        (password field open) or abandon → ``{transaction, deliveries}``
``GET orders``                          ``?out_trade_no=``
``POST notify``                         another notification of a paid order: ``{out_trade_no, mchid?, …handling}``;
                                        ``claim`` lets a forged one tell of a payment that never was
``POST plans``                          ``{times?, event?, …handling}`` for the next notifications of payments, or of
                                        ``event`` = refund or any; handling = ``{trouble?, copies?, second_id?,
                                        delay_s?, hold?, drop?, forge?, sign_mode?, override?, event_type?, url?}``
                                        with ``override`` = ``{"amount.total": 1, …}``
``GET troubles``                        the names that ``trouble`` knows, see notices_named
``GET deliveries``                      ``?out_trade_no=``; state and every attempt with its outcome
``POST deliveries/{number}/resend``     the same notification once more; ``{verbatim}``: the old request to the letter
``POST release``                        ``{numbers?}`` lets held ones go in the order given
``POST flush``                          ``{until?}``: due = deliver what is due and wait; end = run the schedule out
``GET|POST|DELETE faults``              ``{name}`` of faults_named, or ``{path, method?, host?, skip?, times?,
                                        json|status+code+message|hang_s|drop|truncate|mistake, after?}``
``GET named-faults``                    the names that ``name`` knows
``GET|POST clock``                      ``{advance_s?, skew_s?, speed?}``, see clock
``POST tokens/invalidate``              every access token is void
``POST app``                            ``{secret?}`` resets the app secret and voids every token
``POST merchants/{mchid}``              ``{sign_mode?, apiv3_key?}``: public_key, platform_certificate or alternate
``GET world``, ``GET hits``             accounts (never a key); requests per path
``POST reset``                          forget everything but accounts and keys
======================================  ============================================================================

Refunds and balances: control_refunds. Bills: control_bills. The mini-program host: control_mini, control_mini_push.
Refusals are ``{"error", "message"}``, 400, 404 or 409.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from pydantic import ValidationError

from wxbackend.devtools.wxsim.cashier import CashierRefusal
from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.control_bodies import (
    AppBody,
    ClockBody,
    CodeBody,
    ControlBody,
    FaultBody,
    MerchantBody,
    UserBody,
)
from wxbackend.devtools.wxsim.faults import BadFault
from wxbackend.devtools.wxsim.mini_errors import BadOrder
from wxbackend.devtools.wxsim.notices import BadNotice
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.pay_accounts import BadAccount
from wxbackend.devtools.wxsim.people import User, new_openid
from wxbackend.devtools.wxsim.post_office import PostOffice
from wxbackend.devtools.wxsim.refunds import BadRefund
from wxbackend.devtools.wxsim.wire import Answer, BadJson, Json, Request, Route, find_route, json_answer
from wxbackend.devtools.wxsim.world import World

BodyT = TypeVar("BodyT", bound=ControlBody)


class Unknown(Exception):
    """Nobody here has this openid or mchid."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the control API works on."""

    world: World
    office: PostOffice


@dataclass(frozen=True, slots=True)
class ControlSite:
    routes: tuple[Route["ControlHandler"], ...]

    def answer(self, desk: Desk, request: Request) -> Answer:
        found = find_route(self.routes, request.method, request.path)
        if found is None:
            return _refuse(404, "no-such-control", f"{request.method} {request.path}")
        handler, words = found
        try:
            return json_answer(handler(desk, request, **words))
        except (CashierRefusal, PayRefusal) as refusal:
            return _refuse(409, refusal.code, refusal.message)
        except BadOrder as order:
            return _refuse(400, order.code, str(order))
        except Unknown as missing:
            return _refuse(404, "not-found", str(missing))
        except (ValidationError, BadJson, BadFault, BadNotice, BadRefund, BadAccount) as error:
            return _refuse(400, "bad-request", str(error))


ControlHandler = Callable[..., Json]
"""Called with the desk, the request, and the named parts of the path as keywords."""


def read(request: Request, form: type[BodyT]) -> BodyT:
    return form.model_validate(request.json())


def put_user(desk: Desk, request: Request) -> Json:
    body = read(request, UserBody)
    world = desk.world
    with world.lock:
        openid = body.openid or new_openid()
        user = world.people.users.get(openid) or world.people.add(User(openid, world.app.appid))
        for name, value in body.model_dump(exclude={"openid"}, exclude_none=True).items():
            setattr(user, name, value)
        code = world.people.new_login_code(openid, now=world.clock.now())
        return {"openid": openid, "unionid": user.unionid, "phone": user.phone, "code": code}


def new_login_code(desk: Desk, request: Request) -> Json:
    world = desk.world
    with world.lock:
        user = _known_user(world, read(request, CodeBody).openid)
        return {"code": world.people.new_login_code(user.openid, now=world.clock.now())}


def new_phone_code(desk: Desk, request: Request) -> Json:
    world = desk.world
    with world.lock:
        user = _known_user(world, read(request, CodeBody).openid)
        return {"code": world.people.new_phone_code(user.openid, now=world.clock.now())}


def add_fault(desk: Desk, request: Request) -> Json:
    fault = read(request, FaultBody).fault()
    with desk.world.lock:
        desk.world.faults.add(fault)
    return asdict(fault)


def list_faults(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"faults": [asdict(fault) for fault in desk.world.faults.active]}


def clear_faults(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        desk.world.faults.active.clear()
    return {"faults": []}


def tell_clock(desk: Desk, _request: Request) -> Json:
    return dict(desk.world.clock.facts())


def set_clock(desk: Desk, request: Request) -> Json:
    body = read(request, ClockBody)
    clock = desk.world.clock
    if body.speed is not None:
        clock.set_speed(body.speed)
    if body.skew_s is not None:
        clock.skew(body.skew_s)
    clock.advance(body.advance_s)
    desk.office.wake()
    desk.world.agenda.wake()
    return dict(clock.facts())


def invalidate_tokens(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        desk.world.tokens.invalidate()
    return {}


def reset_secret(desk: Desk, request: Request) -> Json:
    body = read(request, AppBody)
    world = desk.world
    with world.lock:
        world.app.secret = body.secret or random_hex(32)
        world.tokens.invalidate()
        return {"appid": world.app.appid, "secret": world.app.secret}


def set_merchant(desk: Desk, request: Request, *, mchid: str) -> Json:
    body = read(request, MerchantBody)
    with desk.world.lock:
        merchant = desk.world.merchants.get(mchid)
        if merchant is None:
            raise Unknown(mchid)
        merchant.sign_mode = body.sign_mode or merchant.sign_mode
        merchant.apiv3_key = body.apiv3_key or merchant.apiv3_key
        return {"mchid": mchid, "sign_mode": merchant.sign_mode}


def tell_world(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        merchants = [
            {
                "mchid": merchant.mchid,
                "serial_no": merchant.serial_no,
                "public_key_id": merchant.public_key_id,
                "platform_serial": merchant.platform_serial,
                "sign_mode": merchant.sign_mode,
            }
            for merchant in desk.world.merchants.values()
        ]
        return {"appid": desk.world.app.appid, "merchants": merchants}


def tell_hits(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return dict(desk.world.hits)


def reset(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        desk.world.forget()
        desk.office.forget()
    return {}


def _known_user(world: World, openid: str) -> User:
    user = world.people.users.get(openid)
    if user is None:
        raise Unknown(openid)
    return user


def _refuse(status: int, error: str, message: str) -> Answer:
    return json_answer({"error": error, "message": message}, status=status)


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/users", put_user),
    Route("POST", "/_control/login-codes", new_login_code),
    Route("POST", "/_control/phone-codes", new_phone_code),
    Route("POST", "/_control/faults", add_fault),
    Route("GET", "/_control/faults", list_faults),
    Route("DELETE", "/_control/faults", clear_faults),
    Route("GET", "/_control/clock", tell_clock),
    Route("POST", "/_control/clock", set_clock),
    Route("POST", "/_control/tokens/invalidate", invalidate_tokens),
    Route("POST", "/_control/app", reset_secret),
    Route("POST", "/_control/merchants/(?P<mchid>[^/]+)", set_merchant),
    Route("GET", "/_control/world", tell_world),
    Route("GET", "/_control/hits", tell_hits),
    Route("POST", "/_control/reset", reset),
)
