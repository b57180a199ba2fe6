"""Every answer carries the headers that protect its reader, whatever kind of answer it is."""

import pytest

from tests.core.trial import with_trial
from wxbackend.core.docs import DOCS_POLICY
from wxbackend.core.headers import API_POLICY, HEADERS, PAGE_POLICY


@pytest.fixture
def client(embedded):
    return with_trial(embedded).test_client()


ANSWERS = {
    "200 json": ("GET", "/healthz", 200, API_POLICY),
    "200 page": ("GET", "/problems", 200, PAGE_POLICY),
    "200 reader": ("GET", "/docs", 200, DOCS_POLICY),
    "200 script": ("GET", "/docs/assets/docs.js", 200, PAGE_POLICY),
    "401": ("GET", "/v1/sessions", 401, API_POLICY),
    "404 no route": ("GET", "/nowhere", 404, API_POLICY),
    "404 static": ("GET", "/static/nothing.css", 404, API_POLICY),
    "404 asset": ("GET", "/docs/assets/../factory.py", 404, API_POLICY),
    "405": ("DELETE", "/healthz", 405, API_POLICY),
    "415": ("POST", "/v1/echo", 415, API_POLICY),
    "500": ("GET", "/v1/crash", 500, API_POLICY),
    "OPTIONS": ("OPTIONS", "/v1/sessions", 200, PAGE_POLICY),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_is_protected(client, kind):
    method, path, status, policy = ANSWERS[kind]
    answer = client.open(path, method=method, buffered=True)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["Content-Security-Policy"] == policy
    assert answer.headers["X-Request-ID"]
    assert "Server" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_a_body_that_is_too_large_is_protected_too(client):
    answer = client.post("/v1/echo", data=b"x" * 1_000_001, content_type="application/json")
    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (413, "nosniff")


def test_nothing_personal_is_kept_by_a_cache(client):
    token = client.post("/v1/sessions", json={"code": "code-a"})
    assert token.headers["Cache-Control"] == "no-store"
    answer = client.get("/v1/sessions", headers={"Authorization": f"Bearer {token.json['token']}"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "max-age" in client.get("/docs/assets/docs.js", buffered=True).headers["Cache-Control"]


@pytest.mark.parametrize("policy", [PAGE_POLICY, API_POLICY])
def test_pages_run_no_inline_script_and_load_nothing_from_outside(policy):
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
