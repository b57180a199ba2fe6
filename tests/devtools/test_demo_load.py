"""The demo's data: made by the use cases, clean to the auditor, and never near a real database."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from models import Certificate, PlantingBase, Pledge, PledgeStatus, Region, Resident, Tree, TreeLife
from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from wxbackend.core.db import reading
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.core.worker import Worker
from wxbackend.devtools.demo.commands import demo_commands
from wxbackend.devtools.demo.plan import SCALES, spread
from wxbackend.factory import create_app


@pytest.fixture
def cli(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def loaded(cli: FlaskCliRunner) -> FlaskCliRunner:
    done = cli.invoke(args=["demo", "load", "--scale", "small"])
    assert (done.exit_code, "已载入 8 个基地、60 株树、6 位居民、5 单认种" in done.output) == (0, True), done.output
    return cli


def count(model, *conditions) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def test_small_demo_is_what_it_says_and_clean(loaded: FlaskCliRunner):
    old = Tree.life == TreeLife.ALIVE
    assert (count(PlantingBase), count(Tree, old), count(Resident), count(Pledge)) == (8, 60, 6, 5)
    assert count(Pledge, Pledge.status.in_((PledgeStatus.PENDING, PledgeStatus.EXPIRED))) == 0
    assert count(Certificate) == 5
    audited = loaded.invoke(args=["audit"])
    assert audited.exit_code == 0, audited.output


def test_demo_is_clean_after_the_worker_drew_its_certificates(app: Flask, loaded: FlaskCliRunner, clock: Clock):
    Worker(app.extensions["xiangshu.handlers"], (), clock, "test").drain()
    audited = loaded.invoke(args=["audit"])
    assert audited.exit_code == 0, audited.output


def test_tokens_name_roles_staff_and_objects(app: Flask, loaded: FlaskCliRunner):
    made = json.loads(loaded.invoke(args=["demo", "tokens", "--json"]).output.splitlines()[-1])
    assert {"resident_a", "resident_b"} <= made["roles"].keys()
    assert {"county_admin", "issuer", "finance", "auditor", "system"} <= made["staff"].keys()
    assert all(account.keys() == {"username", "password", "totp_secret"} for account in made["staff"].values())
    objects = {"base_id", "pledge_number", "tree_token", "certificate_serial", "certificate_token"}
    assert objects <= {name for name, value in made["objects"].items() if value}
    bearer = {"Authorization": f"Bearer {made['roles']['resident_a']['token']}"}
    client = app.test_client()
    assert client.get(f"/v1/pledges/{made['objects']['pledge_number']}", headers=bearer).status_code == 200
    assert client.get(f"/v1/verify/{made['objects']['certificate_token']}").json["status"] == "valid"


def test_tokens_can_be_asked_for_twice(loaded: FlaskCliRunner):
    for _ in range(2):
        assert loaded.invoke(args=["demo", "tokens", "--json"]).exit_code == 0
    assert loaded.invoke(args=["audit"]).exit_code == 0


def test_demo_does_not_load_over_other_data(cli: FlaskCliRunner, make):
    make.regions()
    before = count(Region)
    done = cli.invoke(args=["demo", "load", "--scale", "small"])
    assert (done.exit_code, "数据库不是空的" in done.output, count(Region)) == (1, True, before)


@pytest.mark.parametrize("words", [["load"], ["tokens", "--json"]])
def test_production_has_no_demo(settings, words: list[str], clock: Clock):
    ports = Ports(
        mini=FakeMini(), pay=FakePay(clock), storage=FakeStorage(), push=FakePush(), now=clock, random_bytes=Luck()
    )
    live = create_app(settings.model_copy(update={"app_env": type(settings.app_env).PRODUCTION}), ports)
    assert live.test_cli_runner().invoke(args=["demo", *words]).exit_code == 2
    done = live.test_cli_runner().invoke(demo_commands, words)  # whoever finds a way to it all the same
    assert (done.exit_code, "生产环境" in done.output) == (1, True), done.output
    with live.app_context():
        assert count(Region) == 0


@pytest.mark.parametrize("words", [["load"], ["tokens", "--json"]])
def test_who_does_not_say_development_has_no_demo(database_url: str, words: list[str], clock: Clock):
    ports = Ports(
        mini=FakeMini(), pay=FakePay(clock), storage=FakeStorage(), push=FakePush(), now=clock, random_bytes=Luck()
    )
    silent = create_app(Settings(database_url=database_url, _env_file=None), ports)  # type: ignore[call-arg]
    done = silent.test_cli_runner().invoke(demo_commands, words)
    assert (done.exit_code, "请先写明 APP_ENV" in done.output) == (1, True), done.output
    with silent.app_context():
        assert count(Region) == 0


def test_city_has_the_published_size():
    city = SCALES["city"]
    assert (city.bases, city.trees, city.residents) == (1_366, 160_000, 50_000)
    shares = spread(city.trees, city.bases)
    assert (sum(shares), max(shares) - min(shares)) == (city.trees, 1)
