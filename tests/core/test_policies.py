"""Who may call a view is decided before anything else looks at the request."""

import pytest
from flask import Flask, g

from tests.core.trial import with_trial
from wxbackend.core.errors import NotAllowed, NotSignedIn
from wxbackend.core.policies import (
    Caller,
    Policy,
    allow,
    any_staff,
    current_caller,
    enforce,
    operator,
    policy_of,
    public,
    require_policies,
    resident,
    staff,
    wechat,
)
from wxbackend.core.settings import Settings
from wxbackend.factory import FEATURES, RESOLVERS, create_app

KINDS = [public, resident, wechat, operator, any_staff, staff("certificates.issue")]


def small_app(policy: Policy | None, resolvers) -> Flask:
    app = Flask(__name__)

    def view():
        caller = g.caller
        return {"caller": caller.id if caller else None}

    app.add_url_rule("/", view_func=view if policy is None else allow(policy)(view))
    allow(public)(app.view_functions["static"])
    enforce(app, resolvers)
    return app


def test_a_view_without_a_policy_is_not_served():
    app = small_app(None, {})
    with pytest.raises(RuntimeError, match="views without a policy: view"):
        require_policies(app, {"public"})


@pytest.mark.parametrize("policy", KINDS, ids=str)
def test_a_policy_that_nobody_resolves_is_not_served(policy):
    app = small_app(policy, {})
    with pytest.raises(RuntimeError, match="view"):
        require_policies(app, {"public"} - {policy.kind})
    require_policies(app, {"public", policy.kind})


def test_create_app_refuses_a_view_without_a_policy(schema_less, ports):
    """The list of features is looked at when the application is made: the blueprint is taken away again."""
    from flask import Blueprint

    health = FEATURES[0]
    assert isinstance(health, Blueprint)
    settings = Settings(app_env="test", database_url=schema_less, _env_file=None)
    kept = list(health.deferred_functions)
    health.deferred_functions.append(lambda state: state.app.add_url_rule("/bare", "bare", lambda: ""))
    try:
        with pytest.raises(RuntimeError, match="views without a policy: bare"):
            create_app(settings, ports)
    finally:
        health.deferred_functions[:] = kept
    create_app(settings, ports)


@pytest.mark.parametrize("policy", KINDS, ids=str)
def test_the_resolver_of_the_kind_is_asked_with_the_policy_itself(policy):
    asked = []

    def resolve(given):
        asked.append(given)
        return Caller(kind=given.kind, id=7, session_id=1)

    answer = small_app(policy, {policy.kind: resolve}).test_client().get("/")
    assert (asked, answer.json) == ([policy], {"caller": 7})


@pytest.mark.parametrize("refusal", [NotSignedIn, NotAllowed])
def test_a_refused_caller_does_not_reach_the_view(refusal):
    def resolve(_policy):
        raise refusal

    app = small_app(resident, {"resident": resolve})
    app.register_error_handler(refusal, lambda problem: (problem.code, problem.status))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text) == (refusal.status, refusal.code)


def test_a_caller_is_frozen():
    caller = Caller(kind="resident", id=1, session_id=1)
    with pytest.raises(AttributeError):
        caller.id = 2  # type: ignore[misc]


def test_every_view_of_the_application_has_a_policy_that_is_resolved(embedded):
    for endpoint in embedded.view_functions:
        policy = policy_of(embedded, endpoint)
        assert policy is not None, endpoint
        assert policy.kind in RESOLVERS, endpoint


BAD_BODIES = [b"", b"{", b"[]", b'{"name": 1}', b"[" * 100_000]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda b: b[:10].decode())
@pytest.mark.parametrize("token", [None, "Bearer nonsense", "Basic eDp5", "bearer lower-case"])
def test_a_stranger_with_a_bad_body_is_told_to_sign_in(embedded, body, token):
    client = with_trial(embedded).test_client()
    headers = {"Authorization": token} if token else {}
    answer = client.post("/v1/trials", data=body, headers=headers, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in")


def test_a_resident_with_a_bad_body_is_told_what_is_wrong(embedded):
    client = with_trial(embedded).test_client()
    token = client.post("/v1/sessions", json={"code": "code-a"}).json["token"]
    answer = client.post("/v1/trials", json={}, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")


def test_a_cookie_opens_nothing(embedded):
    client = with_trial(embedded).test_client()
    token = client.post("/v1/sessions", json={"code": "code-a"}).json["token"]
    client.set_cookie("session", token)
    client.set_cookie("Authorization", f"Bearer {token}")
    assert client.get("/v1/sessions").status_code == 401


def test_the_caller_is_the_one_who_was_recognised(embedded):
    client = with_trial(embedded).test_client()
    token = client.post("/v1/sessions", json={"code": "code-a"}).json["token"]
    with client:
        client.get("/v1/sessions", headers={"Authorization": f"Bearer {token}"})
        assert current_caller().openid == "openid-a"
        assert current_caller().kind == "resident"
