"""What ships with the program."""

from sqlalchemy import func, select, update

from models import Region, RegionLevel, Species
from models.points import PAID_PLEDGE, PointsRule
from tests.statements import counted
from wxbackend.catalogue.shipped import shipped_regions, shipped_species
from wxbackend.core.db import reading, transaction


def new_id():
    return "x"


def levels():
    with reading() as session:
        query = select(Region.level, func.count()).group_by(Region.level)
        return {str(level): n for level, n in session.execute(query)}


def test_seed_brings_the_regions_and_the_species(app, flask_command, client):
    result = flask_command("seed")
    assert result.exit_code == 0, result.output
    assert levels() == {"city": 1, "county": 5, "town": 108, "village": 1651}
    litchi = next(i for i in client.get("/v1/species?limit=50").json["items"] if i["name"] == "荔枝")
    assert (litchi["latin"], litchi["native"]) == ("Litchi chinensis", True)


def test_seed_may_run_again_and_keeps_what_staff_wrote(app, flask_command):
    flask_command("seed")
    with transaction() as session:
        session.execute(update(Species).where(Species.name == "竹子").values(use="毛竹为主"))
    assert flask_command("seed").exit_code == 0
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Species)) == len(shipped_species(new_id))
        assert session.scalar(select(Species.use).where(Species.name == "竹子")) == "毛竹为主"
        assert session.scalar(select(func.count()).select_from(Region)) == len(shipped_regions())


def test_seed_is_a_handful_of_statements(app, flask_command):
    with counted() as statements:
        flask_command("seed")
    assert len(statements) == 7


def test_every_region_has_its_parent_above_it():
    rows = {row["code"]: row for row in shipped_regions()}
    order = list(RegionLevel)
    for row in rows.values():
        if row["parent_code"] is not None:
            above = rows[row["parent_code"]]
            assert order.index(above["level"]) == order.index(row["level"]) - 1
    codes = [row["code"] for row in shipped_regions()]
    assert all(
        codes.index(row["parent_code"]) < codes.index(row["code"]) for row in rows.values() if row["parent_code"]
    )


def test_latin_names_and_nativeness_have_a_source_and_collective_names_have_no_latin():
    rows = {row["name"]: row for row in shipped_species(new_id)}
    for row in rows.values():
        assert row["source"] or (row["latin"] is None and row["native"] is None), row["name"]
        assert row["latin"] is None or len(row["latin"].split()) == 2
    assert rows["竹子"]["latin"] is None


def test_species_come_in_pages_and_in_one_statement(app, flask_command, client):
    flask_command("seed")
    with counted() as statements:
        first = client.get("/v1/species?limit=20").json
    assert len(statements) == 1
    rest = client.get(f"/v1/species?limit=20&cursor={first['next_cursor']}").json
    names = [item["name"] for item in (*first["items"], *rest["items"])]
    assert sorted(names) == sorted(row["name"] for row in shipped_species(new_id))


def test_after_the_seed_a_pledge_finds_its_points_rule(app, flask_command):
    for _ in range(2):
        flask_command("seed")
    with reading() as session:
        assert [rule.code for rule in session.scalars(select(PointsRule))] == [PAID_PLEDGE]
