"""What only an operator can mend: written down once, seen by every process, ended by what works."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, text

from models import PlatformFault
from tests.fakes import APPID, MCHID
from wxbackend.core import faults
from wxbackend.core.checkup import NO_ORDER, check_wechat, judge_clock
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.faults import (
    CLOCK_SKEW,
    MINI_CREDENTIALS,
    AppWatch,
    FaultBook,
    fault_book,
    is_of_credentials,
    of_merchant,
)


def standing():
    with reading() as session:
        return faults.standing(session)


def row(name):
    with reading() as session:
        return session.scalar(select(PlatformFault).where(PlatformFault.name == name))


def checks(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json["checks"]["wechat"], answer.json["checks"]["clock"]


class Statements:
    """How many statements reach the database."""

    def __enter__(self):
        self.seen = []
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_):
        event.remove(db.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, *_):
        self.seen.append(statement)


def test_a_fault_keeps_its_beginning_and_tells_when_it_was_last_seen(app, clock):
    for _ in range(2):
        with transaction() as session:
            faults.note(session, name="clock-skew", detail=f"seen at {clock()}", now=clock())
        clock.forward(hours=1)
    kept = row("clock-skew")
    assert kept.seen_at - kept.since == timedelta(hours=1)
    assert kept.detail == f"seen at {kept.seen_at}"


def test_a_fault_that_is_cleared_twice_is_gone(app, clock):
    with transaction() as session:
        faults.note(session, name="clock-skew", detail="", now=clock())
    for _ in range(2):
        with transaction() as session:
            faults.clear(session, name="clock-skew")
    assert standing() == frozenset()


@pytest.mark.parametrize(
    ("name", "red"),
    [
        (MINI_CREDENTIALS, (503, False, True)),
        (of_merchant(MCHID), (503, False, True)),
        (CLOCK_SKEW, (503, True, False)),
        ("something else", (200, True, True)),
    ],
)
def test_a_standing_fault_turns_every_process_red_until_it_is_cleared(app, client, clock, name, red):
    theirs = FaultBook(clock)
    theirs.failed(name, "said by another process")
    assert checks(client) == red
    theirs.worked(name)
    assert checks(client) == (200, True, True)


def test_one_merchant_that_works_does_not_end_the_fault_of_another(app, client, clock):
    book = FaultBook(clock)
    book.failed(of_merchant("1900000001"), "SIGN_ERROR")
    book.worked(of_merchant("1900000002"))
    assert checks(client) == (503, False, True)


def test_a_success_costs_no_statement_while_nothing_stands(app, clock):
    book = FaultBook(clock)
    with Statements() as said:
        for _ in range(100):
            book.worked(MINI_CREDENTIALS)
    assert said.seen == []


def test_a_storm_of_failures_is_written_once_a_minute(app, clock):
    book = FaultBook(clock)
    with Statements() as said:
        for _ in range(100):
            book.failed(MINI_CREDENTIALS, "errcode 40125")
    assert len([one for one in said.seen if "INSERT" in one]) == 1
    clock.forward(seconds=60)
    book.failed(MINI_CREDENTIALS, "errcode 40164")
    kept = row(MINI_CREDENTIALS)
    assert (kept.detail, kept.seen_at) == ("errcode 40164", clock())


def test_a_fault_that_another_process_wrote_is_ended_by_the_one_that_recalled_it(app, clock):
    FaultBook(clock).failed(MINI_CREDENTIALS, "errcode 40001")
    mine = FaultBook(clock)
    mine.worked(MINI_CREDENTIALS)
    assert standing() == {MINI_CREDENTIALS}
    mine.recall()
    mine.worked(MINI_CREDENTIALS)
    assert standing() == frozenset()


def test_a_fault_again_after_it_was_cleared_is_written_at_once(app, clock):
    book = FaultBook(clock)
    book.failed(MINI_CREDENTIALS, "first")
    book.worked(MINI_CREDENTIALS)
    book.failed(MINI_CREDENTIALS, "second")
    assert standing() == {MINI_CREDENTIALS}


def test_a_database_that_is_away_hides_nothing_of_what_wechat_said_and_is_written_later(app, clock):
    book = FaultBook(clock)
    with transaction() as session:
        session.execute(text("ALTER TABLE platform_fault RENAME TO elsewhere"))
    book.failed(MINI_CREDENTIALS, "errcode 40125")
    book.worked(CLOCK_SKEW)
    with transaction() as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO platform_fault"))
    book.failed(MINI_CREDENTIALS, "errcode 40125")
    assert standing() == {MINI_CREDENTIALS}


def test_the_applications_own_book_is_told_and_without_one_nobody_listens(app):
    AppWatch().failed(MINI_CREDENTIALS, "errcode 40125")
    assert standing() == {MINI_CREDENTIALS}
    AppWatch().worked(MINI_CREDENTIALS)
    assert standing() == frozenset()


def test_names_of_credentials_are_told_from_others():
    assert is_of_credentials(MINI_CREDENTIALS)
    assert is_of_credentials(of_merchant(MCHID))
    assert not is_of_credentials(CLOCK_SKEW)


# ---------------------------------------------------------------------------------------------------- checkup
@pytest.mark.parametrize(("skew_s", "red"), [(-301, True), (-300, False), (0, False), (300, False), (301, True)])
def test_fault_50_a_clock_five_minutes_off_turns_readiness_red(app, client, pay, skew_s, red):
    pay.skew_s = skew_s
    check_wechat()
    assert checks(client)[2] is not red
    pay.skew_s = 0.0
    check_wechat()
    assert checks(client) == (200, True, True)


def test_without_a_reading_of_the_clock_what_was_known_stays(app, clock):
    book = fault_book()
    judge_clock(book, 400)
    judge_clock(book, None)
    assert standing() == {CLOCK_SKEW}


def test_what_is_not_configured_is_not_called(app, ports, pay):
    ports.mini.failures.append(UpstreamFailed())
    check_wechat()
    assert pay.calls == []
    assert len(ports.mini.failures) == 1


@pytest.fixture
def configured(app, tmp_path):
    """As if a secret and a file of merchants were there; the fakes stay."""
    kept = app.extensions["xiangshu.settings"]
    changes = {"wx_appsecret": type(kept.wx_appsecret)("secret"), "wxpay_merchants_file": tmp_path}
    app.extensions["xiangshu.settings"] = kept.model_copy(update=changes)


def test_every_account_that_is_configured_is_called(app, configured, ports, pay):
    check_wechat()
    assert pay.calls == ["query"]
    assert pay.query(mchid=MCHID, out_trade_no=NO_ORDER) is None
    assert ports.mini.appid == APPID


def test_an_account_that_fails_keeps_the_others_from_nothing(app, configured, ports, pay):
    ports.mini.failures.append(UpstreamFailed())
    pay.failures.append(UpstreamFailed())
    pay.skew_s = 999.0
    check_wechat()
    assert pay.calls == ["query"]
    assert standing() == {CLOCK_SKEW}
