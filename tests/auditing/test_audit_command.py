"""``flask audit``: its exit status, its JSON, and that it cannot write."""

import json

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.fakes import FakeStorage
from wxbackend.auditing import service as auditing
from wxbackend.auditing.queries import QUERIES
from wxbackend.auditing.query import Query
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import settings


def overfill(make) -> str:
    """Sell a place that nobody bought, as only somebody with the database's password can."""
    base = make.base()
    with transaction() as session:
        session.execute(text("UPDATE planting_base SET sold = 1"))
    return base.public_id


def test_clean_database_ends_with_0_and_says_so(app: Flask):
    done = app.test_cli_runner().invoke(args=["audit"])
    assert (done.exit_code, "全部相符" in done.output) == (0, True), done.output


def test_violation_ends_with_1_and_is_named_in_chinese(app: Flask, make):
    base_id = overfill(make)
    done = app.test_cli_runner().invoke(args=["audit"])
    assert done.exit_code == 1
    assert f"✕ 基地名额与认种单不符（places-add-up）：{base_id} · 0 · 1" in done.output
    assert "1 处不符" in done.output


def test_json_lists_violations_with_check_title_and_facts(app: Flask, make):
    base_id = overfill(make)
    done = app.test_cli_runner().invoke(args=["audit", "--json"])
    report = json.loads(done.output.splitlines()[-1])
    assert (done.exit_code, report["clean"], report["checks"] > len(QUERIES)) == (1, False, True)
    [violation] = report["violations"]
    assert violation["check"] == "places-add-up"
    assert violation["title"] == "基地名额与认种单不符"
    assert violation["facts"] == [base_id, "0", "1", "100", "0", "0", "0"]


def test_json_of_a_clean_database(app: Flask):
    done = app.test_cli_runner().invoke(args=["audit", "--json"])
    report = json.loads(done.output.splitlines()[-1])
    assert (done.exit_code, report["clean"], report["violations"]) == (0, True, [])


def test_one_kind_of_fault_is_named_twenty_times_at_most(app: Flask, make):
    for _ in range(auditing.SHOWN + 1):
        make.base()
    with transaction() as session:
        session.execute(text("UPDATE planting_base SET sold = 1"))
    with reading() as session:
        report = auditing.audit(session, storage=FakeStorage(), code_keys=settings().code_keys)
    assert len(report.violations) == auditing.SHOWN


def test_database_refuses_writes_during_an_audit(app: Flask):
    seizing = Query("seizing", "篡改", "DELETE FROM species")
    with reading() as session, pytest.raises(DBAPIError, match=r"readonly|read-only"):
        list(auditing.run_query(session, seizing))
