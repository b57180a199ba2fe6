"""How often one may knock, and how the cookie is kept in production."""

from contextlib import contextmanager

import pytest
from flask import Response

from tests.staff.people import Browser
from wxbackend.core.db import db
from wxbackend.core.settings import AppEnv
from wxbackend.factory import create_app
from wxbackend.staff.callers import cookie_name, drop_cookie, set_cookie


@contextmanager
def site(settings, ports, **changes):
    """Another application over the same database, configured otherwise."""
    app = create_app(settings.model_copy(update=changes), ports)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("path", ["/console/login", "/console/activate/unknown", "/console/activate/unknown/code"])
def test_an_address_knocks_thirty_times_a_minute(settings, ports, path):
    with site(settings, ports, rate_limits=True) as app:
        browser = Browser(app.test_client())
        fields = {"csrf_token": browser.form_token("/console/login")}
        answers = [browser.send(path, fields) for _ in range(31)]
        assert [answer.status_code == 429 for answer in answers] == [False] * 30 + [True]
        assert answers[-1].headers["Retry-After"]
        elsewhere = browser.send(path, fields, environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert elsewhere.status_code in {404, 422}


def test_cookie_in_production_is_bound_to_https_and_this_host(settings, ports):
    with site(settings, ports, app_env=AppEnv.PRODUCTION) as app, app.test_request_context():
        response = Response()
        set_cookie(response, "a token")
        drop_cookie(response)
        given, dropped = response.headers.getlist("Set-Cookie")
        assert cookie_name() == "__Host-xs_staff"
        for cookie in (given, dropped):
            assert cookie.startswith("__Host-xs_staff=")
            assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"))
            assert "Domain" not in cookie
        assert "Max-Age=43200" in given
        assert "Max-Age=0" in dropped
