"""Delivers notifications: at once, then on WeChat's retry schedule until the receiver answers 200 or 204."""

import http.client
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from wxbackend.devtools.wxsim.merchants import Merchant
from wxbackend.devtools.wxsim.notices import (
    BadNotice,
    Forgery,
    Handling,
    Notice,
    new_notification_id,
    sealed_body,
    signed_post,
    with_override,
)
from wxbackend.devtools.wxsim.wire import Json
from wxbackend.devtools.wxsim.world import World

RETRY_GAPS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ANSWER_LIMIT_S = 5.0
ACCEPTED = (200, 204)
QUIET_LIMIT_S = 30.0

Poster = Callable[[str, dict[str, str], bytes], int]
"""Posts (url, headers, body) and tells the HTTP status; raises OSError or HTTPException when none came in time."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    HELD = "held"
    DROPPED = "dropped"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when by the schedule, and the HTTP status or what failed instead."""

    scheduled_at: float
    status: int | None
    error: str | None
    forged: Forgery | None


@dataclass(slots=True)
class Delivery:
    """One notification on its way; the office's lock guards it."""

    number: int
    notification_id: str
    notice: Notice
    body: bytes
    handling: Handling
    state: DeliveryState
    due_at: float
    attempts: list[Attempt] = field(default_factory=list)
    follows: "Delivery | None" = None

    @property
    def is_ready(self) -> bool:
        """Waiting for its moment only, not for the one before it in a released row."""
        return self.state is DeliveryState.WAITING and (self.follows is None or bool(self.follows.attempts))

    def facts(self) -> Json:
        return {
            "number": self.number,
            "notification_id": self.notification_id,
            "mchid": self.notice.mchid,
            "subject": self.notice.subject,
            "event_type": self.notice.event_type,
            "url": self.notice.url,
            "state": self.state.value,
            "due_at": self.due_at if self.state is DeliveryState.WAITING else None,
            "attempts": [
                {"scheduled_at": a.scheduled_at, "status": a.status, "error": a.error, "forged": a.forged}
                for a in self.attempts
            ],
        }


class PostOffice:
    """The notifications of one world: ``start()`` delivers in the background, ``deliver_due()`` in this thread."""

    def __init__(self, world: World, post: Poster) -> None:
        self._world = world
        self._post = post
        self._changed = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._plans: deque[Handling] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def plan(self, handling: Handling, *, times: int) -> None:
        """The next ``times`` notifications of payments travel like this."""
        with self._changed:
            self._plans.extend([handling] * times)

    def send(self, notice: Notice, handling: Handling | None = None) -> list[Delivery]:
        """Take a notification in; without a handling of its own it follows the next plan."""
        with self._changed:
            chosen = handling or (self._plans.popleft() if self._plans else Handling())
            first_id = new_notification_id()
            altered = with_override(notice, chosen.override)
            sent = [
                self._enter(altered, chosen, first_id if copy == 0 or not chosen.second_id else new_notification_id())
                for copy in range(chosen.copies)
            ]
            self._changed.notify_all()
        return sent

    def resend(self, number: int) -> Delivery:
        """The same notification once more, same id and body, due now."""
        with self._changed:
            old = self.find(number)
            again = self._append(old.notification_id, old.notice, old.body, Handling())
            self._changed.notify_all()
        return again

    def release(self, numbers: list[int] | None = None) -> list[Delivery]:
        """Let held notifications go, in the order given; all of them, oldest first, when no numbers are given."""
        with self._changed:
            held = [d for d in self._deliveries if d.state is DeliveryState.HELD]
            chosen = held if numbers is None else [self.find(number) for number in numbers]
            if any(delivery.state is not DeliveryState.HELD for delivery in chosen):
                raise BadNotice("only held notifications can be released")
            for before, delivery in zip([None, *chosen], chosen, strict=False):
                delivery.state = DeliveryState.WAITING
                delivery.due_at = self._world.clock.schedule_now()
                delivery.follows = before
            self._changed.notify_all()
        return chosen

    def find(self, number: int) -> Delivery:
        with self._changed:
            if not 1 <= number <= len(self._deliveries):
                raise BadNotice(f"there is no delivery {number}")
            return self._deliveries[number - 1]

    def list_deliveries(self, *, subject: str | None = None) -> list[Json]:
        with self._changed:
            return [d.facts() for d in self._deliveries if subject in {None, d.notice.subject}]

    def deliver_due(self) -> int:
        """Send everything that is due now, wait for what the background is sending, and say how many were sent here."""
        sent = 0
        while (delivery := self._claim()) is not None:
            self._attempt(delivery)
            sent += 1
        with self._changed:
            self._changed.wait_for(lambda: not self._any(DeliveryState.SENDING), timeout=QUIET_LIMIT_S)
        return sent

    def run_out(self) -> int:
        """Move the schedule from one due moment to the next until nothing waits; business time stands still."""
        sent = self.deliver_due()
        while (due := self._next_due()) is not None:
            self._world.clock.jump_schedule(due)
            sent += self.deliver_due()
        return sent

    def wake(self) -> None:
        """Tell the background that the clock was moved."""
        with self._changed:
            self._changed.notify_all()

    def forget(self) -> None:
        with self._changed:
            self._deliveries, self._plans = [], deque()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="wxsim-post", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._any(DeliveryState.SENDING), timeout=QUIET_LIMIT_S)
        if self._thread is not None:
            self._thread.join()

    def _enter(self, notice: Notice, handling: Handling, notification_id: str) -> Delivery:
        merchant = self._merchant(notice)
        now = self._world.clock.now()
        body = sealed_body(notice, merchant, notification_id=notification_id, now=now, forge=handling.forge)
        return self._append(notification_id, notice, body, handling)

    def _append(self, notification_id: str, notice: Notice, body: bytes, handling: Handling) -> Delivery:
        state = DeliveryState.WAITING
        if handling.drop:
            state = DeliveryState.DROPPED
        elif handling.hold:
            state = DeliveryState.HELD
        due_at = self._world.clock.schedule_now() + handling.delay_s
        number = len(self._deliveries) + 1
        self._deliveries.append(Delivery(number, notification_id, notice, body, handling, state, due_at))
        return self._deliveries[-1]

    def _merchant(self, notice: Notice) -> Merchant:
        """The merchant whose keys apply, whatever mchid an override put inside the resource."""
        return self._world.merchants[notice.mchid]

    def _any(self, state: DeliveryState) -> bool:
        return any(delivery.state is state for delivery in self._deliveries)

    def _next_due(self) -> float | None:
        with self._changed:
            return min((d.due_at for d in self._deliveries if d.is_ready), default=None)

    def _claim(self) -> Delivery | None:
        with self._changed:
            now = self._world.clock.schedule_now()
            due = [d for d in self._deliveries if d.is_ready and d.due_at <= now]
            if not due:
                return None
            first = min(due, key=lambda d: d.due_at)
            first.state = DeliveryState.SENDING
            return first

    def _attempt(self, delivery: Delivery) -> None:
        forged = delivery.handling.forge
        if forged is Forgery.SIGNTEST and delivery.attempts:
            forged = None
        with self._world.lock:
            signer = self._merchant(delivery.notice).notice_signer(delivery.handling.sign_mode)
        headers, body = signed_post(delivery.body, signer, clock=self._world.clock, forge=forged)
        status, error = None, None
        try:
            status = self._post(delivery.notice.url, headers, body)
        except (OSError, http.client.HTTPException) as failure:
            error = type(failure).__name__
        with self._changed:
            scheduled_at = self._world.clock.schedule_now()
            delivery.attempts.append(Attempt(scheduled_at, status, error, forged))
            self._settle(delivery, accepted=status in ACCEPTED, forged=forged)
            self._changed.notify_all()

    def _settle(self, delivery: Delivery, *, accepted: bool, forged: Forgery | None) -> None:
        tries = len(delivery.attempts)
        if accepted:
            delivery.state = DeliveryState.DELIVERED
        elif (forged is not None and forged is not Forgery.SIGNTEST) or tries > len(RETRY_GAPS_S):
            delivery.state = DeliveryState.GIVEN_UP
        else:
            delivery.state = DeliveryState.WAITING
            delivery.due_at = delivery.attempts[-1].scheduled_at + RETRY_GAPS_S[tries - 1]

    def _work(self) -> None:
        while (delivery := self._await_due()) is not None:
            threading.Thread(target=self._attempt, args=(delivery,), daemon=True).start()

    def _await_due(self) -> Delivery | None:
        """The next delivery to send, claimed; None when the office closes."""
        with self._changed:
            while not self._stopping:
                delivery = self._claim()
                if delivery is not None:
                    return delivery
                due = self._next_due()
                self._changed.wait(None if due is None else self._world.clock.wall_seconds_until(due))
        return None


def post_over_http(url: str, headers: dict[str, str], body: bytes) -> int:
    """One POST without redirects, proxies or retries, as WeChat does it; five seconds for an answer."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ANSWER_LIMIT_S, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=ANSWER_LIMIT_S)
    )
    try:
        connection.request("POST", parts.path or "/", body=body, headers=headers)
        answer = connection.getresponse()
        answer.read(65536)
        return answer.status
    finally:
        connection.close()
