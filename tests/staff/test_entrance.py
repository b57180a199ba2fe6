"""The order of a sign-in: the password outside any transaction, the same work for everybody, the code last."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from models import Role, Staff, StaffSession
from tests.staff.people import PASSWORD, hashed
from wxbackend.core.db import db, reading
from wxbackend.core.ports import vault
from wxbackend.staff import entrance
from wxbackend.staff.errors import SignInRefused


class Doorman:
    """Stands in for argon2: remembers what was verified, and whether a transaction was open meanwhile."""

    def __init__(self, *, verdict: bool) -> None:
        self.verdict, self.seen, self.in_transaction = verdict, [], []

    def __call__(self, password: str, *, hashed: str | None) -> bool:
        self.seen.append((password, hashed))
        self.in_transaction.append(db.session().in_transaction())
        return self.verdict


def enter(username, code, clock, doorman, *, token="a token"):
    attempt = entrance.Attempt(username, PASSWORD, code)
    entrance.enter(attempt, token=token, safe=vault(), now=clock(), is_password=doorman)


def last_step(who) -> int:
    with reading() as session:
        return session.scalar(select(Staff.totp_last_step).where(Staff.id == who.id))


def test_password_is_verified_once_and_outside_any_transaction(office, clock):
    who, doorman = office.hire(Role.ISSUER), Doorman(verdict=True)
    enter(who.username, who.code(), clock, doorman)
    assert doorman.seen == [(PASSWORD, hashed())]
    assert doorman.in_transaction == [False]


def test_unknown_locked_and_disabled_accounts_cost_one_verification_too(office, app, clock):
    locked, disabled = office.hire(Role.ISSUER), office.hire(Role.ISSUER)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            enter(locked.username, locked.code(), clock, Doorman(verdict=False))
    app.test_cli_runner().invoke(args=["staff", "disable", disabled.username])
    for username in ("nobody", locked.username, disabled.username):
        doorman = Doorman(verdict=False)
        with pytest.raises(SignInRefused):
            enter(username, "000000", clock, doorman)
        assert doorman.seen == [(PASSWORD, None)]


def test_wrong_password_does_not_use_the_code_up(office, clock):
    who = office.hire(Role.ISSUER)
    with pytest.raises(SignInRefused):
        enter(who.username, who.code(), clock, Doorman(verdict=False))
    assert last_step(who) == 0
    enter(who.username, who.code(), clock, Doorman(verdict=True))
    assert last_step(who) > 0


def test_refused_sign_in_opens_no_session(office, clock):
    who = office.hire(Role.ISSUER)
    for code in ("000000", who.code(steps=7)):
        with pytest.raises(SignInRefused):
            enter(who.username, code, clock, Doorman(verdict=True))
    with reading() as session:
        assert session.scalar(select(StaffSession.id)) is None


def test_one_code_in_two_hands_at_once_opens_one_session(app, office, clock):
    who = office.hire(Role.ISSUER)
    code = who.code()

    def try_it(number: int) -> bool:
        with app.app_context():
            try:
                enter(who.username, code, clock, Doorman(verdict=True), token=f"token {number}")
            except SignInRefused:
                return False
            return True

    with ThreadPoolExecutor(2) as hands:
        assert sorted(hands.map(try_it, range(2))) == [False, True]
