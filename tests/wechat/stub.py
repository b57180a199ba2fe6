"""A tiny HTTP server that answers as told and remembers what it was asked: for faults no simulator plays."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """``cut`` promises more bytes than it sends; ``drop`` closes without a word; ``hang`` waits for the test's end."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    drop: bool = False
    hang: bool = False


DROP, HANG = Reply(drop=True), Reply(hang=True)


def as_json(document: object, status: int = 200) -> Reply:
    # WeChat itself names its JSON text/plain
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "text/plain"})


Answer = Callable[[Seen], Reply]


class Stub:
    """``answer`` decides; ``then(…)`` queues replies that come first."""

    def __init__(self, url: str, answer: Answer) -> None:
        self.url = url
        self.answer = answer
        self.released = Event()
        self._seen: list[Seen] = []
        self._queued: list[Reply] = []
        self._lock = Lock()

    def then(self, *replies: Reply) -> None:
        self._queued.extend(replies)

    def reply(self, seen: Seen) -> Reply:
        with self._lock:
            self._seen.append(seen)
            if self._queued:
                return self._queued.pop(0)
        return self.answer(seen)

    def seen(self, path: str = "") -> list[Seen]:
        with self._lock:
            return [one for one in self._seen if path in one.path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    stub: Stub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        reply = self.server.stub.reply(Seen(self.command, self.path, dict(self.headers), body))
        if reply.hang:
            self.server.stub.released.wait(10)
        if reply.hang or reply.drop:
            self.close_connection = True
            return
        self.send_response_only(reply.status)  # no date of its own
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = self.close_connection or reply.cut

    do_POST = do_GET  # noqa: N815  # the name is the base class's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing."""


@contextmanager
def serving(answer: Answer) -> Iterator[Stub]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = Stub(f"http://127.0.0.1:{server.server_address[1]}", answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.stub
    finally:
        server.stub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
