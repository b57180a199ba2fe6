"""A backend's side of message push, on a socket: it records what comes, answers as told, and serves pictures."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from wxbackend.devtools.wxsim.push import PushSettings


@dataclass
class Came:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes

    def opened(self, settings: PushSettings, appid: str) -> dict[str, Any]:
        """The event inside, by the unmodified wechatpy; raises what it raises."""
        check_signature(settings.token, self.query["signature"], self.query["timestamp"], self.query["nonce"])
        crypto = WeChatCrypto(settings.token, settings.aes_key, appid)
        query = self.query
        plain = crypto.decrypt_message(
            json.loads(self.body), query["msg_signature"], query["timestamp"], query["nonce"]
        )
        return json.loads(plain)


@dataclass
class Receiver:
    """Answers each POST with the next answer, the last one for ever; an answer of None hangs until the end."""

    answers: list[tuple[int, bytes] | None] = field(default_factory=lambda: [(200, b"success")])
    pictures: dict[str, bytes] = field(default_factory=dict)
    echo: bool = True
    came: list[Came] = field(default_factory=list)
    origin: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return self.origin + "/wx/push"

    @property
    def posts(self) -> list[Came]:
        return [one for one in self.came if one.method == "POST"]

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def reply(self, came: Came) -> tuple[int, bytes]:
        self.came.append(came)
        if came.method == "GET":
            return self._page(came)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self._ended.wait(30)
            return 500, b""
        return answer

    def _page(self, came: Came) -> tuple[int, bytes]:
        if came.path in self.pictures:
            return 200, self.pictures[came.path]
        if "echostr" not in came.query:
            return 404, b""
        return 200, came.query["echostr"].encode() if self.echo else b"no"


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class named it
        """Nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        came = Came(self.command, parts.path, dict(parse_qsl(parts.query)), body)
        status, answer = self.receiver.reply(came)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
