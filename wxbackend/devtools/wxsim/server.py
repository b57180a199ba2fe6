"""The simulator on a socket."""

import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wxbackend.devtools.wxsim.clock import SimClock
from wxbackend.devtools.wxsim.merchants import DEFAULT_MCHIDS
from wxbackend.devtools.wxsim.simulator import Simulator
from wxbackend.devtools.wxsim.state import StatePaths, open_world, write_settings
from wxbackend.devtools.wxsim.wire import Answer, Request, Transport
from wxbackend.devtools.wxsim.world import new_world

LARGEST_BODY = 1 << 20
LARGEST_LINGER = 8 << 20
LINGER_S = 2.0


class SimulatorServer(ThreadingHTTPServer):
    """One thread per connection; ``close_connections`` ends those that clients keep alive."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, SimulatorHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that gave up, or a connection we ended, is no fault of ours; all else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster


class SimulatorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    wbufsize = -1  # buffered: headers and body leave in one piece, two writes would wait for an acknowledgement
    server: SimulatorServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header tells the signing clock, skew included."""
        clock = self.server.simulator.world.clock
        return super().date_time_string(clock.signing_now() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class named it
        """Nothing: request lines would show secrets and tokens."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        countable = length.isdecimal() and len(length) <= len(str(LARGEST_BODY))
        if not countable or int(length) > LARGEST_BODY or "Transfer-Encoding" in self.headers:
            self._refuse_body()
            return
        body = self.rfile.read(int(length))
        self._write(self.server.simulator.answer(self._request(body)))

    def _refuse_body(self) -> None:
        """Answer 413 and let the sender finish: closing on unread bytes would reset the connection under the answer."""
        self.close_connection = True
        self._write(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"}))
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER_S)
        unread = LARGEST_LINGER
        while unread > 0 and (chunk := self.rfile.read1(65536)):
            unread -= len(chunk)

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            target=self.path,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )

    def _write(self, answer: Answer) -> None:
        if answer.transport is Transport.DROPPED:
            self.close_connection = True
            return
        body = answer.body
        if answer.transport is Transport.TRUNCATED:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(slots=True)
class RunningSimulator:
    """A simulator that listens; ``paths`` are set when it has a state folder."""

    simulator: Simulator
    _server: SimulatorServer
    _thread: threading.Thread
    paths: StatePaths | None = None

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop listening and delivering, and end the connections that are open."""
        self._server.shutdown()
        self.simulator.stop()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "RunningSimulator":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    port: int = 0,
    *,
    state_dir: Path | str | None = None,
    speed: float = 1.0,
    clock: SimClock | None = None,
    mchids: tuple[str, ...] = DEFAULT_MCHIDS,
    host: str = "127.0.0.1",
    push: Mapping[str, Any] | None = None,
) -> RunningSimulator:
    """Start a simulator in threads of this process; port 0 takes a free one. ``clock`` goes before ``speed``.

    ``push`` replaces single settings of message push: url, token, aes_key.
    """
    ticking = clock or SimClock(speed=speed)
    folder = None if state_dir is None else Path(state_dir)
    world = (
        new_world(clock=ticking, mchids=mchids) if folder is None else open_world(folder, clock=ticking, mchids=mchids)
    )
    world.mini.push.settings = replace(world.mini.push.settings, **(push or {}))
    running = serve_simulator(Simulator(world), port=port, host=host)
    if folder is not None:
        running.paths = write_settings(folder, world, origin=running.origin)
    return running


def serve_simulator(simulator: Simulator, *, port: int = 0, host: str = "127.0.0.1") -> RunningSimulator:
    """Put a simulator that was made elsewhere on a socket and start its deliveries."""
    server = SimulatorServer((host, port), simulator)
    simulator.start()
    thread = threading.Thread(target=server.serve_forever, name="wxsim", daemon=True, kwargs={"poll_interval": 0.05})
    thread.start()
    return RunningSimulator(simulator, server, thread)


def run(port: int, state_dir: Path | str | None, speed: float, *, push: Mapping[str, Any] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; to be called in the main thread."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with serve(port, state_dir=state_dir, speed=speed, push=push) as running:
        sys.stdout.write(f"微信模拟器 wxsim: {running.origin}\n")
        sys.stdout.write(f"消息推送地址: {running.simulator.world.mini.push.settings.url or '未设置'}\n")
        if running.paths is not None:
            sys.stdout.write(f"后端所需的环境变量: {running.paths.env_file}\n")
        sys.stdout.flush()
        ended.wait()
