"""Notifications over real HTTP: the background retries, copies meet, a late answer is none."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.devtools.paying import NUMBER, flush, pay_directly
from wxbackend.devtools.wxsim import SimClock, Simulator, serve_simulator
from wxbackend.devtools.wxsim.http_post import post_over_http


def deliveries(simulator):
    return simulator.control("GET", f"deliveries?out_trade_no={NUMBER}")["deliveries"]


class Backend(ThreadingHTTPServer):
    """A backend on a socket that answers each notification with the next status."""

    daemon_threads = True

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.done = threading.Event()
        super().__init__(("127.0.0.1", 0), BackendHandler)


class BackendHandler(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers.items()), body))
        status = self.server.statuses.pop(0)
        self.send_response(status)
        self.end_headers()
        if not self.server.statuses:
            self.server.done.set()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def backend() -> Iterator[Backend]:
    server = Backend([500, 302, 204])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_real_http_the_background_retries_on_its_own_until_accepted(new_world, backend):
    simulator = Simulator(new_world(SimClock(speed=10_000)))
    url = f"http://127.0.0.1:{backend.server_port}/wx/pay/notify"
    with serve_simulator(simulator):
        pay_directly(simulator, notify_url=url)
        assert backend.done.wait(5)
        flush(simulator)
    assert [attempt["status"] for attempt in deliveries(simulator)[0]["attempts"]] == [500, 302, 204]
    assert len(backend.heard) == 3
    assert backend.heard[0][0]["Content-Type"] == "application/json"


def test_copies_arrive_at_the_same_time(new_world):
    everyone = threading.Barrier(21)

    def meet(url: str, headers: dict[str, str], body: bytes) -> int:
        everyone.wait(5)
        return 204

    simulator = Simulator(new_world(SimClock()), post=meet)
    simulator.control("POST", "plans", {"copies": 20})
    simulator.start()
    pay_directly(simulator)
    everyone.wait(5)
    simulator.stop()
    assert [delivery["state"] for delivery in deliveries(simulator)] == ["delivered"] * 20


def test_a_backend_that_answers_too_late_has_not_answered():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/n"
        with pytest.raises(TimeoutError):
            post_over_http(url, {}, b"{}", limit_s=0.05)


def test_moving_the_clock_wakes_the_background(new_world, backend):
    simulator = Simulator(new_world(SimClock()))
    with serve_simulator(simulator):
        pay_directly(simulator, notify_url=f"http://127.0.0.1:{backend.server_port}/n")
        flush(simulator)
        simulator.control("POST", "clock", {"advance_s": 16})
        flush(simulator)
        simulator.control("POST", "clock", {"advance_s": 16})
        assert backend.done.wait(5)
        flush(simulator)
    assert deliveries(simulator)[0]["state"] == "delivered"
