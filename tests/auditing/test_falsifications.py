"""Every check sees the lie it is for: a healthy county, one statement past all guards, exactly that finding."""

import pytest

from tests.auditing.falsifications import LIES, Lie
from tests.auditing.healthy import Healthy
from tests.auditing.tampering import falsify, look, named, rolled_back
from wxbackend.auditing.queries import QUERIES
from wxbackend.auditing.walks import WALKS

#: Falsified below by other means than a statement on the tables.
BY_HAND = {"guards-stand", "durability", "file-exists", "file-is-whole"}
UNSAFE = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit = off"}


def test_every_check_has_its_lie():
    checks = [check.name for check in (*QUERIES, *WALKS)]
    assert sorted(checks) == sorted({lie.check for lie in LIES} | BY_HAND)


def test_healthy_county_is_clean(healthy: Healthy):
    with rolled_back(healthy) as connection:
        report = look(connection, healthy)
    assert (report.violations, report.checks) == ((), len(QUERIES) + len(WALKS))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.check)
def test_lie_is_named(healthy: Healthy, lie: Lie):
    with rolled_back(healthy) as connection:
        falsify(connection, lie.statement.format(**healthy.numbers))
        report = look(connection, healthy)
    assert named(report) == {lie.check, *lie.also}, report.violations


def test_missing_or_sleeping_trigger_is_named(healthy: Healthy):
    for way in ways_to_silence(healthy):
        with rolled_back(healthy) as connection:
            connection.exec_driver_sql(way)
            [violation] = look(connection, healthy).violations
        assert (violation.check, violation.facts) == ("guards-stand", ("lot", "lot_fixed")), way


def ways_to_silence(healthy: Healthy) -> list[str]:
    if healthy.url.startswith("sqlite"):
        return ["DROP TRIGGER lot_fixed"]
    return ["DROP TRIGGER lot_fixed ON lot", "ALTER TABLE lot DISABLE TRIGGER lot_fixed"]


def test_unsafe_database_is_named(healthy: Healthy):
    with rolled_back(healthy) as connection:
        connection.connection.driver_connection.execute(UNSAFE[connection.dialect.name])
        assert named(look(connection, healthy)) == {"durability"}


def test_missing_file_is_named(healthy: Healthy):
    key, data = healthy.storage.files.popitem()
    with rolled_back(healthy) as connection:
        report = look(connection, healthy)
    healthy.storage.put(key, data)
    assert [(violation.check, violation.facts) for violation in report.violations] == [("file-exists", (key,))]


def test_damaged_file_is_named(healthy: Healthy):
    key, data = healthy.storage.files.popitem()
    healthy.storage.put(key, data[:-1] + bytes([data[-1] ^ 1]))
    with rolled_back(healthy) as connection:
        report = look(connection, healthy)
    healthy.storage.put(key, data)
    assert [(violation.check, violation.facts) for violation in report.violations] == [("file-is-whole", (key,))]
