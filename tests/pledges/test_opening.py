"""Which bases take which pledges, and what is held for them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models import BaseStatus, CampaignStatus, Pledge

DONATION = {"kind": "donate", "tree_count": None, "amount_fen": 100}
HIDDEN = (BaseStatus.DRAFT, BaseStatus.REVIEW)
TAKES_TREES = (BaseStatus.ONLINE,)
TAKES_GIFTS = (BaseStatus.ONLINE, BaseStatus.FULL)


def expected(status, takes):
    if status in HIDDEN:
        return 404, "not-found"
    return (201, None) if status in takes else (409, "base-not-open")


@pytest.mark.parametrize("status", BaseStatus)
def test_trees_are_planted_at_online_bases_only(walk, status):
    base = walk.make.base(status=status, capacity=1, sold=1 if status is BaseStatus.FULL else 0)
    answer = walk.ask(base, walk.make.resident())
    full = status is BaseStatus.FULL
    assert (answer.status_code, answer.json.get("code")) == (
        (409, "base-full") if full else expected(status, TAKES_TREES)
    )


@pytest.mark.parametrize("status", BaseStatus)
def test_gifts_are_taken_by_online_and_by_full_bases(walk, status):
    base = walk.make.base(status=status, capacity=1, sold=1 if status is BaseStatus.FULL else 0)
    answer = walk.ask(base, walk.make.resident(), **DONATION)
    assert (answer.status_code, answer.json.get("code")) == expected(status, TAKES_GIFTS)


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.ONLINE])
@pytest.mark.parametrize("wish", [{}, DONATION], ids=["plant", "donate"])
def test_a_campaign_that_is_not_online_takes_nothing(walk, status, wish):
    base = walk.make.base(campaign=walk.make.campaign(status=status))
    answer = walk.ask(base, walk.make.resident(), **wish)
    assert (answer.status_code, answer.json["code"]) == (409, "base-not-open")
    assert walk.stock(base)[0] == 0


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        (datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC), 409),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), 201),
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), 201),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), 409),
    ],
    ids=["2025-12-31 23:59:59 in China", "2026-01-01 00:00", "2026-12-31 23:59", "2027-01-01 00:00"],
)
@pytest.mark.parametrize("wish", [{}, DONATION], ids=["plant", "donate"])
def test_a_campaign_runs_by_the_calendar_of_china(walk, moment, status, wish):
    base = walk.make.base(campaign=walk.make.campaign(starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)))
    walk.clock.moment = moment
    assert walk.ask(base, walk.make.resident(), **wish).status_code == status


def test_an_unknown_base_is_not_found(walk):
    base = walk.make.base()
    answer = walk.ask(base, walk.make.resident(), base_id="nowhere")
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_places_are_held_while_any_are_left_and_the_refusal_says_how_many_are(walk):
    base, me = walk.make.base(capacity=3), walk.make.resident()
    walk.open(base, me, tree_count=2)
    assert walk.stock(base) == (2, 0, "online")
    answer = walk.ask(base, me, tree_count=2)
    assert (answer.status_code, answer.json["code"], answer.json["places_left"]) == (409, "base-full", 1)
    walk.open(base, me, tree_count=1)
    assert walk.stock(base) == (3, 0, "online")


def test_a_gift_holds_nothing(walk):
    base = walk.make.base()
    walk.donate(base, walk.make.resident())
    assert walk.stock(base) == (0, 0, "online")


def test_places_are_held_for_fifteen_minutes(walk):
    answer = walk.ask(walk.make.base(), walk.make.resident()).json
    assert datetime.fromisoformat(answer["hold_expires_at"]) == walk.clock() + timedelta(minutes=15)


def test_the_same_key_opens_one_pledge(walk):
    base, me = walk.make.base(), {**walk.make.resident(), "Idempotency-Key": "once"}
    first, second = walk.ask(base, me), walk.ask(base, me)
    assert (first.json, second.status_code) == (second.json, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(walk.all(Pledge)) == walk.stock(base)[0] == 1


def test_a_key_may_be_used_again_after_a_refusal(walk):
    base, me = walk.make.base(capacity=1), walk.make.resident()
    blocker = walk.open(base, me)
    keyed = {**me, "Idempotency-Key": "again"}
    assert walk.ask(base, keyed).status_code == 409
    assert walk.post(blocker, "cancel", me).status_code == 200
    assert walk.ask(base, keyed).status_code == 201


def test_strangers_open_nothing(walk):
    base = walk.make.base()
    assert walk.ask(base, {}, tree_count=0).status_code == 401


def test_who_holds_a_hundred_and_twenty_unpaid_trees_holds_no_more(walk):
    base, me = walk.make.base(capacity=300), walk.make.resident()
    walk.open(base, me, tree_count=100)
    number = walk.open(base, me, tree_count=20)
    answer = walk.ask(base, me, tree_count=1)
    assert (answer.status_code, answer.json["code"]) == (409, "too-many-unpaid")
    assert walk.ask(base, walk.make.resident("b"), tree_count=1).status_code == 201
    walk.post(number, "cancel", me)
    assert walk.ask(base, me, tree_count=20).status_code == 201


@pytest.mark.parametrize("wish", [{}, DONATION], ids=["plant", "donate"])
def test_who_left_ten_pledges_unpaid_opens_no_other(walk, wish):
    base, me = walk.make.base(), walk.make.resident()
    for _ in range(10):
        walk.open(base, me, **DONATION)
    answer = walk.ask(base, me, **wish)
    assert (answer.status_code, answer.json["code"]) == (409, "too-many-unpaid")
