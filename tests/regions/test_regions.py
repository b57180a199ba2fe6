"""The tree of regions."""

import pytest

from models import Region
from tests.make import CITY, COUNTY, OTHER_COUNTY, TOWN, VILLAGE
from tests.statements import counted
from wxbackend.core.db import reading, transaction
from wxbackend.regions.rules import county_of, is_within, prefix_of
from wxbackend.regions.service import put_regions


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("440000000000", "44"),
        (CITY, "4452"),
        (COUNTY, "445281"),
        (TOWN, "445281101"),
        (VILLAGE, VILLAGE),
    ],
)
def test_prefix_of_a_code_is_what_everything_below_it_shares(code, prefix):
    assert prefix_of(code) == prefix


def test_village_lies_in_its_county_and_in_no_other():
    assert county_of(VILLAGE) == COUNTY
    assert is_within(VILLAGE, ["445281"])
    assert not is_within(VILLAGE, ["445222", "4453"])
    assert not is_within(VILLAGE, [])


def names(answer):
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json["items"]]


def test_regions_are_read_down_the_tree(client, make):
    make.regions()
    assert names(client.get("/v1/regions")) == ["揭阳市"]
    assert names(client.get(f"/v1/regions?parent={CITY}")) == ["揭西县", "普宁市"]
    assert client.get(f"/v1/regions?parent={TOWN}").json["items"] == [
        {"code": VILLAGE, "level": "village", "name": "示范村", "parent": TOWN}
    ]


def test_level_lists_everything_of_it_below_the_parent(client, make):
    make.regions()
    assert names(client.get(f"/v1/regions?parent={COUNTY}&level=village")) == ["示范村"]
    assert names(client.get(f"/v1/regions?parent={COUNTY}&level=county")) == []
    assert names(client.get("/v1/regions?level=village")) == ["样板村", "示范村"]


def test_regions_come_in_pages_that_meet(client, make):
    make.regions()
    first = client.get("/v1/regions?level=county&limit=1").json
    second = client.get(f"/v1/regions?level=county&limit=1&cursor={first['next_cursor']}").json
    assert [first["items"][0]["code"], second["items"][0]["code"]] == [OTHER_COUNTY, COUNTY]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("query", ["parent=4452", "parent=abc", "level=street", "limit=51", "cursor=x", "other=1"])
def test_bad_questions_about_regions_are_refused(client, query):
    assert client.get(f"/v1/regions?{query}").status_code == 422


def test_regions_take_one_statement(client, make):
    make.regions()
    with counted() as statements:
        names(client.get("/v1/regions?level=village"))
    assert len(statements) == 1


def test_region_that_is_known_takes_the_new_name(app, make):
    make.regions()
    row = {"code": TOWN, "level": "town", "name": "新名镇", "parent_code": COUNTY}
    with transaction() as session:
        put_regions(session, rows=[row])
    with reading() as session:
        assert session.get_one(Region, TOWN).name == "新名镇"
