"""Who may call what: every rule × method × caller, derived from the URL map. The console's cells are in tests/console.

A rule, a method or a path argument that is not told here fails: nobody adds a door without saying who holds its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest
from werkzeug.routing import Rule

from models import MessageKind
from tests.fakes import MCHID
from tests.payments.walk import Walk
from wxbackend.core.policies import policy_of
from wxbackend.messages.templates import Template

NOTHING: Mapping[str, str] = MappingProxyType({})
#: Resident A's, wherever a person is asked for a name or for words of their own.
NAME = "林小苗"


@dataclass(frozen=True)
class Door:
    """``kind`` is the policy; ``says`` what its rightful caller gets, with ``body``; ``owned``: another's is 404."""

    kind: str
    says: int = 200
    body: dict[str, Any] | None = None
    owned: bool = False


DOORS: Mapping[tuple[str, str], Door] = {
    ("GET", "/healthz"): Door("public"),
    ("GET", "/readyz"): Door("public"),
    ("GET", "/metrics"): Door("operator"),
    ("GET", "/problems"): Door("public"),
    ("GET", "/openapi.json"): Door("public"),
    ("GET", "/docs"): Door("public"),
    ("GET", "/docs/assets/<path:name>"): Door("public"),
    ("GET", "/static/<path:filename>"): Door("public", 404),
    ("GET", "/.well-known/jwks.json"): Door("public"),
    ("GET", "/c/<string:token>"): Door("public"),
    ("GET", "/C/<string:token>"): Door("public"),
    ("GET", "/t/<string:token>"): Door("public"),
    ("GET", "/T/<string:token>"): Door("public"),
    ("POST", "/wx/pay/notify/<string:mchid>"): Door("wechat", 401),
    ("POST", "/wx/refund/notify/<string:mchid>"): Door("wechat", 401),
    ("GET", "/wx/push"): Door("wechat", 401),
    ("POST", "/wx/push"): Door("wechat", 401),
    ("GET", "/v1/bases"): Door("public"),
    ("GET", "/v1/bases/<string:base_id>"): Door("public"),
    ("GET", "/v1/campaigns"): Door("public"),
    ("GET", "/v1/regions"): Door("public"),
    ("GET", "/v1/species"): Door("public"),
    ("GET", "/v1/legal"): Door("public"),
    ("GET", "/v1/status-lists/<int:number>"): Door("public"),
    ("GET", "/v1/trees/<string:token>"): Door("public"),
    ("GET", "/v1/trees/<string:token>/code.png"): Door("public"),
    ("GET", "/v1/trees/<string:token>/code.svg"): Door("public"),
    ("GET", "/v1/trees/<string:token>/mini-code.png"): Door("public"),
    ("GET", "/v1/verify/<string:token>"): Door("public"),
    ("POST", "/v1/sessions"): Door("public", 201, {"code": "code-x"}),
    ("GET", "/v1/sessions"): Door("resident"),
    ("DELETE", "/v1/sessions/current"): Door("resident", 204),
    ("DELETE", "/v1/sessions/<string:session_id>"): Door("resident", 204, owned=True),
    ("GET", "/v1/me"): Door("resident"),
    ("PATCH", "/v1/me"): Door("resident", 200, {"name": NAME}),
    ("PUT", "/v1/me/avatar"): Door("resident", 415, {}),
    ("POST", "/v1/me/avatar"): Door("resident", 415, {}),
    ("GET", "/media/<string:token>"): Door("public", 404),
    ("DELETE", "/v1/me"): Door("resident", 204),
    ("POST", "/v1/me/phone"): Door("resident", 200, {"code": "phone-13800000000"}),
    ("POST", "/v1/me/consents"): Door("resident", 422, {"text": "privacy", "version": "0"}),
    ("GET", "/v1/me/export"): Door("resident"),
    ("GET", "/v1/me/points"): Door("resident"),
    ("GET", "/v1/me/points/entries"): Door("resident"),
    ("GET", "/v1/me/trees"): Door("resident"),
    ("GET", "/v1/me/certificates"): Door("resident"),
    ("GET", "/v1/me/messages"): Door("resident"),
    ("POST", "/v1/me/messages/<string:message_id>/read"): Door("resident", 204, owned=True),
    ("POST", "/v1/me/messages/read-all"): Door("resident", 204),
    ("GET", "/v1/message-templates"): Door("resident"),
    ("POST", "/v1/me/message-consents"): Door("resident", 201, {"accepted": ["paid"]}),
    ("GET", "/v1/certificates/<string:serial>"): Door("resident", owned=True),
    ("GET", "/v1/certificates/<string:serial>.jws"): Door("resident", owned=True),
    ("GET", "/v1/certificates/<string:serial>.pdf"): Door("resident", 503, owned=True),  # nothing is drawn here
    ("GET", "/v1/certificates/<string:serial>.png"): Door("resident", 503, owned=True),
    ("GET", "/v1/pledges"): Door("resident"),
    ("POST", "/v1/pledges"): Door("resident", 422, {}),
    ("GET", "/v1/pledges/<string:number>"): Door("resident", owned=True),
    ("POST", "/v1/pledges/<string:number>/payments"): Door("resident", 409, owned=True),  # it is paid
    ("POST", "/v1/pledges/<string:number>/sync"): Door("resident", owned=True),
    ("POST", "/v1/pledges/<string:number>/cancel"): Door("resident", 409, owned=True),
    ("GET", "/v1/pledges/<string:number>/receipt"): Door("resident", owned=True),
    ("POST", "/v1/pledges/<string:number>/receipt"): Door("resident", 201, {"title": NAME}, owned=True),
    ("POST", "/v1/pledges/<string:number>/receipt/withdraw"): Door("resident", owned=True),
    ("GET", "/v1/pledges/<string:number>/refunds"): Door("resident", owned=True),
    ("POST", "/v1/pledges/<string:number>/refunds"): Door("resident", 201, {"reason": "change_of_mind"}, owned=True),
    ("GET", "/v1/refunds/<string:number>"): Door("resident", owned=True),
    ("POST", "/v1/refunds/<string:number>/withdraw"): Door("resident", owned=True),
}  # fmt: skip


def doors(app) -> dict[tuple[str, str], Rule]:
    """What the URL map holds, without the console."""
    return {
        (method, rule.rule): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("console.")
    }


@pytest.fixture
def walk(app, client, make, pay, clock) -> Walk:
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def a(make):
    return make.resident("a")


def asked_and_withdrawn(client, path: str, me, **body: str) -> dict[str, Any]:
    """What was asked for at ``path``, and taken back: it may be asked for again."""
    asked = client.post(path, json=body, headers=me)
    assert asked.status_code == 201, asked.text
    assert client.post(f"{asked.headers['Location']}/withdraw", headers=me).json["status"] == "withdrawn"
    return asked.json


@pytest.fixture
def things(app, walk, client, make, a) -> dict[str, str]:
    """Path arguments: what belongs to resident A, and what everybody may see."""
    app.extensions["xiangshu.templates"] = {MessageKind.PAID: Template("template-paid", {}, "pages/index")}
    base = make.base()
    number = walk.open(base, a, holder_name=NAME, reward="receipt")
    pledge = walk.fulfilled(number, a)
    certificate = client.get("/v1/me/certificates", headers=a).json["items"][0]
    asked_and_withdrawn(client, f"/v1/pledges/{number}/receipt", a, title=NAME)
    refund = asked_and_withdrawn(client, f"/v1/pledges/{number}/refunds", a, reason="change_of_mind", explanation=NAME)
    make.resident("a")  # a second phone
    return {
        "number": number,
        "refund number": refund["number"],
        "message_id": client.get("/v1/me/messages", headers=a).json["items"][0]["id"],
        "serial": certificate["serial"],
        "certificate token": walk.certificates()[0].token or "",
        "token": walk.trees()[0].token,
        "base_id": pledge["base_id"],
        "session_id": client.get("/v1/sessions", headers=a).json["items"][0]["id"],
        "mchid": MCHID,
        "name": "docs.js",
        "filename": "nothing.css",
    }


def path_of(rule: Rule, things: Mapping[str, str]) -> str:
    """The rule's path with A's things in it. ``KeyError`` for an argument that nobody told about."""
    known = {**things}
    if rule.rule in {"/c/<string:token>", "/C/<string:token>", "/v1/verify/<string:token>"}:
        known["token"] = things["certificate token"]
    if rule.rule == "/v1/status-lists/<int:number>":
        known["number"] = "0"
    if rule.rule.startswith("/v1/refunds/"):
        known["number"] = things["refund number"]
    path = rule.rule
    for argument in rule.arguments:
        converter = next(c for c in ("string", "path", "int") if f"<{c}:{argument}>" in path)
        path = path.replace(f"<{converter}:{argument}>", known[argument])
    return path


def call(client, door, method, path, headers=NOTHING):
    with client.open(path, method=method, json=door.body, headers=dict(headers), buffered=True) as answer:
        return answer


def test_every_door_is_told_here_and_no_other(app):
    assert set(doors(app)) == set(DOORS)


def test_every_door_has_the_policy_told_here(app):
    found = {key: str(policy_of(app, rule.endpoint)) for key, rule in doors(app).items()}
    assert found == {key: door.kind for key, door in DOORS.items()}


NOBODIES = {
    "anonymous": {},
    "empty": {"Authorization": "Bearer "},
    "garbage": {"Authorization": "Bearer garbage"},
    "very long": {"Authorization": "Bearer " + "x" * 5000},
    "another scheme": {"Authorization": "Basic YTpi"},
}


def test_nobody_passes_a_residents_door(app, client, things):
    for (method, rule_text), rule in doors(app).items():
        door = DOORS[method, rule_text]
        if door.kind != "resident":
            continue
        for who, headers in NOBODIES.items():
            answer = call(client, door, method, path_of(rule, things), headers)
            assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in"), (who, method, rule_text)


@pytest.mark.parametrize("how", ["expired", "ended", "erased"])
def test_a_session_that_is_over_passes_no_door(app, client, make, clock, things, how):
    headers = make.resident("c")
    if how == "expired":
        clock.forward(days=30)
    else:
        assert (
            client.delete("/v1/me" if how == "erased" else "/v1/sessions/current", headers=headers).status_code == 204
        )
    for (method, rule_text), rule in doors(app).items():
        door = DOORS[method, rule_text]
        if door.kind == "resident":
            answer = call(client, door, method, path_of(rule, things), headers)
            assert answer.status_code == 401, (method, rule_text)


def test_another_residents_things_are_not_found(app, client, make, things):
    headers = make.resident("b")
    for (method, rule_text), rule in doors(app).items():
        if DOORS[method, rule_text].owned:
            answer = call(client, DOORS[method, rule_text], method, path_of(rule, things), headers)
            assert (answer.status_code, answer.json["code"]) == (404, "not-found"), (method, rule_text)


def test_what_another_resident_lists_has_nothing_of_it(app, client, make, things):
    headers = make.resident("b")
    mine = [things[name] for name in ("number", "refund number", "message_id", "serial", "session_id", "token")]
    for (method, rule_text), rule in doors(app).items():
        door = DOORS[method, rule_text]
        if method == "GET" and door.kind == "resident" and not rule.arguments:
            told = call(client, door, method, path_of(rule, things), headers).text
            assert [word for word in (*mine, NAME, "openid-a") if word in told] == [], rule_text


#: What this door makes is taken back behind another: nobody whose refund is open may leave.
REFUND_ASKED = ("POST", "/v1/pledges/<string:number>/refunds")
#: Doors that shut others: tried last, in this order.
LAST = [("DELETE", "/v1/sessions/<string:session_id>"), ("DELETE", "/v1/sessions/current"), ("DELETE", "/v1/me")]


def test_the_rightful_caller_passes_every_door(app, client, make, a, things):
    rules = doors(app)
    for key in [*sorted(set(rules) - set(LAST)), *LAST]:
        door = DOORS[key]
        headers = make.resident("a") if key in LAST else a
        answer = call(client, door, key[0], path_of(rules[key], things), headers if door.kind == "resident" else {})
        assert answer.status_code == door.says, (key, answer.text)
        if key == REFUND_ASKED:
            things["refund number"] = answer.json["number"]


def test_public_doors_do_not_look_at_tokens(app, client, things):
    for (method, rule_text), rule in doors(app).items():
        door = DOORS[method, rule_text]
        if door.kind == "public":
            answer = call(client, door, method, path_of(rule, things), NOBODIES["garbage"])
            assert answer.status_code == door.says, (method, rule_text, answer.text)


def test_a_method_that_is_not_told_is_refused_with_those_that_are(app, client, things):
    for (_, rule_text), rule in doors(app).items():
        path = path_of(rule, things)
        allowed = {m for (m, text) in DOORS if path_of(doors(app)[m, text], things) == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
            answer = client.open(path, method=method)
            assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed"), (method, rule_text)
            assert allowed <= set(answer.headers["Allow"].split(", ")), (method, rule_text)


PRIVATE = ("openid", "unionid", "session_key", "phone", "row_key", "sealed", "digest", "resident_id")


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_of(inner)}
    return {key for inner in value for key in keys_of(inner)} if isinstance(value, list) else set()


def test_nothing_public_says_who_somebody_is(app, client, things):
    for (method, rule_text), rule in doors(app).items():
        door = DOORS[method, rule_text]
        if method == "GET" and door.kind == "public" and rule_text != "/openapi.json":
            answer = call(client, door, method, path_of(rule, things))
            assert NAME.encode() not in answer.data, rule_text
            assert b"openid-a" not in answer.data, rule_text
            if answer.is_json:
                assert not any(word in key for key in keys_of(answer.json) for word in PRIVATE), rule_text
