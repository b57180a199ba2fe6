"""Delivers notifications: at once, then on WeChat's retry schedule until the receiver answers 200 or 204."""

import http.client
import threading
from collections import deque

from wxbackend.devtools.wxsim.deliveries import Attempt, Delivery, DeliveryState
from wxbackend.devtools.wxsim.http_post import Poster
from wxbackend.devtools.wxsim.merchants import Merchant
from wxbackend.devtools.wxsim.notices import (
    BadNotice,
    Handling,
    Notice,
    as_handled,
    new_notification_id,
    sealed_body,
)
from wxbackend.devtools.wxsim.notices_forged import Forgery, Pen, signed_post
from wxbackend.devtools.wxsim.refunds_settling import settle_refunds
from wxbackend.devtools.wxsim.wire import Json
from wxbackend.devtools.wxsim.world import World

QUIET_LIMIT_S = 30.0


class PostOffice:
    """The notifications of one world: ``start()`` delivers in the background, ``deliver_due()`` in this thread."""

    def __init__(self, world: World, post: Poster) -> None:
        self._world = world
        self._post = post
        self._changed = threading.Condition()
        self._settling = threading.Lock()
        self._deliveries: list[Delivery] = []
        self._moving: dict[int, Delivery] = {}  # waiting or being sent: a look-out never walks the finished ones
        self._plans: deque[tuple[str, Handling]] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._nudged = False

    def plan(self, handling: Handling, *, times: int, event: str = "TRANSACTION") -> None:
        """The next ``times`` notifications whose event type begins with ``event`` travel like this."""
        with self._changed:
            self._plans.extend([(event, handling)] * times)

    def send(self, notice: Notice, handling: Handling | None = None) -> list[Delivery]:
        """Take a notification in; without a handling of its own it follows the next plan."""
        with self._changed:
            chosen = handling or self._planned(notice)
            first_id = new_notification_id()
            altered = as_handled(notice, chosen)
            sent = [
                self._enter(altered, chosen, first_id if copy == 0 or not chosen.second_id else new_notification_id())
                for copy in range(chosen.copies)
            ]
            self._nudge()
        return sent

    def resend(self, number: int, *, verbatim: bool = False) -> Delivery:
        """The same notification once more, same id and body, due now.

        Signed anew, as WeChat does; ``verbatim`` sends the last try to the letter, as one who listened in would.
        """
        with self._changed:
            old = self.find(number)
            if verbatim and old.sent is None:
                raise BadNotice(f"delivery {number} was never sent")
            again = self._append(old.notification_id, old.notice, old.body, Handling())
            again.replay = old.sent if verbatim else None
            self._nudge()
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
                self._moving[delivery.number] = delivery
            self._nudge()
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
        while (delivery := self._settle_and_claim()) is not None:
            self._attempt(delivery)
            sent += 1
        with self._changed:
            self._changed.wait_for(self._is_quiet, timeout=QUIET_LIMIT_S)
        return sent

    def run_out(self) -> int:
        """Move the schedule from one due moment to the next until nothing waits; business time stands still."""
        sent = self.deliver_due()
        while (due := self._next_moment()) is not None:
            self._world.clock.jump_schedule(due)
            sent += self.deliver_due()
        return sent

    def wake(self) -> None:
        """Tell the background to look again: the clock was moved, or a refund was accepted or ended."""
        with self._changed:
            self._nudge()

    def forget(self) -> None:
        with self._changed:
            self._deliveries, self._moving, self._plans = [], {}, deque()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="wxsim-post", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_quiet, timeout=QUIET_LIMIT_S)
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
        delivery = Delivery(number, notification_id, notice, body, handling, state, due_at)
        self._deliveries.append(delivery)
        if state is DeliveryState.WAITING:
            self._moving[number] = delivery
        return delivery

    def _merchant(self, notice: Notice) -> Merchant:
        """The merchant whose keys apply, whatever mchid an override put inside the resource."""
        return self._world.merchants[notice.mchid]

    def _nudge(self) -> None:
        self._nudged = True
        self._changed.notify_all()

    def _is_quiet(self) -> bool:
        return all(delivery.state is not DeliveryState.SENDING for delivery in self._moving.values())

    def _next_due(self) -> float | None:
        with self._changed:
            return min((d.due_at for d in self._moving.values() if d.is_ready), default=None)

    def _claim(self) -> Delivery | None:
        with self._changed:
            now = self._world.clock.schedule_now()
            due = [d for d in self._moving.values() if d.is_ready and d.due_at <= now]
            if not due:
                return None
            first = min(due, key=lambda d: d.due_at)
            first.state = DeliveryState.SENDING
            return first

    def _attempt(self, delivery: Delivery) -> None:
        forged = delivery.handling.forge
        if forged is Forgery.SIGNTEST and delivery.attempts:
            forged = None
        headers, body = delivery.replay or self._signed(delivery, forged)
        delivery.sent = headers, body
        status, error = None, None
        try:
            status = self._post(delivery.notice.url, headers, body)
        except (OSError, http.client.HTTPException, ValueError) as failure:  # ValueError: no address at all
            error = type(failure).__name__
        with self._changed:
            delivery.record(Attempt(self._world.clock.schedule_now(), status, error, forged))
            if delivery.state is not DeliveryState.WAITING:
                self._moving.pop(delivery.number, None)
            self._nudge()

    def _signed(self, delivery: Delivery, forged: Forgery | None) -> tuple[dict[str, str], bytes]:
        merchant = self._merchant(delivery.notice)
        with self._world.lock:
            signer = merchant.notice_signer(delivery.handling.sign_mode)
        return signed_post(delivery.body, Pen(signer, merchant.key), clock=self._world.clock, forge=forged)

    def _work(self) -> None:
        while (delivery := self._await_due()) is not None:
            threading.Thread(target=self._attempt, args=(delivery,), daemon=True).start()

    def _await_due(self) -> Delivery | None:
        """The next delivery to send, claimed; None when the office closes."""
        while not self._stopping:
            delivery = self._settle_and_claim()
            if delivery is not None:
                return delivery
            self._wait_until(self._next_moment())
        return None

    def _wait_until(self, due: float | None) -> None:
        """Sleep until ``due`` or a nudge; one that came since the last look counts, so that none is slept over."""
        with self._changed:
            if not self._nudged and not self._stopping:
                self._changed.wait(None if due is None else self._world.clock.wall_seconds_until(due))
            self._nudged = False

    def _settle_and_claim(self) -> Delivery | None:
        """Let refunds end whose time has come, take in what they notify, claim what is due.

        The world's lock is never asked for under the office's own: ``reset`` takes them the other way round.
        """
        with self._settling:  # whoever looks next finds what this look took out of the world
            with self._world.lock:
                settle_refunds(self._world)
                notices, self._world.unsent = self._world.unsent, deque()
            for notice in notices:
                self.send(notice)
        return self._claim()

    def _next_moment(self) -> float | None:
        with self._world.lock:
            refund_due = self._world.refund_book.next_end()
        moments = [due for due in (refund_due, self._next_due()) if due is not None]
        return min(moments, default=None)

    def _planned(self, notice: Notice) -> Handling:
        for plan in self._plans:
            event, handling = plan
            if notice.event_type.startswith(event):
                self._plans.remove(plan)
                return handling
        return Handling()
