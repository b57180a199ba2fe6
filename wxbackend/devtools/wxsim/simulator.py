"""The simulated WeChat without a socket: a request in, an answer out, notifications sent."""

import json
import threading
from http import HTTPStatus

from wxbackend.devtools.wxsim import (
    bills_routes,
    control,
    control_bills,
    control_mini,
    control_mini_push,
    control_mini_shipping,
    control_payments,
    control_refunds,
    mini_routes,
    pay_routes,
    refunds_routes,
)
from wxbackend.devtools.wxsim.control import ControlSite, Desk
from wxbackend.devtools.wxsim.faults import Fault
from wxbackend.devtools.wxsim.http_post import Poster, post_over_http
from wxbackend.devtools.wxsim.mini_routes import MiniSite
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.pay_mistakes import Mistake, mistaken
from wxbackend.devtools.wxsim.pay_site import PaySite, refuse, signed
from wxbackend.devtools.wxsim.post_office import PostOffice
from wxbackend.devtools.wxsim.wire import Answer, Json, Request, Transport, json_answer
from wxbackend.devtools.wxsim.world import World, new_world

# A new part of WeChat is a new file with ROUTES, and one word here.
MINI = MiniSite(open_routes=mini_routes.OPEN_ROUTES, token_routes=mini_routes.TOKEN_ROUTES)
PAY = PaySite(routes=pay_routes.ROUTES + refunds_routes.ROUTES + bills_routes.ROUTES)
MINI_CONTROL = control_mini.ROUTES + control_mini_push.ROUTES + control_mini_shipping.ROUTES
CONTROL = ControlSite(
    routes=control.ROUTES + control_payments.ROUTES + control_refunds.ROUTES + control_bills.ROUTES + MINI_CONTROL
)


class ControlFailed(Exception):
    """The control API refused an order."""


class Simulator:
    """Both hosts on one origin: ``/v3/`` is WeChat Pay, ``/_control/`` is ours, all else the mini-program host."""

    def __init__(self, world: World | None = None, *, post: Poster = post_over_http) -> None:
        self.world = world or new_world()
        self.office = PostOffice(self.world, post)
        self._stopping = threading.Event()

    def start(self) -> None:
        """Deliver notifications in the background from now on."""
        self.office.start()
        self.world.agenda.start()

    def stop(self) -> None:
        self._stopping.set()
        self.office.stop()
        self.world.agenda.stop()

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/_control/"):
            return CONTROL.answer(Desk(self.world, self.office), request)
        with self.world.lock:
            self.world.hits[request.path] += 1
            fault = self.world.faults.take(request)
        return self._reply(request) if fault is None else self._reply_faulty(request, fault)

    def control(self, method: str, path: str, body: Json | None = None) -> Json:
        """The control API in this process: ``control("POST", "pay", {…})``; raises ControlFailed."""
        raw = b"" if body is None else json.dumps(body).encode()
        name, _, query = path.partition("?")
        words = dict(part.split("=", 1) for part in query.split("&") if part)
        request = Request(method, f"/_control/{path}", f"/_control/{name}", words, {}, raw)
        answer = self.answer(request)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ControlFailed(answer.body.decode())
        result: Json = json.loads(answer.body)
        return result

    def notify(self, out_trade_no: str, trouble: str | None = None, **handling: object) -> list[int]:
        """Send another notification of a payment, in trouble of that name (notices_named); the deliveries' numbers."""
        return self._notify("notify", {"out_trade_no": out_trade_no, **handling}, trouble)

    def notify_refund(self, out_refund_no: str, trouble: str | None = None, **handling: object) -> list[int]:
        """As ``notify``, of a refund that has ended."""
        return self._notify(f"refunds/{out_refund_no}/notify", dict(handling), trouble)

    def fail(self, name: str, **more: object) -> None:
        """Order a fault of WeChat Pay by its name (faults_named)."""
        self.control("POST", "faults", {"name": name, **more})

    def _notify(self, path: str, body: Json, trouble: str | None) -> list[int]:
        numbers: list[int] = self.control("POST", path, body | {"trouble": trouble})["deliveries"]
        return numbers

    def _reply(self, request: Request) -> Answer:
        if not request.path.startswith("/v3/"):
            return MINI.answer(self.world, request)
        answer = PAY.answer(self.world, request)
        self.office.wake()  # it may have accepted a refund, whose end is on the schedule from now on
        return answer

    def _reply_faulty(self, request: Request, fault: Fault) -> Answer:
        """``after``: the effect first, then the fault. Without it only a hang and a cut let the request take effect."""
        if fault.after:
            answer = self._reply(request)
            self._stopping.wait(fault.hang_s)
        else:
            self._stopping.wait(fault.hang_s)
            answer = Answer(500) if fault.replaces_answer or fault.drop else self._reply(request)
        if fault.replaces_answer:
            answer = self._replacement(request, fault)
        if fault.mistake is not None:
            answer = mistaken(self.world, request, answer, Mistake(fault.mistake))
        if fault.drop:
            return Answer(answer.status, transport=Transport.DROPPED)
        if fault.truncate:
            return Answer(answer.status, answer.body, answer.headers, Transport.TRUNCATED)
        return answer

    def _replacement(self, request: Request, fault: Fault) -> Answer:
        if not request.path.startswith("/v3/"):
            return json_answer(fault.json or {}, status=fault.status or 200)
        if fault.json is not None:
            return signed(self.world, request, fault.status or 200, fault.json)
        return refuse(self.world, request, PayRefusal(fault.status or 500, fault.code, fault.message))
