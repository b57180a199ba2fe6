"""Campaigns and bases are put online by two people, and taken off by one."""

import pytest
from sqlalchemy import select

from models import Approval, BaseStatus, CampaignStatus, Role
from tests.console.test_certificates import decide
from wxbackend.core.db import reading


@pytest.fixture
def first(office):
    return office.seat_new(Role.COUNTY_ADMIN)


@pytest.fixture
def second(office):
    return office.seat_new(Role.COUNTY_ADMIN)


def status(thing):
    with reading() as session:
        return session.scalar(select(type(thing).status).where(type(thing).id == thing.id))


@pytest.fixture(params=["campaigns", "bases"])
def draft(request, make):
    """A campaign or a base that nobody has submitted yet, and where its buttons are."""
    if request.param == "campaigns":
        return make.campaign(status=CampaignStatus.DRAFT), "/console/campaigns"
    return make.base(status=BaseStatus.DRAFT), "/console/bases"


def test_it_goes_online_by_a_second_person(draft, first, second):
    thing, page = draft
    assert "提交复核" in first.get(page).text
    assert first.post(f"{page}/{thing.public_id}/submit").location == page
    assert status(thing) == "review"
    listed = first.get(page).text
    assert "等待复核" in listed
    assert "申请上线" not in listed
    assert "等待他人复核" in first.get("/console/approvals").text
    assert decide(second, "approve", note="").status_code == 303
    assert status(thing) == "online"


def test_turned_down_it_is_a_draft_again_and_may_be_submitted_anew(draft, first, second):
    thing, page = draft
    first.post(f"{page}/{thing.public_id}/submit")
    decide(second, "reject", note="请补充材料")
    assert status(thing) == "draft"
    first.post(f"{page}/{thing.public_id}/submit")
    assert status(thing) == "review"


def test_it_is_suspended_by_one_and_resumed_by_two(draft, first, second):
    thing, page = draft
    first.post(f"{page}/{thing.public_id}/submit")
    decide(second, "approve", note="")
    first.post(f"{page}/{thing.public_id}/suspend")
    assert status(thing) == "suspended"
    first.post(f"{page}/{thing.public_id}/resume")
    assert status(thing) == "suspended"
    decide(second, "approve", note="")
    assert status(thing) == "online"


def test_closing_for_good_needs_a_fresh_code(draft, office):
    thing, page = draft
    people = office.seat_new(Role.COUNTY_ADMIN), office.seat_new(Role.COUNTY_ADMIN)
    people[0].post(f"{page}/{thing.public_id}/submit")
    decide(people[1], "approve", note="")
    stale = office.seat_new(Role.COUNTY_ADMIN, confirmed=False)
    asked = stale.post(f"{page}/{thing.public_id}/close")
    assert (asked.status_code, "确认身份" in asked.text) == (403, True)
    assert status(thing) == "online"
    people[0].post(f"{page}/{thing.public_id}/close")
    assert status(thing) == "closed"


def test_step_that_the_state_forbids_is_refused(draft, first):
    thing, page = draft
    assert first.post(f"{page}/{thing.public_id}/suspend").status_code == 409
    assert first.post(f"{page}/{thing.public_id}/explode").status_code == 404
    assert status(thing) == "draft"


@pytest.mark.parametrize(
    ("state", "act", "says"),
    [
        ("draft", "ask", "“草稿”，不能申请"),
        ("online", "ask", "不能申请"),
        ("online", "resume", "不能申请"),
        ("closed", "ask", "不能申请"),
        ("closed", "resume", "”，不能申请恢复"),
    ],
)
@pytest.mark.parametrize("kind", ["campaigns", "bases"])
def test_nothing_is_asked_that_nobody_could_grant(make, first, kind, state, act, says):
    thing = make.campaign(status=CampaignStatus(state)) if kind == "campaigns" else make.base(status=BaseStatus(state))
    answer = first.post(f"/console/{kind}/{thing.public_id}/{act}")
    assert (answer.status_code, answer.json["code"]) == (409, "illegal-move")
    assert says in answer.json["detail"]
    with reading() as session:
        assert session.scalar(select(Approval.id)) is None


def test_campaign_without_a_payee_is_not_submitted_and_nothing_is_asked(make, first):
    campaign = make.campaign(status=CampaignStatus.DRAFT, payee_id=None)
    answer = first.post(f"/console/campaigns/{campaign.public_id}/submit")
    assert (answer.status_code, "未指定收款主体" in answer.json["detail"]) == (409, True)
    with reading() as session:
        assert session.scalar(select(Approval.id)) is None


def test_reader_sees_no_buttons(office, make):
    make.base()
    browser = office.seat_new(Role.AUDITOR)
    for page in ("/console/campaigns", "/console/bases"):
        text = browser.get(page).text.partition("<tbody>")[2]
        assert text
        assert "<form" not in text


def test_lists_are_filtered(make, first):
    make.base(name="东山基地")
    make.base(name="西湖基地", status=BaseStatus.SUSPENDED)
    for query, names in {
        "name=东山": {"东山基地"},
        "status=suspended": {"西湖基地"},
        "name=%25": set(),
        "": {"东山基地", "西湖基地"},
    }.items():
        page = first.get(f"/console/bases?{query}").text
        assert {name for name in ("东山基地", "西湖基地") if name in page} == names, query
