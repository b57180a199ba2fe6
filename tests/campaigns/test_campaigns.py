"""Campaigns: what residents see, and who may put one online on which grounds."""

from datetime import date

import pytest
from sqlalchemy import select

from models import AuditEntry, Campaign, CampaignStatus, LegalBasis
from tests.fakes import MCHID
from tests.make import COUNTY, OTHER_COUNTY, VILLAGE
from tests.statements import counted
from wxbackend.campaigns import service as campaigns
from wxbackend.campaigns.rules import CAMPAIGN_STATUS_WORDS, LEGAL_BASIS_WORDS, why_no_money
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import IllegalMove, NotFound

MERCHANTS = frozenset({MCHID})
CLERK = Caller(kind="staff", id=7, session_id=1, prefixes=("445281",))
STRANGER = Caller(kind="staff", id=8, session_id=2, prefixes=("445222",))
BEFORE_ONLINE = ("submit_for_review", "return_to_draft", "submit_for_review", "go_online")
EVERY_MOVE = ("submit_for_review", "return_to_draft", "go_online", "suspend", "resume", "close")


def act(name, campaign, clock, *, caller=CLERK, merchants=MERCHANTS):
    extra = {"merchants": merchants} if name in {"go_online", "resume"} else {}
    with transaction() as session:
        getattr(campaigns, name)(session, campaign_id=campaign.public_id, caller=caller, now=clock(), **extra)


def status_of(campaign):
    with reading() as session:
        return session.get_one(Campaign, campaign.id).status


def test_every_basis_and_status_has_words():
    assert set(LEGAL_BASIS_WORDS) == set(LegalBasis)
    assert set(CAMPAIGN_STATUS_WORDS) == set(CampaignStatus)


def test_campaign_says_who_takes_the_money_and_on_what_ground(client, make):
    campaign = make.campaign()
    item = client.get("/v1/campaigns").json["items"][0]
    assert item == {
        "id": campaign.public_id,
        "name": "我为家乡种棵树",
        "summary": "为村口添一片绿",
        "status": "online",
        "status_text": "进行中",
        "county_code": COUNTY,
        "county_name": "普宁市",
        "payee": {"name": "示范县绿化委员会", "qualification": None},
        "legal_basis": {
            "code": "greening_committee",
            "text": "绿化委员会依法接受社会捐赠（广东省全民义务植树条例第十五条）",
        },
        "filing_number": "示绿备〔2026〕1号",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "takes_money": True,
    }


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.ONLINE])
def test_only_campaigns_that_are_online_are_listed(client, make, status):
    make.campaign(status=status)
    assert client.get("/v1/campaigns").json["items"] == []


def test_campaigns_are_found_by_any_region_of_their_county(client, make):
    make.campaign()
    assert [
        len(client.get(f"/v1/campaigns?region={code}").json["items"])
        for code in ("445200000000", COUNTY, VILLAGE, OTHER_COUNTY)
    ] == [1, 1, 1, 0]


def test_campaigns_come_in_pages_newest_first(client, make):
    ids = [make.campaign().public_id for _ in range(3)]
    first = client.get("/v1/campaigns?limit=2").json
    second = client.get(f"/v1/campaigns?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in (*first["items"], *second["items"])] == ids[::-1]


@pytest.mark.parametrize("n", [1, 50])
def test_list_of_campaigns_takes_one_statement(client, make, n):
    for _ in range(n):
        make.campaign()
    with counted() as statements:
        assert len(client.get("/v1/campaigns?limit=50").json["items"]) == n
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("status", "today", "reason"),
    [
        (CampaignStatus.ONLINE, date(2026, 1, 1), None),
        (CampaignStatus.ONLINE, date(2026, 12, 31), None),
        (CampaignStatus.ONLINE, date(2025, 12, 31), "项目将于2026-01-01开始"),
        (CampaignStatus.ONLINE, date(2027, 1, 1), "项目已于2026-12-31结束"),
        (CampaignStatus.SUSPENDED, date(2026, 6, 1), "项目已暂停"),
        (CampaignStatus.CLOSED, date(2026, 6, 1), "项目已结束"),
    ],
)
def test_campaign_takes_money_from_its_first_day_to_its_last(status, today, reason):
    assert why_no_money(status, date(2026, 1, 1), date(2026, 12, 31), today=today) == reason


def test_campaign_walks_from_draft_to_its_end(app, make, clock):
    campaign = make.campaign(status=CampaignStatus.DRAFT)
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
        act(name, campaign, clock)
        seen.append(str(status_of(campaign)))
    assert seen == ["review", "draft", "review", "online", "suspended", "online", "closed"]


def test_suspended_campaign_can_be_closed(app, make, clock):
    campaign = make.campaign(status=CampaignStatus.SUSPENDED)
    act("close", campaign, clock)
    assert status_of(campaign) is CampaignStatus.CLOSED


def test_every_move_leaves_a_trace_that_names_who_did_it(app, make, clock):
    campaign = make.campaign(status=CampaignStatus.REVIEW)
    act("go_online", campaign, clock)
    with reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor_kind, entry.actor_id, entry.action) == ("staff", 7, "campaign.online")
    assert (entry.object_kind, entry.object_key) == ("campaign", campaign.public_id)
    assert entry.details == {"frm": "review", "to": "online"}


def test_refused_move_leaves_no_trace(app, make, clock):
    campaign = make.campaign()
    with pytest.raises(IllegalMove):
        act("resume", campaign, clock)
    with reading() as session:
        assert session.scalar(select(AuditEntry.id)) is None


@pytest.mark.parametrize("name", EVERY_MOVE)
def test_campaign_of_another_county_does_not_exist(app, make, clock, name):
    campaign = make.campaign()
    with pytest.raises(NotFound):
        act(name, campaign, clock, caller=STRANGER)


def test_staff_member_without_a_region_reaches_nothing(app, make, clock):
    campaign = make.campaign()
    with pytest.raises(NotFound):
        act("suspend", campaign, clock, caller=Caller(kind="staff", id=9, session_id=3))


@pytest.mark.parametrize("name", EVERY_MOVE)
def test_closed_campaign_stays_closed(app, make, clock, name):
    campaign = make.campaign(status=CampaignStatus.CLOSED)
    with pytest.raises(IllegalMove) as refusal:
        act(name, campaign, clock)
    assert refusal.value.extra["current"] == "closed"


def test_draft_cannot_skip_its_review(app, make, clock):
    campaign = make.campaign(status=CampaignStatus.DRAFT)
    with pytest.raises(IllegalMove):
        act("go_online", campaign, clock)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"payee_id": None}, ["未指定收款主体"]),
        ({"legal_basis": None}, ["未填写法律依据"]),
        ({"filing_number": None}, ["未填写备案号"]),
        ({"filing_number": "  "}, ["未填写备案号"]),
        ({"ends_on": date(2026, 3, 11)}, ["已过结束日期"]),
        (
            {"payee_id": None, "legal_basis": None, "filing_number": None},
            ["未指定收款主体", "未填写法律依据", "未填写备案号"],
        ),
    ],
)
def test_campaign_without_grounds_is_not_reviewed(app, make, clock, changes, missing):
    campaign = make.campaign(status=CampaignStatus.DRAFT, **changes)
    with pytest.raises(campaigns.CannotGoOnline) as refusal:
        act("submit_for_review", campaign, clock)
    assert refusal.value.extra["missing"] == missing
    assert status_of(campaign) is CampaignStatus.DRAFT


@pytest.mark.parametrize(("name", "status"), [("go_online", "review"), ("resume", "suspended")])
def test_campaign_whose_merchant_is_not_configured_takes_no_money(app, make, clock, name, status):
    campaign = make.campaign(status=CampaignStatus(status))
    with pytest.raises(campaigns.CannotGoOnline) as refusal:
        act(name, campaign, clock, merchants=frozenset())
    assert refusal.value.extra["missing"] == ["收款主体的商户号未在系统中配置"]
    assert status_of(campaign) is CampaignStatus(status)


@pytest.mark.parametrize(("name", "status"), [("go_online", "review"), ("resume", "suspended")])
def test_campaign_past_its_end_does_not_open(app, make, clock, name, status):
    campaign = make.campaign(status=CampaignStatus(status), ends_on=date(2026, 3, 12))
    clock.forward(hours=13)  # past midnight in China
    with pytest.raises(campaigns.CannotGoOnline) as refusal:
        act(name, campaign, clock)
    assert refusal.value.extra["missing"] == ["已过结束日期"]


def test_campaign_opens_on_its_last_day(app, make, clock):
    campaign = make.campaign(status=CampaignStatus.REVIEW, ends_on=date(2026, 3, 12))
    act("go_online", campaign, clock)
    assert status_of(campaign) is CampaignStatus.ONLINE
