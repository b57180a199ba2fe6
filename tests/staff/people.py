"""Colleagues with accounts, and the browsers they sit at. Names are invented."""

import re
from contextvars import Context
from dataclasses import dataclass
from functools import cache
from itertools import count

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from models import Role, Staff, StaffGrant, StaffSession, StaffStatus
from tests.fakes import Clock
from tests.make import COUNTY, Make
from wxbackend.core.crypto import token_digest
from wxbackend.core.db import transaction
from wxbackend.core.ports import vault
from wxbackend.staff import passwords
from wxbackend.staff.rules import SESSION_LIFE
from wxbackend.staff.service import totp_place

PASSWORD = "mossy-boulder-violin-71"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TOKEN_FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')


@cache
def hashed() -> str:
    return passwords.hash_password(PASSWORD, salt=b"sixteen bytes!!!")


@dataclass(frozen=True)
class Colleague:
    id: int
    username: str
    clock: Clock

    def code(self, *, steps: int = 0) -> str:
        """What the app on the phone shows, ``steps`` periods from now."""
        return pyotp.TOTP(SECRET).at(self.clock(), counter_offset=steps)


@dataclass
class Browser:
    """A browser with a cookie jar that fills forms in as a person would: token first.

    Each request runs in a context of its own: under the test's application context all would share one ``g``.
    """

    client: FlaskClient

    def get(self, path: str, **options):
        return Context().run(self.client.get, path, **options)

    def send(self, path: str, fields: dict[str, str], **options):
        """POST exactly these fields."""
        return Context().run(self.client.post, path, data=fields, **options)

    def post(self, path: str, *, form_on: str = "/console/sessions", **fields):
        return self.send(path, {**fields, "csrf_token": self.form_token(form_on)})

    def form_token(self, form_on: str) -> str:
        found = TOKEN_FIELD.search(self.get(form_on).text)
        assert found, form_on
        return found.group(1)


class Office:
    """Adds colleagues, and seats them at browsers."""

    def __init__(self, app: Flask, make: Make, clock: Clock) -> None:
        self._app, self._clock, self._numbers = app, clock, count(1)
        make.regions()

    def hire(self, *roles: Role, region: str = COUNTY, name: str = "林小苗") -> Colleague:
        """An active account with ``roles`` over ``region``."""
        username = f"colleague{next(self._numbers)}"
        with transaction() as session:
            row = Staff(
                row_key=username,
                username=username,
                display_name=name,
                status=StaffStatus.ACTIVE,
                password_hash=hashed(),
                totp_sealed=vault().seal(SECRET, place=totp_place(username)),
                created_at=self._clock(),
            )
            session.add(row)
            session.flush()
            for role in roles:
                session.execute(insert(StaffGrant).values(staff_id=row.id, role=role, region_code=region))
            return Colleague(row.id, username, self._clock)

    def door(self) -> Browser:
        """A browser of nobody yet."""
        return Browser(self._app.test_client())

    def seat(self, who: Colleague, *, confirmed: bool = True) -> Browser:
        """A browser in which ``who`` is signed in, just now or some while ago."""
        token, now = f"token-{next(self._numbers)}", self._clock()
        with transaction() as session:
            session.add(
                StaffSession(
                    staff_id=who.id,
                    token_digest=token_digest(token),
                    created_at=now,
                    seen_at=now,
                    confirmed_at=now if confirmed else None,
                    expires_at=now + SESSION_LIFE,
                )
            )
        browser = self.door()
        browser.client.set_cookie("xs_staff", token)
        return browser

    def seat_new(self, *roles: Role, region: str = COUNTY, confirmed: bool = True) -> Browser:
        return self.seat(self.hire(*roles, region=region), confirmed=confirmed)

    def sign_in(self, browser: Browser, who: Colleague, *, password: str = PASSWORD, code: str | None = None):
        """Fill in the form at the door."""
        return browser.post(
            "/console/login",
            form_on="/console/login",
            username=who.username,
            password=password,
            code=who.code() if code is None else code,
        )
