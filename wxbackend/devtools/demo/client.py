"""The two sides a demo talks to over real HTTP: the backend as the mini-program does, and the simulator's controls."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

TIMEOUT_S = 15
PATIENCE_S = 60.0


class StepFailed(Exception):
    """A step of the journey did not end as it must."""


@dataclass
class MiniProgramClient:
    """What the mini-program on somebody's phone can do."""

    base_url: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, *, expect: int = 200, **options: Any) -> Any:
        """One request; its JSON, or its bytes. Raises ``StepFailed`` for any other status than ``expect``."""
        response = self.session.request(method, self.base_url + path, timeout=TIMEOUT_S, **options)
        if response.status_code != expect:
            raise StepFailed(f"{method} {path}: {response.status_code} {response.text[:300]}")
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.json() if is_json else response.content

    def sign_in(self, code: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("POST", "/v1/sessions", json={"code": code}, expect=201)
        self.session.headers["Authorization"] = f"Bearer {answer['token']}"
        return answer


@dataclass
class Simulator:
    """The controls of the simulated WeChat: what a person does with fingers."""

    base_url: str

    def do(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.base_url}/_control/{path}", json=body, timeout=TIMEOUT_S)
        if not answer.ok:
            raise StepFailed(f"simulator {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look again until there is something. Raises ``StepFailed`` after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (requests.ConnectionError, StepFailed):
            pass
        time.sleep(0.2)
    raise StepFailed(f"{what}: nothing after {PATIENCE_S:.0f} s")
