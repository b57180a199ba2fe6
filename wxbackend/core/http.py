"""How requests come in and problems leave."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from wxbackend.core.errors import (
    BadRequest,
    Busy,
    Conflict,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    TooMany,
    UnsupportedMedia,
)
from wxbackend.core.schema import Answer

log = structlog.get_logger()
View = TypeVar("View", bound=Callable[..., Any])


def _pointer(title: str, location: Sequence[int | str]) -> str:
    """Where a fault is: ``/body/tree_count``. The part of the request is told by the schema's name."""
    root = next((part for part in ("body", "query", "path", "form") if title.lower().endswith(part)), "body")
    return "/".join(("", root, *map(str, location)))


MESSAGES = {
    "missing": "必填",
    "extra_forbidden": "不支持的字段",
    "string_too_short": "内容过短",
    "string_too_long": "内容过长",
    "greater_than_equal": "数值过小",
    "less_than_equal": "数值过大",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "string_type": "应为文字",
    "bool_type": "应为是或否",
    "bool_parsing": "应为是或否",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象",
    "list_type": "应为列表",
    "too_long": "数量过多",
    "too_short": "数量过少",
    "string_pattern_mismatch": "格式不正确",
    "date_from_datetime_parsing": "日期格式不正确",
}


def _message(fault: Any) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"]) if "ctx" in fault else fault["msg"].removeprefix("Value error, ")
    return MESSAGES.get(fault["type"], "格式不正确")


def invalid_input(error: ValidationError) -> InvalidInput:
    """Every fault with its field and a Chinese message; never the input itself."""
    faults = error.errors(include_url=False, include_input=False)
    return InvalidInput(
        errors=[{"field": _pointer(error.title, fault["loc"]), "message": _message(fault)} for fault in faults]
    )


def answer(body: Answer, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, content_type="application/json")


def no_content() -> Response:
    return Response(status=204)


def problem_response(problem: Problem) -> Response:
    body = {**problem.body, "instance": request.path, "request_id": g.get("request_id")}
    response = Response(
        json.dumps(body, ensure_ascii=False, default=str), problem.status, content_type="application/problem+json"
    )
    if problem.retry_after_s:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


HTTP_PROBLEMS: dict[int, type[Problem]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedMedia,
    422: InvalidInput,
    429: TooMany,
    503: Busy,
}


def _from_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or Problem.status
    response = problem_response(HTTP_PROBLEMS.get(status, BadRequest if status < Problem.status else Problem)())
    if status == MethodNotAllowed.status:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


#: PostgreSQL's classes that pass: connection, out of resources, operator intervention, lock, serialisation, deadlock.
PASSING_STATES = ("08", "53", "57", "40", "55P03", "58")
#: The same for SQLite. "No such table" has the same Python class, and does not pass.
PASSING_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
    }
)


def is_passing(error: DBAPIError) -> bool:
    """Whether trying again later may help: the database is away, full, locked or shutting down."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in PASSING_CODES  # the low byte, without the finer reason
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError)  # psycopg: no connection
    return str(state).startswith(PASSING_STATES)


def _from_database(error: DBAPIError) -> ResponseReturnValue:
    if not is_passing(error):
        return _unexpected(error)
    log.warning("database away", kind=type(error.orig).__name__)
    return problem_response(Busy())


def _unexpected(error: Exception) -> ResponseReturnValue:
    """Logged once with its trace; the caller learns the request id and nothing else."""
    log.error("unexpected", exc_info=error)
    return problem_response(Problem())


class SafeJson(DefaultJSONProvider):
    """JSON that never kills a worker: too deep is a syntax error, NaN, Infinity and a key given twice are not JSON."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return json.loads(s, parse_constant=self._refuse, object_pairs_hook=self._object, **kwargs)
        except RecursionError as error:
            raise ValueError("too deep") from error

    @staticmethod
    def _refuse(constant: str) -> Any:
        raise ValueError(constant)

    @staticmethod
    def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Readers differ on which of two values counts, so neither does."""
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key twice")
        return found


class SafeRequest(Request):
    """A request whose undecodable body is the caller's fault."""

    max_form_memory_size = 200_000
    max_form_parts = 100

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        """Parsed body; a broken one is ``BadRequest``, even where flask-openapi asks to be silent."""
        kwargs.pop("silent", None)
        if self.method in {"POST", "PUT", "PATCH"} and not self.is_json:
            raise UnsupportedMedia("请使用 application/json")
        return super().get_json(*args, **kwargs)


def accept_up_to(size: int) -> Callable[[View], View]:
    """Let a view take bodies of so many bytes, instead of what all others take."""

    def mark(view: View) -> View:
        view.__body_limit__ = size  # type: ignore[attr-defined]
        return view

    return mark


def limit_bodies(app: Flask) -> None:
    """Before anything reads the body: forms are read by the next hook already."""

    @app.before_request
    def _limit() -> None:
        view = app.view_functions.get(request.endpoint or "")
        own_limit: int | None = getattr(view, "__body_limit__", None)
        if own_limit is not None:
            request.max_content_length = own_limit


def refuse_nul(app: Flask) -> None:
    """No database of ours stores NUL: refuse it in addresses and forms. In JSON bodies ``Schema`` does."""

    @app.before_request
    def _refuse() -> None:
        if "\0" in request.path:
            raise NotFound
        for place, values in (("query", request.args), ("form", request.form)):
            if wrong := [name for name, value in values.items() if "\0" in value]:
                raise InvalidInput.at(f"/{place}/{wrong[0]}", "含有无法保存的字符")


def register_errors(app: Flask) -> None:
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(DBAPIError, _from_database)
    app.register_error_handler(Exception, _unexpected)
