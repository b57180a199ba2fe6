"""Accounts from the command line to the first code."""

import re

import pyotp
import pytest
from sqlalchemy import select

from models import AuditEntry, Role, Staff, StaffGrant, StaffStatus
from tests.make import CITY, COUNTY, VILLAGE
from tests.staff.people import PASSWORD
from wxbackend.core.db import reading


@pytest.fixture
def flask_staff(app, make):
    make.regions()
    return lambda *words: app.test_cli_runner().invoke(args=["staff", *words])


def create(flask_staff, username="xiaomiao", *, role="issuer", region=COUNTY):
    return flask_staff("create", username, "--name", "林小苗", "--role", role, "--region", region)


def link_of(result) -> str:
    assert result.exit_code == 0, result.output
    return re.search(r"http://127\.0\.0\.1:8000(/console/activate/\S+)", result.output).group(1)


def account(username="xiaomiao") -> Staff:
    with reading() as session:
        return session.scalars(select(Staff).where(Staff.username == username)).one()


def choose(office, link, *, password=PASSWORD, again=None):
    browser = office.door()
    return browser, browser.post(link, form_on=link, password=password, again=again or password)


def secret_on(page) -> str:
    return re.search(r'<p class="code">([A-Z2-7]{32})</p>', page.text).group(1)


def test_one_time_link_leads_to_an_account_that_signs_in(flask_staff, office, clock):
    link = link_of(create(flask_staff))
    browser, page = choose(office, link)
    secret = secret_on(page)
    assert "<svg" in page.text
    done = browser.send(
        f"{link}/code",
        {"code": pyotp.TOTP(secret).at(clock()), "csrf_token": browser.form_token("/console/login")},
    )
    assert done.location == "/console/login"
    assert account().status is StaffStatus.ACTIVE
    clock.forward(seconds=30)
    entered = browser.post(
        "/console/login",
        form_on="/console/login",
        username="xiaomiao",
        password=PASSWORD,
        code=pyotp.TOTP(secret).at(clock()),
    )
    assert entered.location == "/console"
    assert office.door().get(link).status_code == 404


def test_link_is_stored_as_a_digest_and_secret_sealed(flask_staff, office):
    link = link_of(create(flask_staff))
    _, page = choose(office, link)
    row = account()
    assert link.rpartition("/")[2] != row.invitation_digest
    assert secret_on(page) not in row.totp_sealed
    assert PASSWORD not in row.password_hash


def test_code_that_opened_the_account_does_not_sign_in(flask_staff, office, clock):
    link = link_of(create(flask_staff))
    browser, page = choose(office, link)
    code = pyotp.TOTP(secret_on(page)).at(clock())
    browser.send(f"{link}/code", {"code": code, "csrf_token": browser.form_token("/console/login")})
    entered = browser.post(
        "/console/login", form_on="/console/login", username="xiaomiao", password=PASSWORD, code=code
    )
    assert entered.status_code == 403


def test_wrong_code_leaves_the_account_closed_and_shows_no_secret(flask_staff, office):
    link = link_of(create(flask_staff))
    browser, page = choose(office, link)
    wrong = browser.send(f"{link}/code", {"code": "000000", "csrf_token": browser.form_token("/console/login")})
    assert (wrong.status_code, "动态码不正确" in wrong.text) == (403, True)
    assert secret_on(page) not in wrong.text
    assert account().status is StaffStatus.INVITED


def test_code_without_a_password_opens_nothing(flask_staff, office):
    link, browser = link_of(create(flask_staff)), office.door()
    wrong = browser.send(f"{link}/code", {"code": "000000", "csrf_token": browser.form_token("/console/login")})
    assert wrong.status_code == 403
    assert account().status is StaffStatus.INVITED


def test_link_ends_after_a_day(flask_staff, office, clock):
    link = link_of(create(flask_staff))
    clock.forward(hours=23, minutes=59)
    assert office.door().get(link).status_code == 200
    clock.forward(minutes=2)
    assert office.door().get(link).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("short", None, "12 至 128"),
        ("xiaomiao-zhishu-2026", None, "过于常见"),
        (PASSWORD, "something-else-99", "不一致"),
    ],
)
def test_bad_password_is_explained_beside_the_form(flask_staff, office, password, again, says):
    _, page = choose(office, link_of(create(flask_staff)), password=password, again=again)
    assert (page.status_code, says in page.text) == (422, True)
    assert account().password_hash is None


def test_user_name_is_taken_once(flask_staff):
    create(flask_staff)
    again = create(flask_staff)
    assert (again.exit_code, "已存在" in again.output) == (1, True)


@pytest.mark.parametrize("username", ["Xiaomiao", "1abc", "ab", "a b c", "林小苗"])
def test_user_name_that_cannot_be_typed_is_refused(flask_staff, username):
    assert create(flask_staff, username).exit_code == 2


@pytest.mark.parametrize("region", [VILLAGE, "999999000000"])
def test_role_reaches_over_a_known_city_or_county_only(flask_staff, region):
    refused = create(flask_staff, region=region)
    assert (refused.exit_code, "市或县" in refused.output) == (1, True)
    with reading() as session:
        assert session.scalar(select(Staff.id)) is None


def test_grant_adds_a_role_once(flask_staff):
    create(flask_staff)
    for _ in range(2):
        assert flask_staff("grant", "xiaomiao", "--role", "auditor", "--region", CITY).exit_code == 0
    with reading() as session:
        grants = session.execute(select(StaffGrant.role, StaffGrant.region_code).order_by(StaffGrant.id)).all()
    assert [tuple(grant) for grant in grants] == [(Role.ISSUER, COUNTY), (Role.AUDITOR, CITY)]


def grants() -> list[tuple[Role, str]]:
    with reading() as session:
        return [tuple(row) for row in session.execute(select(StaffGrant.role, StaffGrant.region_code))]


def test_revoked_role_is_gone_and_so_are_the_sessions(flask_staff, office):
    who = office.hire(Role.ISSUER, Role.AUDITOR)
    browser, other = office.seat(who), office.seat_new(Role.ISSUER)
    done = flask_staff("revoke", who.username, "--role", "issuer", "--region", COUNTY)
    assert done.exit_code == 0
    assert (f"issuer 发证员 {COUNTY}" in done.output, f"auditor 审计 {COUNTY}" in done.output) == (False, True)
    assert (browser.get("/console").status_code, other.get("/console").status_code) == (303, 200)
    assert grants() == [(Role.AUDITOR, COUNTY), (Role.ISSUER, COUNTY)]
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.revoke")).one()
    assert (entry.object_key, entry.details) == (who.username, {"role": "issuer", "region": COUNTY})


@pytest.mark.parametrize(("role", "region"), [("finance", COUNTY), ("issuer", CITY), ("issuer", "999999000000")])
def test_role_that_is_not_held_cannot_be_revoked(flask_staff, office, role, region):
    who = office.hire(Role.ISSUER)
    browser = office.seat(who)
    refused = flask_staff("revoke", who.username, "--role", role, "--region", region)
    assert (refused.exit_code, "没有这个角色" in refused.output) == (1, True)
    assert (grants(), browser.get("/console").status_code) == ([(Role.ISSUER, COUNTY)], 200)


def test_roles_that_come_back_with_an_account_are_told(flask_staff, office):
    who = office.hire(Role.ISSUER)
    for command in ("disable", "reset-totp"):
        assert f"issuer 发证员 {COUNTY}" in flask_staff(command, who.username).output
    flask_staff("revoke", who.username, "--role", "issuer", "--region", COUNTY)
    again = flask_staff("reset-totp", who.username)
    assert ("没有任何角色" in again.output, "issuer" in again.output) == (True, False)


def test_reset_takes_password_and_totp_and_gives_a_new_link(flask_staff, office):
    who = office.hire(Role.ISSUER)
    browser = office.seat(who)
    link = link_of(flask_staff("reset-totp", who.username))
    assert browser.get("/console").status_code == 303
    assert office.sign_in(office.door(), who).status_code == 403
    assert office.door().get(link).status_code == 200
    row = account(who.username)
    assert (row.status, row.password_hash, row.totp_sealed) == (StaffStatus.INVITED, None, None)


def test_disabled_account_comes_back_by_a_new_link_only(flask_staff, office):
    who = office.hire(Role.ISSUER)
    assert flask_staff("disable", who.username).exit_code == 0
    assert flask_staff("disable", who.username).exit_code == 1
    assert office.door().get(link_of(flask_staff("reset-totp", who.username))).status_code == 200


def test_unknown_account_is_said_to_be_unknown(flask_staff):
    for words in (
        ("disable", "nobody"),
        ("reset-totp", "nobody"),
        ("grant", "nobody", "--role", "issuer", "--region", COUNTY),
        ("revoke", "nobody", "--role", "issuer", "--region", COUNTY),
    ):
        result = flask_staff(*words)
        assert (result.exit_code, "没有这个账号" in result.output) == (1, True)


def test_every_command_stands_in_the_trail(flask_staff):
    create(flask_staff)
    flask_staff("disable", "xiaomiao")
    flask_staff("reset-totp", "xiaomiao")
    with reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["staff.create", "staff.grant", "staff.disable", "staff.reset-totp"]
