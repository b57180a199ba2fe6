"""Who may put a base online, and when."""

from datetime import date

import pytest
from sqlalchemy import select

from models import AuditEntry, BaseStatus, CampaignStatus, PlantingBase
from tests.make import OTHER_COUNTY, OTHER_VILLAGE
from wxbackend.bases import service as bases
from wxbackend.bases.rules import BASE_STATUS_WORDS
from wxbackend.campaigns.service import CannotGoOnline
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import IllegalMove, NotFound

CLERK = Caller(kind="staff", id=7, session_id=1, prefixes=("445281",))
VILLAGE_CLERK = Caller(kind="staff", id=8, session_id=1, prefixes=("445281101201",))
STRANGER = Caller(kind="staff", id=9, session_id=2, prefixes=("445222", "445281102"))
BEFORE_ONLINE = ("submit_for_review", "return_to_draft", "submit_for_review", "go_online")
EVERY_MOVE = ("submit_for_review", "return_to_draft", "go_online", "suspend", "resume", "close")


def act(name, base, clock, *, caller=CLERK):
    with transaction() as session:
        getattr(bases, name)(session, base_id=base.public_id, caller=caller, now=clock())


def status_of(base):
    with reading() as session:
        return session.get_one(PlantingBase, base.id).status


def test_every_status_has_words():
    assert set(BASE_STATUS_WORDS) == set(BaseStatus)


def test_base_walks_from_draft_to_its_end(app, make, clock):
    base = make.base(status=BaseStatus.DRAFT)
    seen = []
    for name in (
        "submit_for_review",
        "return_to_draft",
        "submit_for_review",
        "go_online",
        "suspend",
        "resume",
        "close",
    ):
        act(name, base, clock)
        seen.append(str(status_of(base)))
    assert seen == ["review", "draft", "review", "online", "suspended", "online", "closed"]


def test_every_move_leaves_a_trace(app, make, clock):
    base = make.base()
    act("suspend", base, clock)
    with reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor_id, entry.action, entry.object_key) == (7, "base.suspend", base.public_id)


def test_base_whose_last_place_was_sold_while_suspended_comes_back_full(app, make, clock):
    base = make.base(status=BaseStatus.SUSPENDED, capacity=3, sold=3)
    act("resume", base, clock)
    assert status_of(base) is BaseStatus.FULL


def test_full_base_is_closed_and_never_suspended(app, make, clock):
    base = make.base(status=BaseStatus.FULL, capacity=3, sold=3)
    with pytest.raises(IllegalMove):
        act("suspend", base, clock)
    act("close", base, clock)
    assert status_of(base) is BaseStatus.CLOSED


@pytest.mark.parametrize("name", EVERY_MOVE)
def test_closed_base_stays_closed(app, make, clock, name):
    base = make.base(status=BaseStatus.CLOSED)
    with pytest.raises(IllegalMove):
        act(name, base, clock)


@pytest.mark.parametrize("name", EVERY_MOVE)
def test_base_outside_the_region_of_the_caller_does_not_exist(app, make, clock, name):
    base = make.base()
    with pytest.raises(NotFound):
        act(name, base, clock, caller=STRANGER)


def test_staff_of_a_village_reach_its_bases(app, make, clock):
    base = make.base()
    act("suspend", base, clock, caller=VILLAGE_CLERK)
    assert status_of(base) is BaseStatus.SUSPENDED


def test_base_without_places_is_not_reviewed(app, make, clock):
    base = make.base(status=BaseStatus.DRAFT, capacity=0)
    with pytest.raises(CannotGoOnline) as refusal:
        act("submit_for_review", base, clock)
    assert refusal.value.extra["missing"] == ["认种名额为零"]


@pytest.mark.parametrize("name", ["submit_for_review", "go_online"])
def test_base_of_another_county_than_its_campaign_stays_offline(app, make, clock, name):
    status = BaseStatus.DRAFT if name == "submit_for_review" else BaseStatus.REVIEW
    base = make.base(status=status, county_code=OTHER_COUNTY, village_code=OTHER_VILLAGE)
    with pytest.raises(CannotGoOnline) as refusal:
        act(name, base, clock, caller=STRANGER)
    assert refusal.value.extra["missing"] == ["基地与所属项目不在同一县（市、区）"]


@pytest.mark.parametrize(("name", "status"), [("go_online", "review"), ("resume", "suspended")])
@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"status": CampaignStatus.SUSPENDED}, ["所属项目尚未上线"]),
        ({"status": CampaignStatus.DRAFT}, ["所属项目尚未上线"]),
        ({"ends_on": date(2026, 3, 11)}, ["所属项目已过结束日期"]),
    ],
)
def test_base_opens_only_in_a_campaign_that_runs(app, make, clock, name, status, changes, missing):
    base = make.base(campaign=make.campaign(**changes), status=BaseStatus(status))
    with pytest.raises(CannotGoOnline) as refusal:
        act(name, base, clock)
    assert refusal.value.extra["missing"] == missing
    assert status_of(base) is BaseStatus(status)
