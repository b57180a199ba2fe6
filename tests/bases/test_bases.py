"""Bases as residents see them."""

from datetime import date

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from models import BaseStatus, CampaignStatus, PlantingBase, TreeAdoption
from tests.make import COUNTY, OTHER_COUNTY, TOWN, VILLAGE
from tests.statements import counted
from wxbackend.bases.rules import Position
from wxbackend.core.db import transaction

HIDDEN = (BaseStatus.DRAFT, BaseStatus.REVIEW)


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


def kinds(client, base):
    answer = client.get(f"/v1/bases/{base.public_id}")
    assert answer.status_code == 200, answer.text
    return {item["name"]: item["reason"] or "open" for item in answer.json["kinds"]}


def test_base_in_a_list_says_what_it_offers(client, make):
    base = make.base(held=2, sold=10)
    assert client.get("/v1/bases").json["items"] == [
        {
            "id": base.public_id,
            "name": base.name,
            "status": "online",
            "status_text": "认种中",
            "county_code": COUNTY,
            "county_name": "普宁市",
            "village_code": VILLAGE,
            "village_name": "揭阳市普宁市示范镇示范村",
            "address": "示范村村口",
            "latitude": 23.3,
            "longitude": 116.16,
            "distance_m": None,
            "price_fen": 5000,
            "adopt_price_fen": 20000,
            "term_months": 12,
            "capacity": 100,
            "places_left": 88,
            "species": {"id": client.get("/v1/bases").json["items"][0]["species"]["id"], "name": "荔枝",
                        "latin": "Litchi chinensis"},
            "campaign": {
                "id": client.get(f"/v1/bases/{base.public_id}").json["campaign"]["id"],
                "name": "我为家乡种棵树",
                "payee": {"name": "示范县绿化委员会", "qualification": None},
            },
        }
    ]  # fmt: skip


@pytest.mark.parametrize("status", HIDDEN)
def test_base_that_never_went_online_is_hidden(client, make, status):
    base = make.base(status=status)
    assert ids(client.get("/v1/bases")) == []
    assert client.get(f"/v1/bases/{base.public_id}").status_code == 404


def test_hidden_status_cannot_be_asked_for(client):
    assert client.get("/v1/bases?status=draft").status_code == 422


def test_unknown_base_is_not_found(client):
    answer = client.get("/v1/bases/nothing")
    assert (answer.status_code, answer.json["detail"]) == (404, "基地不存在")


@pytest.mark.parametrize("code", ["445200000000", COUNTY, TOWN, VILLAGE])
def test_bases_are_found_by_a_region_of_any_level(client, make, code):
    here = make.base()
    make.base(campaign=make.campaign(county=OTHER_COUNTY))
    found = ids(client.get(f"/v1/bases?region={code}"))
    assert here.public_id in found
    assert len(found) == (2 if code.startswith("44520000") else 1)


def test_bases_are_filtered_by_status_species_campaign_and_name(client, make):
    litchi, longan = make.species("荔枝"), make.species("龙眼")
    one = make.base(species_id=litchi.id, name="百分百%基地")
    two = make.base(species_id=longan.id, status=BaseStatus.FULL, capacity=1, sold=1, name="村口公园")
    campaign = client.get(f"/v1/bases/{one.public_id}").json["campaign"]["id"]
    for query, found in {
        "status=full": [two],
        f"species={litchi.public_id}": [one],
        f"campaign={campaign}": [one],
        "q=公园": [two],
        "q=%25": [one],  # a percent sign, not a wildcard
        "q=_": [],
        f"status=full&species={litchi.public_id}": [],
    }.items():
        assert ids(client.get(f"/v1/bases?{query}")) == [base.public_id for base in found], query


def test_bases_come_in_pages_newest_first(client, make):
    made = [make.base().public_id for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/bases?limit=2{cursor and '&cursor='}{cursor}").json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


def test_near_bases_come_first_and_pages_meet(client, make):
    places = {"far": (23_800_000, 116_160_000), "east": (23_300_000, 116_260_000), "here": (23_301_000, 116_160_000),
              "north": (23_395_000, 116_160_000), "west": (23_300_000, 116_060_000)}  # fmt: skip
    made = {make.base(latitude_e6=lat, longitude_e6=lng).public_id: name for name, (lat, lng) in places.items()}
    make.base(latitude_e6=None, longitude_e6=None)
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/bases?near=23.3,116.16&limit=2{cursor and '&cursor='}{cursor}").json
        seen += [(made[item["id"]], item["distance_m"]) for item in page["items"]]
        cursor = page["next_cursor"]
    # 0.1° of longitude is shorter than 0.095° of latitude here; twins come in the order of their ids
    assert [name for name, _ in seen] == ["here", "east", "west", "north", "far"]
    assert [round(metres, -2) for _, metres in seen] == [100, 10_200, 10_200, 10_600, 55_600]


def test_within_cuts_a_box_around_the_place(client, make):
    near = make.base(latitude_e6=23_310_000, longitude_e6=116_170_000)
    make.base(latitude_e6=23_800_000, longitude_e6=116_160_000)
    make.base(latitude_e6=23_300_000, longitude_e6=116_900_000)
    assert ids(client.get("/v1/bases?near=23.3,116.16&within_km=20")) == [near.public_id]


@pytest.mark.parametrize(
    "query",
    ["near=23.3", "near=91,116", "near=23,181", "near=nan,116", "near=a,b", "within_km=5", "region=44", "species=",
     "cursor=WzFd", "cursor=WyJhIiwxXQ", "near=inf,0"],
)  # fmt: skip
def test_bad_questions_about_bases_are_refused(client, query):
    assert client.get(f"/v1/bases?{query}").status_code == 422


@pytest.mark.parametrize("n", [1, 50])
@pytest.mark.parametrize("query", ["", "&near=23.3,116.2", f"&region={COUNTY}&status=online&q=村"])
def test_list_of_bases_takes_one_statement(client, make, n, query):
    campaign = make.campaign()
    for _ in range(n):
        make.base(campaign=campaign)
    with counted() as statements:
        assert len(ids(client.get(f"/v1/bases?limit=50{query}"))) == n
    assert len(statements) == 1


@pytest.mark.parametrize("n", [1, 50])
def test_one_base_takes_two_statements(client, make, n):
    base = make.base()
    make.trees(base, n)
    with counted() as statements:
        assert client.get(f"/v1/bases/{base.public_id}").json["trees_open"] == n
    assert len(statements) == 2


def test_every_kind_is_open_at_an_online_base_with_trees(client, make):
    base = make.base()
    make.trees(base)
    assert kinds(client, base) == {"认种": "open", "认捐": "open", "认养": "open"}


def test_full_base_still_takes_donations_and_adoptions(client, make):
    base = make.base(status=BaseStatus.FULL, capacity=2, sold=2)
    make.trees(base)
    assert kinds(client, base) == {"认种": "认种名额已满", "认捐": "open", "认养": "open"}


def test_places_that_are_only_held_may_come_back(client, make):
    base = make.base(capacity=2, held=1, sold=1)
    assert kinds(client, base)["认种"] == "剩余名额正在被他人支付，请稍后再看"


def test_base_without_adoption_price_offers_none(client, make):
    base = make.base(adopt_price_fen=None)
    make.trees(base)
    assert kinds(client, base)["认养"] == "该基地未开放认养"


def test_trees_in_other_hands_are_not_open(client, make):
    base = make.base()
    for adoption in TreeAdoption:
        if adoption is not TreeAdoption.OPEN:
            make.trees(base, adoption=adoption)
    assert kinds(client, base)["认养"] == "暂无可认养的树木"


@pytest.mark.parametrize(
    ("status", "reason"), [(BaseStatus.SUSPENDED, "基地已暂停"), (BaseStatus.CLOSED, "基地已关闭"),
                           (BaseStatus.CARE, "基地管护中")]
)  # fmt: skip
def test_base_that_does_not_take_pledges_says_why(client, make, status, reason):
    assert set(kinds(client, make.base(status=status)).values()) == {reason}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": CampaignStatus.SUSPENDED}, "项目已暂停"),
        ({"ends_on": date(2026, 3, 11)}, "项目已于2026-03-11结束"),
        ({"starts_on": date(2026, 3, 13)}, "项目将于2026-03-13开始"),
    ],
)
def test_campaign_that_does_not_run_closes_its_bases(client, make, changes, reason):
    base = make.base(campaign=make.campaign(**changes))
    assert set(kinds(client, base).values()) == {reason}


def test_base_shows_what_paying_earns(client, make):
    base = make.base()
    points = client.get(f"/v1/bases/{base.public_id}").json["points"]
    assert (points["fen_per_green"], points["fen_per_honour"]) == (1000, 100)
    assert "绿色积分" in points["sentence"]


@pytest.mark.parametrize(
    "values",
    [
        {"sold": 101},
        {"held": 60, "sold": 41},
        {"held": -1},
        {"sold": -1},
        {"capacity": -1},
        {"price_fen": 0},
        {"adopt_price_fen": 0},
        {"term_months": 0},
        {"term_months": 61},
    ],
)
def test_database_refuses_impossible_capacities_prices_and_terms(app, make, values):
    base = make.base()
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(PlantingBase).where(PlantingBase.id == base.id).values(**values))


@pytest.mark.parametrize(
    ("there", "metres"),
    [
        (Position(23_300_000, 116_160_000), 0),
        (Position(24_300_000, 116_160_000), 111_195),
        (Position(23_300_000, 117_160_000), 102_126),
    ],
)
def test_distances_follow_the_ground(there, metres):
    assert abs(Position(23_300_000, 116_160_000).distance_m(there) - metres) <= 30
