"""Requests that change something must come from our own forms."""

import pytest
from sqlalchemy import select

from models import Role, StaffSession
from wxbackend.core.db import reading


def still_signed_in() -> bool:
    with reading() as session:
        return session.scalars(select(StaffSession.ended_at)).all() == [None]


@pytest.mark.parametrize("token", [None, "", "forged", "a.b.c"])
def test_missing_or_wrong_token_is_a_bad_request(office, token):
    browser = office.seat_new(Role.AUDITOR)
    browser.get("/console")
    answer = browser.send("/console/logout", {} if token is None else {"csrf_token": token})
    assert (answer.status_code, answer.json["code"]) == (400, "forged-form")
    assert still_signed_in()


def test_token_of_another_browser_is_refused(office):
    mine, theirs = office.seat_new(Role.AUDITOR), office.seat_new(Role.AUDITOR)
    mine.get("/console")
    answer = mine.send("/console/logout", {"csrf_token": theirs.form_token("/console")})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 400),
        ({"Origin": "null"}, 400),
        ({"Referer": "https://evil.example/console"}, 400),
        ({"Origin": "http://localhost"}, 303),
        ({"Referer": "http://localhost/console"}, 303),
    ],
)
def test_right_token_from_a_wrong_place_is_refused(office, headers, status):
    browser = office.seat_new(Role.AUDITOR)
    fields = {"csrf_token": browser.form_token("/console")}
    assert browser.send("/console/logout", fields, headers=headers).status_code == status


def test_door_itself_is_guarded(office):
    who = office.hire(Role.AUDITOR)
    fields = {"username": who.username, "password": "x", "code": who.code()}
    assert office.door().send("/console/login", fields).status_code == 400


def test_token_changes_at_the_door(office):
    browser, who = office.door(), office.hire(Role.AUDITOR)
    before = browser.form_token("/console/login")
    office.sign_in(browser, who)
    assert browser.send("/console/logout", {"csrf_token": before}).status_code == 400


def test_api_with_a_bearer_token_needs_no_form_token(client, make):
    assert client.delete("/v1/sessions/current", headers=make.resident()).status_code == 204


def test_refusal_is_a_page_for_browsers_and_a_document_for_programs(office):
    browser = office.seat_new(Role.SYSTEM)
    page = browser.get("/console/pledges", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "没有权限" in page.text
    document = browser.get("/console/pledges")
    assert (document.status_code, document.mimetype) == (403, "application/problem+json")
    unknown = browser.get("/console/nowhere", headers={"Accept": "text/html"})
    assert (unknown.status_code, unknown.mimetype) == (404, "text/html")
