"""Signing in and out, idling, confirming, over HTTP."""

import pytest
from sqlalchemy import select

from models import AuditEntry, Role, StaffSession
from tests.staff.people import PASSWORD
from wxbackend.core.db import reading

REFUSED = "用户名、密码或动态码不正确"


def test_right_password_and_code_open_the_workbench(office):
    browser, who = office.door(), office.hire(Role.AUDITOR)
    answer = office.sign_in(browser, who)
    assert (answer.status_code, answer.location) == (303, "/console")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("xs_staff=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "工作台" in browser.get("/console").text


def test_stored_session_holds_no_token(office):
    browser = office.door()
    office.sign_in(browser, office.hire(Role.AUDITOR))
    token = browser.client.get_cookie("xs_staff").value
    with reading() as session:
        digests = session.scalars(select(StaffSession.token_digest)).all()
    assert len(token) >= 43
    assert all(token not in digest for digest in digests)


def test_wrong_password_wrong_code_and_unknown_name_read_the_same(office):
    who, stranger = office.hire(Role.AUDITOR), office.hire()
    wrong = [
        office.sign_in(office.door(), who, password="not-the-password-99"),
        office.sign_in(office.door(), who, code=stranger.code(steps=5)),
        office.door().post(
            "/console/login", form_on="/console/login", username="nobody", password=PASSWORD, code=who.code()
        ),
    ]
    assert [answer.status_code for answer in wrong] == [403] * 3
    assert all(REFUSED in answer.text and "Set-Cookie" not in answer.headers for answer in wrong)


def test_one_code_signs_in_once(office):
    who = office.hire(Role.AUDITOR)
    code = who.code()
    assert office.sign_in(office.door(), who, code=code).status_code == 303
    again = office.sign_in(office.door(), who, code=code)
    assert (again.status_code, REFUSED in again.text) == (403, True)


def test_a_code_older_than_one_already_used_is_refused(office):
    who = office.hire(Role.AUDITOR)
    assert office.sign_in(office.door(), who, code=who.code(steps=1)).status_code == 303
    assert office.sign_in(office.door(), who, code=who.code()).status_code == 403


def test_five_failures_make_the_account_rest_for_a_while(office, clock):
    who = office.hire(Role.AUDITOR)
    for _ in range(5):
        office.sign_in(office.door(), who, password="not-the-password-99")
    assert office.sign_in(office.door(), who).status_code == 403
    clock.forward(seconds=61)
    assert office.sign_in(office.door(), who).status_code == 303


def test_four_failures_do_not_make_it_rest_and_success_forgets_them(office, clock):
    who = office.hire(Role.AUDITOR)
    for _ in range(2):
        for _ in range(4):
            office.sign_in(office.door(), who, password="not-the-password-99")
        assert office.sign_in(office.door(), who).status_code == 303
        clock.forward(seconds=30)


def test_failures_and_sign_ins_stand_in_the_trail(office):
    who = office.hire(Role.AUDITOR)
    office.sign_in(office.door(), who, password="not-the-password-99")
    office.sign_in(office.door(), who)
    with reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["staff.sign-in-refused", "staff.sign-in"]


def test_signing_in_ends_the_session_the_browser_had(office, clock):
    browser, who = office.door(), office.hire(Role.AUDITOR)
    office.sign_in(browser, who)
    old = browser.client.get_cookie("xs_staff").value
    clock.forward(seconds=30)
    office.sign_in(browser, who)
    assert browser.client.get_cookie("xs_staff").value != old
    browser.client.set_cookie("xs_staff", old)
    assert browser.get("/console").status_code == 303


def test_session_ends_after_half_an_hour_of_idleness(office, clock):
    browser = office.seat_new(Role.AUDITOR)
    clock.forward(minutes=29)
    assert browser.get("/console").status_code == 200
    clock.forward(minutes=29)
    assert browser.get("/console").status_code == 200
    clock.forward(minutes=31)
    assert browser.get("/console").location == "/console/login?next=/console"


def test_session_ends_after_twelve_hours_of_use(office, clock):
    browser = office.seat_new(Role.AUDITOR)
    for _ in range(35):
        clock.forward(minutes=20)
        assert browser.get("/console").status_code == 200
    clock.forward(minutes=21)
    assert browser.get("/console").status_code == 303


def test_signing_out_ends_the_session_itself(office):
    browser = office.seat_new(Role.AUDITOR)
    token = browser.client.get_cookie("xs_staff").value
    assert browser.post("/console/logout").location == "/console/login"
    browser.client.set_cookie("xs_staff", token)
    assert browser.get("/console").status_code == 303


def test_anonymous_reader_is_sent_to_the_door_and_back(office):
    browser, who = office.door(), office.hire(Role.AUDITOR)
    sent = browser.get("/console/pledges?q=P1&status=funded")
    assert sent.location == "/console/login?next=/console/pledges?q%3DP1%26status%3Dfunded"
    answer = browser.post(
        sent.location, form_on="/console/login", username=who.username, password=PASSWORD, code=who.code()
    )
    assert answer.location == "/console/pledges?q=P1&status=funded"


def test_next_never_leads_elsewhere(office, clock):
    who = office.hire(Role.AUDITOR)
    for trap in (
        "https://evil.example/",
        "//evil.example/console",
        "/\\evil.example",
        "/v1/me",
        "/consoles",
        "console",
    ):
        clock.forward(seconds=30)
        answer = office.door().post(
            f"/console/login?next={trap}",
            form_on="/console/login",
            username=who.username,
            password=PASSWORD,
            code=who.code(),
        )
        assert (answer.status_code, answer.location) == (303, "/console"), trap


def test_confirming_takes_a_fresh_code_and_changes_the_token(office, clock):
    who = office.hire(Role.AUDITOR)
    browser = office.door()
    office.sign_in(browser, who)
    before = browser.client.get_cookie("xs_staff").value
    used = browser.post("/console/confirm?next=/console/approvals", form_on="/console/confirm", code=who.code())
    assert (used.status_code, REFUSED in used.text) == (403, True)
    clock.forward(seconds=30)
    fresh = browser.post("/console/confirm?next=/console/approvals", form_on="/console/confirm", code=who.code())
    assert fresh.location == "/console/approvals"
    assert browser.client.get_cookie("xs_staff").value != before
    assert browser.get("/console/approvals").status_code == 200


def test_guessing_codes_at_the_confirmation_locks_it(office):
    who = office.hire(Role.AUDITOR)
    browser = office.seat(who, confirmed=False)
    for _ in range(5):
        browser.post("/console/confirm", form_on="/console/confirm", code=who.code(steps=9))
    assert browser.post("/console/confirm", form_on="/console/confirm", code=who.code()).status_code == 403


def test_own_sessions_are_listed_and_ended_and_others_are_not(office):
    who, other = office.hire(Role.AUDITOR), office.hire(Role.AUDITOR)
    mine, second, theirs = office.seat(who), office.seat(who), office.seat(other)
    page = mine.get("/console/sessions").text
    handles = [part.split("/end")[0] for part in page.split("/console/sessions/")[1:]]
    assert len(handles) == 1
    assert theirs.post(f"/console/sessions/{handles[0]}/end").status_code == 404
    assert mine.post(f"/console/sessions/{handles[0]}/end").status_code == 303
    assert second.get("/console").status_code == 303


@pytest.mark.parametrize("part", [lambda handle: handle[:1], lambda handle: handle[:-1], lambda handle: handle + "0"])
def test_part_of_a_handle_ends_nothing(office, part):
    who = office.hire(Role.AUDITOR)
    mine, second = office.seat(who), office.seat(who)
    handle = mine.get("/console/sessions").text.split("/console/sessions/")[1].split("/end")[0]
    assert mine.post(f"/console/sessions/{part(handle)}/end").status_code == 404
    assert [browser.get("/console").status_code for browser in (mine, second)] == [200, 200]


def test_disabled_account_is_out_at_once(office, app):
    who = office.hire(Role.AUDITOR)
    browser = office.seat(who)
    assert app.test_cli_runner().invoke(args=["staff", "disable", who.username]).exit_code == 0
    assert browser.get("/console").status_code == 303
    assert office.sign_in(office.door(), who).status_code == 403


def test_empty_form_names_each_field(office):
    answer = office.door().post("/console/login", form_on="/console/login", username="", password="", code="12")
    assert answer.status_code == 422
    assert answer.text.count("请填写") == 2
    assert "请输入 6 位数字" in answer.text


def test_password_of_a_thousand_letters_is_not_hashed(office):
    answer = office.sign_in(office.door(), office.hire(Role.AUDITOR), password="x" * 1000)
    assert (answer.status_code, "密码过长" in answer.text) == (422, True)


def test_account_without_a_role_sees_no_page_but_its_own(office):
    browser = office.seat_new()
    assert browser.get("/console").status_code == 403
    assert browser.get("/console/sessions").status_code == 200
