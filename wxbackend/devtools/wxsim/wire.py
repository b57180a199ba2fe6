"""What comes in, what goes out, and how a path finds its handler; no socket is touched here."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

Json = dict[str, Any]
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

JSON_TYPE = "application/json; charset=utf-8"


class BadJson(Exception):
    """The body is not a JSON object."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request off the wire; header names are lower case, ``target`` is the path with its query, unparsed."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def json(self) -> Json:
        """The body as an object, an empty body as ``{}``; raises BadJson."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
            json_bytes(value)  # half of a surrogate pair is no text, and could not be told again
        except (ValueError, RecursionError) as error:
            raise BadJson from error
        if not isinstance(value, dict):
            raise BadJson
        return value


class Transport(Enum):
    """How the answer leaves: whole, cut in the middle of its body, or never."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = Transport.WHOLE


def json_answer(value: object, *, status: int = 200, content_type: str = JSON_TYPE) -> Answer:
    return Answer(status, json_bytes(value), {"Content-Type": content_type})


def json_bytes(value: object) -> bytes:
    """Compact UTF-8, as both hosts write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Route(Generic[HandlerT]):
    """``path`` may hold named groups; they reach the handler as keywords."""

    method: str
    path: str
    handler: HandlerT

    def match(self, method: str, path: str) -> dict[str, str] | None:
        found = re.fullmatch(self.path, path) if method == self.method else None
        return found.groupdict() if found else None


def find_route(routes: tuple[Route[HandlerT], ...], method: str, path: str) -> tuple[HandlerT, dict[str, str]] | None:
    for route in routes:
        words = route.match(method, path)
        if words is not None:
            return route.handler, words
    return None
