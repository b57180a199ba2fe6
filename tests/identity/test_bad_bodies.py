"""Whatever is sent to identity's doors is refused in Chinese, with the field, and never breaks anything."""

import pytest

DOORS = [
    ("POST", "/v1/sessions", {"code": "code-b"}),
    ("PATCH", "/v1/me", {"name": "林小苗"}),
    ("POST", "/v1/me/phone", {"code": "phone-13800001234"}),
    ("POST", "/v1/me/consents", {"text": "privacy", "version": "1.0"}),
]
UNFIT = ["\0", "\ud800", "", 2**63, -(2**63), 1.5, True, [], {}, [["x"]], {"x": 1}, "x" * 100_000]


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def refused(answer, *fields: str) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    for fault in answer.json["errors"]:
        assert fault["field"] in fields, answer.json
        assert is_chinese(fault["message"]), answer.json


@pytest.mark.parametrize("unfit", UNFIT, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=[door[1] for door in DOORS])
def test_unfit_value_is_refused_with_its_field(client, make, texts, method, path, body, unfit):
    headers = make.resident()
    for field in body:
        sent = {**body, field: unfit}
        refused(client.open(path, method=method, json=sent, headers=headers), f"/body/{field}", "/body")


@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=[door[1] for door in DOORS])
def test_missing_and_unknown_fields_are_named(client, make, method, path, body):
    headers = make.resident()
    refused(client.open(path, method=method, json={}, headers=headers), "/body", *(f"/body/{field}" for field in body))
    extra = client.open(path, method=method, json={**body, "openid": "x"}, headers=headers)
    refused(extra, "/body/openid")
    assert extra.json["errors"][0]["message"] == "不支持的字段"


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"x"', b"null", b"\xff\xfe", b'{"code": NaN}', b"[" * 100_000])
@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=[door[1] for door in DOORS])
def test_broken_json_is_the_callers_fault(client, make, method, path, body, raw):
    headers = make.resident()
    answer = client.open(path, method=method, data=raw, content_type="application/json", headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert is_chinese(answer.json["title"])


@pytest.mark.parametrize("session_id", ["x", "%00", "x" * 41, "%ed%a0%80", "1%20OR%201=1", "../me"])
def test_odd_session_ids_are_not_found_or_refused(client, make, session_id):
    answer = client.delete(f"/v1/sessions/{session_id}", headers=make.resident())
    assert answer.status_code in {404, 405, 422}, answer.text


def test_stranger_with_a_bad_body_is_told_to_sign_in(client):
    for method, path, _ in DOORS[1:]:
        assert client.open(path, method=method, json={"x": 1}).status_code == 401
