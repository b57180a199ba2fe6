"""What the mini-program host does later by itself: push an event, push it again, judge a picture, settle an order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from wxbackend.devtools.wxsim.clock import SimClock

QUIET_LIMIT_S = 30.0

Task = Callable[[], float | None]
"""Does its part and tells when it wants to run again, by the schedule; None when it is done."""


@dataclass(slots=True, eq=False)
class Entry:
    due_at: float
    task: Task


class Agenda:
    """Timed tasks on the schedule clock: ``start()`` runs them in the background, ``run_due()`` in this thread.

    A task may take the world's lock, so nothing here waits for that lock while holding its own.
    """

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._entries: list[Entry] = []
        self._running: list[Entry] = []
        self._thread: threading.Thread | None = None
        self._stopping = False

    def add(self, task: Task, *, delay_s: float = 0.0) -> None:
        with self._changed:
            self._entries.append(Entry(self._clock.schedule_now() + delay_s, task))
            self._changed.notify_all()

    def run_due(self) -> int:
        """Run what is due, wait for what the background runs, and say how many ran here."""
        ran = 0
        while (entry := self._claim()) is not None:
            self._run(entry)
            ran += 1
        with self._changed:
            self._changed.wait_for(lambda: not self._running, timeout=QUIET_LIMIT_S)
        return ran

    def run_out(self) -> int:
        """Move the schedule from one due moment to the next until nothing waits."""
        ran = self.run_due()
        while (due := self._next_due()) is not None:
            self._clock.jump_schedule(due)
            ran += self.run_due()
        return ran

    def wake(self) -> None:
        """The clock was moved."""
        with self._changed:
            self._changed.notify_all()

    def forget(self) -> None:
        """Drop what waits; what runs is not taken up again."""
        with self._changed:
            self._entries, self._running = [], []
            self._changed.notify_all()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="wxsim-agenda", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, timeout=QUIET_LIMIT_S)
        if self._thread is not None:
            self._thread.join()

    def _next_due(self) -> float | None:
        with self._changed:
            return min((entry.due_at for entry in self._entries), default=None)

    def _claim(self) -> Entry | None:
        with self._changed:
            first = min(self._entries, key=lambda entry: entry.due_at, default=None)
            if first is None or first.due_at > self._clock.schedule_now():
                return None
            self._entries.remove(first)
            self._running.append(first)
            return first

    def _run(self, entry: Entry) -> None:
        again = None
        try:
            again = entry.task()
        finally:
            self._finish(entry, again)

    def _finish(self, entry: Entry, again: float | None) -> None:
        with self._changed:
            if entry in self._running:
                self._running.remove(entry)
                if again is not None:
                    self._entries.append(Entry(again, entry.task))
            self._changed.notify_all()

    def _work(self) -> None:
        while (entry := self._await_due()) is not None:
            threading.Thread(target=self._run, args=(entry,), daemon=True).start()

    def _await_due(self) -> Entry | None:
        with self._changed:
            while not self._stopping:
                entry = self._claim()
                if entry is not None:
                    return entry
                due = self._next_due()
                self._changed.wait(None if due is None else self._clock.wall_seconds_until(due))
        return None
