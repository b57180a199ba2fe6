"""One call's time is bounded, whatever the other side does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import create_server
from threading import Thread
from time import perf_counter, sleep

import pytest

from tests.wechat.stub import HANG, Answer, Reply, Stub
from wxbackend.wechat.errors import WxUnavailable
from wxbackend.wechat.transport import Deadline, Hosts, Link, try_thrice

Serve = Callable[[Answer], Stub]


class Watch:
    """A clock that goes on by ``step_s`` at every look."""

    def __init__(self, step_s: float = 0) -> None:
        self.now_s, self._step_s = 100.0, step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


def tried(watch: Watch, deadline: Deadline, *, takes_s: float, timed_out: bool = False) -> tuple[int, list[float]]:
    """How often, and after which pauses."""
    tries, pauses = [], []

    def once() -> None:
        tries.append(None)
        watch.now_s += takes_s
        raise WxUnavailable("trouble", timed_out=timed_out)

    with pytest.raises(WxUnavailable):
        try_thrice(once, host="pay", deadline=deadline, pause=pauses.append, jitter=lambda: 0.5, again=lambda _: True)
    return len(tries), pauses


@pytest.mark.parametrize(("within_s", "tries"), [(100, 3), (5, 1), (9.99, 2), (5.05, 1)])
def test_no_try_begins_after_the_deadline_of_the_call(within_s: float, tries: int) -> None:
    watch = Watch()
    assert tried(watch, Deadline(within_s, clock=watch), takes_s=5)[0] == tries


@pytest.mark.parametrize(("share", "pauses"), [(0.0, [0.05, 0.15]), (0.5, [0.1, 0.3]), (0.99, [0.149, 0.447])])
def test_pauses_vary_by_half_of_themselves(share: float, pauses: list[float]) -> None:
    made: list[float] = []

    def once() -> None:
        raise WxUnavailable("trouble")

    with pytest.raises(WxUnavailable):
        try_thrice(
            once, host="pay", deadline=Deadline(10), pause=made.append, jitter=lambda: share, again=lambda _: True
        )
    assert made == pytest.approx(pauses)


def test_a_try_never_waits_longer_than_what_is_left(serve: Serve) -> None:
    link = Link(Hosts(serve(lambda _: HANG).url), timeout_s=(5, 5), within_s=0.2)
    began = perf_counter()
    with pytest.raises(WxUnavailable) as raised:
        link.send("GET", "/", headers={})
    assert raised.value.timed_out
    assert perf_counter() - began < 2


def test_after_the_deadline_nothing_is_sent(serve: Serve) -> None:
    stub = serve(lambda _: Reply(200))
    watch = Watch(step_s=1)
    with pytest.raises(WxUnavailable, match="no time left"):
        Link(Hosts(stub.url), timeout_s=(1, 1)).send("GET", "/", headers={}, deadline=Deadline(0.5, clock=watch))
    assert stub.seen() == []


@contextmanager
def dribbling() -> Iterator[str]:
    """A server that promises a long answer and sends it a byte at a time."""
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    for _ in range(100):
                        connection.sendall(b"x")
                        sleep(0.05)
                except OSError:
                    pass

        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_host_that_sends_a_byte_at_a_time_does_not_hold_us() -> None:
    with dribbling() as url:
        link = Link(Hosts(url), timeout_s=(1, 1), within_s=0.3)
        began = perf_counter()
        with pytest.raises(WxUnavailable) as raised:
            link.send("GET", "/", headers={})
        link.close()
        assert raised.value.timed_out
        assert perf_counter() - began < 2


def test_an_endless_answer_is_not_kept(serve: Serve) -> None:
    link = Link(Hosts(serve(lambda _: Reply(200, b"x" * 101)).url), timeout_s=(1, 1))
    with pytest.raises(WxUnavailable, match="too long"):
        link.send("GET", "/", headers={}, longest=100)
    assert len(link.send("GET", "/", headers={}, longest=101).content) == 101


def test_calls_one_after_another_share_a_connection(serve: Serve) -> None:
    stub = serve(lambda _: Reply(200, b"{}"))
    link = Link(Hosts(stub.url), timeout_s=(1, 1))
    for _ in range(5):
        link.send("POST", "/", headers={}, data=b"{}")
    pools = link._session.get_adapter(stub.url).poolmanager.pools
    (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118  # urllib3's has no other way
    assert (pool.num_connections, pool.num_requests) == (1, 5)
