"""Logs say what happened, and never whose secret it was."""

import io
import json
import logging

import pytest
import structlog

from tests.core.trial import with_trial
from wxbackend.core.log import HIDDEN, configure_logs, redact, scrub


@pytest.fixture
def written(embedded):
    """What the application logs from now on."""
    configure_logs(as_json=True)
    stream = io.StringIO()
    (handler,) = logging.getLogger().handlers
    handler.setStream(stream)
    yield stream
    configure_logs(as_json=True)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_id_and_outcome(embedded, written):
    answer = embedded.test_client().get("/healthz", headers={"X-Request-ID": "0123456789abcdef"})
    (line,) = lines(written)
    assert (line["event"], line["endpoint"], line["status"]) == ("request", "health.healthz", 200)
    assert line["request_id"] == answer.headers["X-Request-ID"] == "0123456789abcdef"


@pytest.mark.parametrize(
    "given", ["", "short", "with space inside", "x" * 65, "line\\nbreak", "<script>alert(1)</script>"]
)
def test_an_odd_request_id_is_replaced(embedded, given):
    answer = embedded.test_client().get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in {given, ""}


CANARIES = {
    "openid": "openid-canary",
    "phone": "13812345678",
    "code": "code-canary",
    "header": "Bearer canary-bearer",
    "query": "canary-query",
    "name": "林小苗canary",
}


def test_no_secret_of_a_whole_visit_is_logged(embedded, written):
    """Sign in, look, fail, crash: each with a word that must not turn up."""
    client = with_trial(embedded).test_client()
    signed_in = client.post("/v1/sessions", json={"code": CANARIES["code"]}, headers={"User-Agent": CANARIES["phone"]})
    token = signed_in.json["token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "canary-key"}
    client.get("/v1/sessions", headers=headers)
    client.get(f"/v1/trials?cursor={CANARIES['query']}")
    client.post("/v1/trials", json={"name": CANARIES["name"], "count": 0}, headers=headers)
    client.post("/v1/trials", json={"name": "a"}, headers=headers)
    client.get("/v1/sessions", headers={"Authorization": CANARIES["header"]})
    crashed = client.get("/v1/crash", headers={"X-Secret": f"call {CANARIES['phone']} {CANARIES['header']}", **headers})
    assert crashed.status_code == 500
    text = written.getvalue()
    assert "ZeroDivisionError" in text
    for canary in (*CANARIES.values(), token, "canary"):
        assert canary not in text


def test_a_refused_row_is_not_quoted():
    said = 'violates check constraint "ck"\nDETAIL:  Failing row contains (林小苗, 13812345678).\nCONTEXT:  x'
    assert "林小苗" not in scrub(said)
    assert 'constraint "ck"' in scrub(said)


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "appsecret", "password", "openid", "unionid", "phone", "session_key", "Authorization",
     "cookie", "signature", "js_code", "holder_name", "totp", "body"],
)  # fmt: skip
def test_values_are_hidden_by_their_name_wherever_they_are(name):
    event = redact(None, "info", {"event": "x", name: "canary", "deep": [{"er": {name: "canary"}}]})
    assert "canary" not in repr(event)
    assert event[name] == HIDDEN


@pytest.mark.parametrize(
    "text", ["13812345678", "电话13812345678。", "Bearer abc.def", "bearer\tabc", "a 19900001111 b"]
)
def test_values_are_hidden_by_their_shape(text):
    assert HIDDEN in scrub(text)
    assert not any(part in scrub(text) for part in ("13812345678", "19900001111", "abc"))


@pytest.mark.parametrize("text", ["4200001234202603121234567890", "P260312ABCDEFGHJK01", "445281101201", "2026-03-12"])
def test_numbers_that_staff_search_for_stay(text):
    assert scrub(text) == text


def test_what_the_standard_library_logs_is_cleaned_too(written):
    logging.getLogger("third.party").warning("call %s", "13812345678")
    (line,) = lines(written)
    assert (line["event"], line["level"]) == (f"call {HIDDEN}", "warning")


def test_structlog_and_the_library_share_one_format(written):
    structlog.get_logger().info("a", answer=42)
    logging.getLogger("b").info("b")
    assert [(line["event"], "timestamp" in line) for line in lines(written)] == [("a", True), ("b", True)]
