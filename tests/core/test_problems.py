"""Every refusal is a problem document, and nothing that a caller sends is our fault."""

import json
import re

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from tests.core.trial import with_trial
from wxbackend.core.errors import InvalidInput, Problem
from wxbackend.core.http import is_passing, problem_response
from wxbackend.core.problems import every_problem

PROBLEMS = sorted(set(every_problem()), key=lambda p: (p.__module__, p.__name__))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
STATUSES = {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503}


@pytest.fixture
def trial(embedded):
    return with_trial(embedded).test_client()


def refused(answer, status, code):
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    body = json.loads(answer.data)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems#{code}")
    assert body["request_id"] == answer.headers["X-Request-ID"] != ""
    assert CHINESE.search(body["title"])
    return body


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
def test_every_problem_has_a_status_a_code_and_a_chinese_title(problem):
    assert problem.status in STATUSES
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", problem.code)
    assert CHINESE.search(problem.title)
    assert problem.status == 500 or issubclass(problem, Problem)


def test_codes_are_unique():
    owners = [problem for problem in PROBLEMS if "code" in vars(problem)]
    assert len({problem.code for problem in owners}) == len(owners)
    for problem in set(PROBLEMS) - set(owners):  # the same problem, caught in a narrower place
        assert (problem.title, problem.status) == (problem.__mro__[1].title, problem.__mro__[1].status)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
def test_every_problem_renders(browser, embedded, problem):
    with embedded.test_request_context("/v1/somewhere"):
        answer = problem_response(problem("因为"))
    body = json.loads(answer.data)
    assert (answer.status_code, body["code"], body["instance"]) == (problem.status, problem.code, "/v1/somewhere")
    assert answer.headers.get("Retry-After") == (str(problem.retry_after_s) if problem.retry_after_s else None)


@pytest.mark.parametrize("status", [429, 503])
def test_whoever_is_told_to_wait_is_told_how_long(status):
    assert all(problem.retry_after_s for problem in PROBLEMS if problem.status == status)


def test_the_catalogue_lists_every_problem(browser):
    page = browser.get("/problems")
    assert page.mimetype == "text/html"
    for problem in PROBLEMS:
        assert f'id="{problem.code}"' in page.text
        assert problem.title in page.text


def test_an_unknown_path_is_a_problem(browser):
    assert refused(browser.get("/v1/nothing-here"), 404, "not-found")["instance"] == "/v1/nothing-here"


def test_a_wrong_method_names_the_right_ones(browser):
    answer = browser.put("/v1/sessions")
    refused(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_an_unexpected_error_tells_nothing(trial):
    answer = trial.get("/v1/crash", headers={"X-Secret": "open sesame"})
    body = refused(answer, 500, "internal-error")
    assert set(body) == {"type", "title", "status", "code", "instance", "request_id"}
    assert "sesame" not in answer.text


def test_a_body_that_is_too_large_is_refused(trial):
    body = b'{"name": "' + b"x" * 1_000_000 + b'"}'
    refused(trial.post("/v1/echo", data=body, content_type="application/json"), 413, "too-large")


def test_a_body_of_another_kind_is_refused(trial):
    refused(trial.post("/v1/echo", data={"name": "a"}), 415, "unsupported-media-type")
    refused(trial.post("/v1/echo", data="<a/>", content_type="application/xml"), 415, "unsupported-media-type")
    refused(trial.post("/v1/echo"), 415, "unsupported-media-type")


UNREADABLE = {
    "empty": b"",
    "cut off": b'{"name": "a"',
    "not json": b"name=a",
    "too deep": b"[" * 100_000,
    "too deep and closed": b'{"name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "NaN": b'{"name": "a", "count": NaN}',
    "Infinity": b'{"name": "a", "count": -Infinity}',
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\x80"}',
    "duplicate keys": b'{"name": "a", "name": "b"}',
    "duplicate keys inside": b'{"name": {"a": 1, "a": 2}}',
    "an integer of 5,000 digits": b'{"name": "a", "count": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_is_no_json_is_refused(trial, name):
    refused(trial.post("/v1/echo", data=UNREADABLE[name], content_type="application/json"), 400, "bad-request")


UNSUITABLE = {
    "2^63": (b'{"name": "a", "count": 9223372036854775808}', "/body"),
    "2^53": (b'{"name": "a", "count": 9007199254740992}', "/body"),
    "NUL": (rb'{"name": "a\u0000b"}', "/body"),
    "NUL in a key": (rb'{"name": "a", "a\u0000": 1}', "/body"),
    "lone surrogate": (rb'{"name": "\ud800"}', "/body"),
    "lone surrogate, reversed pair": (rb'{"name": "\udc00\ud800"}', "/body"),
    "a list": (b"[]", "/body"),
    "a null": (b"null", "/body"),
    "a word": (b'"name"', "/body"),
    "unknown field": (b'{"name": "a", "price_fen": 1}', "/body/price_fen"),
    "too long": (b'{"name": "aaaaaaaaaaa"}', "/body/name"),
    "only spaces": (b'{"name": "   "}', "/body/name"),
    "missing": (b"{}", "/body/name"),
    "a fraction": (b'{"name": "a", "count": 1.5}', "/body/count"),
    "1e400": (b'{"name": "a", "count": 1e400}', "/body/count"),
    "zero": (b'{"name": "a", "count": 0}', "/body/count"),
    "a number as a name": (b'{"name": 1}', "/body/name"),
}


@pytest.mark.parametrize("name", UNSUITABLE)
def test_a_body_that_does_not_fit_is_told_where(trial, name):
    body, field = UNSUITABLE[name]
    problem = refused(trial.post("/v1/echo", data=body, content_type="application/json"), 422, "invalid-input")
    assert field in [error["field"] for error in problem["errors"]]
    assert all(CHINESE.search(error["message"]) for error in problem["errors"])


def test_what_was_sent_is_not_repeated(trial):
    answer = trial.post("/v1/echo", json={"name": "13800138000-too-long", "count": 0})
    assert "13800138000" not in answer.text
    assert len(refused(answer, 422, "invalid-input")["errors"]) == 2


def test_rare_characters_pass(trial):
    answer = trial.post("/v1/echo", json={"name": "𬭎𫖮㛃龘·"})
    assert (answer.status_code, answer.json["name"]) == (200, "𬭎𫖮㛃龘·")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=51", "limit=x", "limit=9223372036854775808", "cursor=%00", "cursor=%FF", "cursor=W10",
     "cursor=!", "cursor=" + "W" * 200, "cursor=" + "W" * 201, "cursor=WyJhIl0", "cursor=WzFlNDAwXQ", "unknown=1",
     "limit=NaN"],
)  # fmt: skip
def test_a_query_that_does_not_fit_is_refused(trial, query):
    problem = refused(trial.get(f"/v1/trials?{query}"), 422, "invalid-input")
    assert all(error["field"].startswith("/query") for error in problem["errors"])


@pytest.mark.parametrize(
    "path", ["/v1/%00", "/v1/%FF%FE", "/v1/sessions/%00", "//v1", "/v1/" + "a" * 5000, "/v1/%ED%A0%80"]
)
def test_an_odd_path_is_never_our_fault(browser, path):
    assert browser.get(path).status_code in {400, 404, 405, 308}


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer \u00ff"}, {"Authorization": "Bearer"}, {"X-Request-ID": "a b\u00ff" * 20},
     {"Content-Length": "-1"}, {"Cookie": "session=\u00ff"}, {"Accept": "\u00ff"}, {"Host": "evil.example"}],
)  # fmt: skip
def test_odd_headers_are_never_our_fault(browser, headers):
    assert browser.get("/v1/sessions", headers=headers).status_code in {400, 401}


class SqlState(Exception):
    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


class SqliteCode(Exception):
    def __init__(self, code):
        self.sqlite_errorcode = code


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OperationalError("", {}, Exception("connection refused")), True),
        *((OperationalError("", {}, SqliteCode(code)), True) for code in (5, 6, 13, 10, 14, 261, 517, 778)),
        (OperationalError("", {}, SqliteCode(1)), False),  # no such table
        (OperationalError("", {}, SqliteCode(8)), False),  # a write in a reading
        (IntegrityError("", {}, SqliteCode(2067)), False),
        (DataError("", {}, SqlState("22001")), False),
        (IntegrityError("", {}, SqlState("23505")), False),
        *((OperationalError("", {}, SqlState(state)), True) for state in ("08006", "53300", "57P01", "55P03", "40P01")),
    ],
)
def test_only_what_passes_is_told_to_try_again(error, passing):
    assert is_passing(error) is passing


def test_one_fault_at_one_place():
    problem = InvalidInput.at("/body/name", "无法书写")
    assert problem.body["errors"] == [{"field": "/body/name", "message": "无法书写"}]
