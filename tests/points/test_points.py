"""Rules by their dates, what a payment books, and what its owner reads."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from models import LedgerTransfer, Lot, PointsRule, Resident, Reward
from models.points import PAID_PLEDGE, default_rules
from tests.fakes import Clock
from tests.make import COUNTY, OTHER_COUNTY, Make
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, resident_green
from wxbackend.points import service as points


def dated(version: int, start: date, end: date | None, *, county: str | None = COUNTY, **changes: object) -> PointsRule:
    facts = {"fen_per_green": 500, "fen_per_honour": 100, "sentence": "每满5元得1绿色积分", "source": "", **changes}
    return PointsRule(code=PAID_PLEDGE, county_code=county, version=version, valid_from=start, valid_to=end, **facts)


def add(rule: PointsRule) -> PointsRule:
    with transaction() as session:
        return points.add_rule(session, rule=rule)


def in_force(on: date, county: str = COUNTY) -> tuple[str | None, int]:
    with reading() as session:
        rule = points.rule_in_force(session, county_code=county, on=on)
        return rule.county_code, rule.version


def test_the_default_rule_holds_everywhere_until_a_county_has_its_own(make: Make) -> None:
    make.regions()
    add(dated(1, date(2026, 5, 1), date(2026, 5, 31)))
    assert in_force(date(2026, 4, 30)) == (None, 1)
    assert in_force(date(2026, 5, 1)) == (COUNTY, 1)
    assert in_force(date(2026, 5, 31)) == (COUNTY, 1)
    assert in_force(date(2026, 6, 1)) == (None, 1)
    assert in_force(date(2026, 5, 1), OTHER_COUNTY) == (None, 1)


def test_a_day_without_a_rule_is_refused(make: Make) -> None:
    make.regions()
    with pytest.raises(points.NoPointsRule):
        in_force(date(2023, 12, 31))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 5, 31), None),
        (date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 5, 10), date(2026, 5, 11)),
        (date(2026, 1, 1), None),
    ],
)
def test_overlapping_rules_of_one_county_are_refused(make: Make, start: date, end: date | None) -> None:
    make.regions()
    add(dated(1, date(2026, 5, 1), date(2026, 5, 31)))
    with pytest.raises(points.RuleOverlap):
        add(dated(2, start, end))
    with pytest.raises(IntegrityError, match="points_rule_no_overlap"), transaction() as session:
        session.add(dated(2, start, end))


def test_a_rule_is_ended_and_the_next_begins_the_day_after(make: Make) -> None:
    make.regions()
    old = add(dated(1, date(2026, 5, 1), None))
    with transaction() as session:
        points.end_rule(session, rule_id=old.id, on=date(2026, 6, 30))
    add(dated(2, date(2026, 7, 1), None))
    assert (in_force(date(2026, 6, 30)), in_force(date(2026, 7, 1))) == ((COUNTY, 1), (COUNTY, 2))


def paid(make: Make, transaction_id: str = "4200001", **changes: object) -> list[Entry]:
    """Entries of a payment of ¥150 by the resident whose id is 1, booked."""
    now = make.clock()
    facts: dict[str, object] = {
        "resident_id": 1,
        "county_code": COUNTY,
        "reward": Reward.POINTS,
        "amount_fen": 15_000,
        "pledge_id": None,
        "paid_on": china_date(now),
        **changes,
    }
    with transaction() as session:
        rule = points.rule_in_force(session, county_code=COUNTY, on=china_date(now))
        entries = points.entries_for_payment(rule, transaction_id=transaction_id, **facts)  # type: ignore[arg-type]
        ledger.post(session, entries=entries, now=now)
    return entries


def test_a_payment_earns_both_kinds_under_keys_of_its_own(make: Make) -> None:
    make.regions()
    entries = paid(make)
    assert [(e.key, e.amount) for e in entries] == [("wxpay:4200001:green", 15), ("wxpay:4200001:honour", 150)]
    assert {e.rule_id for e in entries} == {1}


def test_what_comes_to_no_whole_point_books_nothing(make: Make) -> None:
    make.regions()
    assert paid(make, amount_fen=99) == []
    assert [e.amount for e in paid(make, amount_fen=100)] == [1]


def test_a_receipt_books_honour_only(make: Make) -> None:
    make.regions()
    assert [e.key for e in paid(make, reward=Reward.RECEIPT)] == ["wxpay:4200001:honour"]


def test_green_points_of_one_payment_are_one_lot_until_the_end_of_next_year(make: Make) -> None:
    make.regions()
    paid(make)
    with reading() as session:
        lot = session.scalars(select(Lot)).one()
    assert (lot.amount, lot.expires_on, lot.source, lot.purpose) == (15, date(2027, 12, 31), "payment", "store")


def test_a_payment_told_twice_earns_once(make: Make) -> None:
    make.regions()
    paid(make)
    paid(make)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(LedgerTransfer)) == 2
        assert ledger.balance(session, account=resident_green(1)) == 15


def resident(make: Make, person: str = "a") -> tuple[dict[str, str], int]:
    """The headers and the id of somebody who signed in."""
    headers = make.resident(person)
    with reading() as session:
        newest = session.scalar(select(func.max(Resident.id)))
    assert newest is not None
    return headers, newest


def read_points(client: FlaskClient, headers: dict[str, str]) -> object:
    return client.get("/v1/me/points", headers=headers).json


def test_a_resident_without_points_has_none(client: FlaskClient, make: Make) -> None:
    headers, _ = resident(make)
    assert read_points(client, headers) == {"green": 0, "honour": 0, "next_expiry": None, "debt_green": 0}


def test_a_resident_sees_what_is_there_and_what_expires_next(client: FlaskClient, make: Make, clock: Clock) -> None:
    make.regions()
    headers, me = resident(make)
    paid(make, resident_id=me)
    clock.forward(days=365)
    paid(make, "4200002", resident_id=me, amount_fen=3000)
    headers = make.resident()  # the first session ended long ago
    found = read_points(client, headers)
    assert found == {"green": 18, "honour": 180, "next_expiry": {"green": 15, "on": "2027-12-31"}, "debt_green": 0}


def test_expired_points_are_not_shown_as_spendable(client: FlaskClient, make: Make, clock: Clock) -> None:
    make.regions()
    _, me = resident(make)
    paid(make, resident_id=me)
    clock.moment += timedelta(days=659)  # 31 December 2027, noon in China
    headers, last_day = make.resident(), {"green": 15, "on": "2027-12-31"}
    assert read_points(client, headers) == {"green": 15, "honour": 150, "next_expiry": last_day, "debt_green": 0}
    clock.forward(days=1)
    assert read_points(client, headers) == {"green": 0, "honour": 150, "next_expiry": None, "debt_green": 0}


def entries_of(client: FlaskClient, headers: dict[str, str], limit: int) -> Sequence[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = None
    for _ in range(20):
        query = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page = client.get("/v1/me/points/entries", query_string=query, headers=headers).json
        assert page is not None
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    pytest.fail("the pages never end")


def test_entries_name_their_rule_newest_first_page_by_page(client: FlaskClient, make: Make, clock: Clock) -> None:
    make.regions()
    headers, me = resident(make)
    for n in range(1, 4):
        paid(make, f"420000{n}", resident_id=me, amount_fen=1000 * n)
        clock.forward(minutes=1)
    found = entries_of(client, headers, limit=4)
    assert [(e["unit"], e["amount"]) for e in found] == [
        ("honour", 30),
        ("green", 3),
        ("honour", 20),
        ("green", 2),
        ("honour", 10),
        ("green", 1),
    ]
    assert found[1]["sentence"] == f"认种认捐认养付款，绿色积分+3，依据规则P02第1版：{default_rules()[0].sentence}。"
    assert (found[1]["rule_code"], found[1]["rule_version"]) == ("P02", 1)
    assert found == entries_of(client, headers, limit=50)


def test_nobody_sees_the_points_of_another(client: FlaskClient, make: Make) -> None:
    make.regions()
    _, me = resident(make)
    paid(make, resident_id=me)
    stranger, _ = resident(make, "b")
    assert client.get("/v1/me/points/entries", headers=stranger).json == {"items": [], "next_cursor": None}
    assert read_points(client, stranger) == {"green": 0, "honour": 0, "next_expiry": None, "debt_green": 0}


@pytest.mark.parametrize("path", ["/v1/me/points", "/v1/me/points/entries"])
def test_points_are_shown_to_nobody_who_is_not_signed_in(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_a_foreign_cursor_is_refused(client: FlaskClient, make: Make) -> None:
    headers, _ = resident(make)
    assert client.get("/v1/me/points/entries?cursor=nonsense", headers=headers).status_code == 422
