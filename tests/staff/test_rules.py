"""Roles, permissions and regions."""

from datetime import UTC, datetime, timedelta

import pytest

from models import RegionLevel, Role
from wxbackend.staff.rules import PERMISSIONS, ROLE_TITLES, lock_end, region_prefix, scopes_of

NOON = datetime(2026, 3, 12, 4, tzinfo=UTC)


def test_every_role_has_a_title_and_some_permission():
    assert set(ROLE_TITLES) == set(Role)
    assert set().union(*PERMISSIONS.values()) == set(Role)


def test_a_permission_reaches_only_where_one_of_its_roles_is_held():
    scopes = scopes_of([(Role.ISSUER, "445281"), (Role.AUDITOR, "4452")])
    assert scopes["certificates.issue"] == ("445281",)
    assert scopes["certificates.read"] == ("4452", "445281")
    assert scopes["audit.read"] == ("4452",)
    assert "catalogue.manage" not in scopes


def test_no_grants_no_permissions():
    assert dict(scopes_of([])) == {}


@pytest.mark.parametrize(
    ("level", "prefix"),
    [(RegionLevel.CITY, "4452"), (RegionLevel.COUNTY, "445281"), (RegionLevel.VILLAGE, "445281101201")],
)
def test_region_reaches_as_far_as_its_level(level, prefix):
    assert region_prefix("445281101201", level) == prefix


@pytest.mark.parametrize(("failures", "minutes"), [(1, None), (4, None), (5, 1), (6, 2), (8, 8), (9, 15), (10_000, 15)])
def test_the_delay_doubles_and_ends(failures, minutes):
    expected = None if minutes is None else NOON + timedelta(minutes=minutes)
    assert lock_end(failures, now=NOON) == expected
