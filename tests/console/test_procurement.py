"""Seedlings marked as bought: once, for good, by finance; from then on nobody changes their mind."""

import pytest
from sqlalchemy import select

from models import AuditEntry, PlantingBase, Role
from tests.make import OTHER_COUNTY
from wxbackend.core.db import reading


def path_of(certified) -> str:
    return f"/console/bases/{certified.base_id}/procurement"


def mark(browser, certified, *, form_on=None, **fields):
    return browser.post(path_of(certified), form_on=form_on or path_of(certified), **{"sure": "y", **fields})


def procured_at(certified):
    with reading() as session:
        return session.scalars(
            select(PlantingBase.procured_at).where(PlantingBase.public_id == certified.base_id)
        ).one()


def test_marked_base_hears_no_change_of_mind_any_more(office, client, make, certified, clock):
    browser = office.seat_new(Role.FINANCE)
    assert "登记后不可撤销" in browser.get(path_of(certified)).text
    assert mark(browser, certified).status_code == 303
    assert procured_at(certified) == clock()
    me = make.resident()
    policy = client.get(f"/v1/pledges/{certified.number}", headers=me).json["refund_policy"]
    assert policy == {
        "until": None,
        "grace_days": 0,
        "reasons": ["duplicate", "mistake", "project_failure", "minor"],
    }
    asked = client.post(f"/v1/pledges/{certified.number}/refunds", json={"reason": "change_of_mind"}, headers=me)
    assert (asked.status_code, asked.json["code"]) == (409, "refund-reason-not-open")
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "base.procure")).one()
    assert (entry.object_kind, entry.object_key) == ("base", certified.base_id)


def test_it_is_said_once(office, certified, clock):
    browser, first = office.seat_new(Role.FINANCE), clock()
    mark(browser, certified)
    clock.forward(minutes=1)
    again = mark(browser, certified, form_on="/console/sessions")
    assert (again.status_code, procured_at(certified)) == (409, first)
    page = browser.get(path_of(certified)).text
    assert "已采购" in page
    assert "登记已采购" not in page


def test_it_takes_a_tick_and_a_fresh_code(office, certified):
    assert mark(office.seat_new(Role.FINANCE), certified, sure="").status_code == 422
    tired = mark(office.seat_new(Role.FINANCE, confirmed=False), certified)
    assert (tired.status_code, "输入新的动态码" in tired.text) == (403, True)
    assert procured_at(certified) is None


def test_base_of_another_county_does_not_exist(office, certified):
    stranger = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert stranger.get(path_of(certified)).status_code == 404
    assert stranger.post(path_of(certified), sure="y").status_code == 404
    assert procured_at(certified) is None


def test_forged_form_is_refused(office, certified):
    assert office.seat_new(Role.FINANCE).send(path_of(certified), {"sure": "y"}).status_code == 400
    assert procured_at(certified) is None


@pytest.mark.parametrize("role", [Role.COUNTY_ADMIN, Role.ISSUER, Role.AUDITOR])
def test_list_shows_it_to_readers_and_offers_it_to_finance_only(office, certified, role):
    assert "登记采购" not in office.seat_new(role).get("/console/bases").text
    assert "登记采购" in office.seat_new(Role.FINANCE).get("/console/bases").text
    mark(office.seat_new(Role.FINANCE), certified)
    assert "已采购" in office.seat_new(role).get("/console/bases").text
