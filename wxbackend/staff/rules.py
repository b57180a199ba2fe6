"""What each role may do, and where."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from models import PREFIX_LENGTH, RegionLevel, Role

#: Which roles hold a permission. Everything that a console page asks for stands here, and nowhere else.
PERMISSIONS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "figures.read": frozenset(Role),
        "pledges.read": frozenset({Role.COUNTY_ADMIN, Role.ISSUER, Role.FINANCE, Role.AUDITOR}),
        "pledges.reveal": frozenset({Role.COUNTY_ADMIN, Role.ISSUER}),
        "payments.read": frozenset({Role.COUNTY_ADMIN, Role.FINANCE, Role.AUDITOR}),
        "payments.resolve": frozenset({Role.FINANCE}),
        "refunds.read": frozenset({Role.COUNTY_ADMIN, Role.FINANCE, Role.AUDITOR}),
        "refunds.request": frozenset({Role.COUNTY_ADMIN, Role.FINANCE}),
        "refunds.decide": frozenset({Role.FINANCE}),
        "receipts.read": frozenset({Role.FINANCE, Role.AUDITOR}),
        "receipts.manage": frozenset({Role.FINANCE}),
        "reconciliation.read": frozenset({Role.COUNTY_ADMIN, Role.FINANCE, Role.AUDITOR}),
        "reconciliation.resolve": frozenset({Role.FINANCE}),
        "bases.procure": frozenset({Role.FINANCE}),
        "content.review": frozenset({Role.COUNTY_ADMIN, Role.ISSUER}),
        "certificates.read": frozenset({Role.COUNTY_ADMIN, Role.ISSUER, Role.AUDITOR}),
        "certificates.preview": frozenset({Role.COUNTY_ADMIN, Role.ISSUER}),
        "certificates.issue": frozenset({Role.ISSUER}),
        "certificates.approve": frozenset({Role.COUNTY_ADMIN, Role.ISSUER}),
        "catalogue.read": frozenset({Role.COUNTY_ADMIN, Role.ISSUER, Role.FINANCE, Role.AUDITOR}),
        "catalogue.manage": frozenset({Role.COUNTY_ADMIN}),
        "catalogue.approve": frozenset({Role.COUNTY_ADMIN}),
        "jobs.read": frozenset({Role.SYSTEM, Role.AUDITOR}),
        "jobs.retry": frozenset({Role.SYSTEM}),
        "audit.read": frozenset({Role.AUDITOR}),
    }
)

ROLE_TITLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.COUNTY_ADMIN: "县级管理员",
        Role.ISSUER: "发证员",
        Role.FINANCE: "财务",
        Role.AUDITOR: "审计",
        Role.SYSTEM: "系统管理员",
    }
)

INVITATION_LIFE = timedelta(hours=24)
IDLE_LIFE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)
CONFIRMATION_LIFE = timedelta(minutes=10)
#: A session's last use is written at most this often: reading a page is not worth a turn in the write queue.
TOUCH_EVERY = timedelta(minutes=1)

FREE_FAILURES = 4
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=15)


def region_prefix(code: str, level: RegionLevel) -> str:
    """The leading digits that a region and everything below it share."""
    return code[: PREFIX_LENGTH[level]]


def scopes_of(grants: Iterable[tuple[Role, str]]) -> Mapping[str, tuple[str, ...]]:
    """From (role, region prefix) to the prefixes of each permission that is held somewhere."""
    held = sorted(set(grants))
    found = {
        permission: tuple(sorted({prefix for role, prefix in held if role in roles}))
        for permission, roles in PERMISSIONS.items()
    }
    return MappingProxyType({permission: prefixes for permission, prefixes in found.items() if prefixes})


def is_within(county_code: str, prefixes: Iterable[str]) -> bool:
    return any(county_code.startswith(prefix) for prefix in prefixes)


def lock_end(failed_count: int, *, now: datetime) -> datetime | None:
    """Until when an account refuses after so many failures: a delay that doubles, never a denial for good."""
    extra = failed_count - FREE_FAILURES
    if extra <= 0:
        return None
    doublings = min(extra - 1, 10)
    return now + min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
