"""What follows from a paid pledge: trees, a term, a certificate; once, whoever does it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from models import (
    Certificate,
    CertificateStatus,
    OutboxMessage,
    OutboxStatus,
    PlantingBase,
    Pledge,
    PledgeMove,
    PledgeStatus,
    SerialCounter,
    TreeCounter,
)
from tests.make import VILLAGE
from wxbackend.core.db import transaction
from wxbackend.core.ports import ports
from wxbackend.fulfilment import service as fulfilment
from wxbackend.fulfilment.jobs import finish_funded
from wxbackend.fulfilment.service import FULFIL
from wxbackend.honours.tools import issuing_tools


@pytest.fixture
def base(walk):
    return walk.make.base()


@pytest.fixture
def me(walk):
    return walk.make.resident()


def fulfil(walk, number):
    with walk.app.app_context(), transaction() as session:
        fulfilment.fulfil(session, number=number, tools=issuing_tools(), now=ports().now())


def fulfil_and_fail(number):
    with transaction() as session:
        fulfilment.fulfil(session, number=number, tools=issuing_tools(), now=ports().now())
        raise ZeroDivisionError


def moves(walk):
    return [str(move.to_status) for move in walk.all(PledgeMove)]


def test_planted_trees_come_into_being_planned_numbered_and_owned(walk, base, me):
    pledge = walk.fulfilled(walk.open(base, me, tree_count=3), me)
    assert pledge["status"] == "allocated"
    numbers = [tree["code"] for tree in pledge["trees"]]
    assert [number[:19] for number in numbers] == [f"{VILLAGE}26{n:05d}" for n in (1, 2, 3)]
    assert [(str(t.life), str(t.adoption), t.planted_on) for t in walk.trees()] == [("planned", "adopted", None)] * 3
    assert len({tree["token"] for tree in pledge["trees"]}) == 3
    [certificate] = pledge["certificates"]
    assert (certificate["kind"], certificate["status"]) == ("RZ", "issued")
    assert moves(walk) == ["funded", "allocated"]


def test_numbers_run_on_over_pledges_without_a_gap(walk, base, me):
    for count in (2, 1, 3):
        walk.fulfilled(walk.open(base, me, tree_count=count), me)
    assert [int(tree.number[14:19]) for tree in walk.trees()] == [1, 2, 3, 4, 5, 6]


def test_numbers_begin_anew_with_the_year_in_china(walk, me):
    base = walk.make.base(campaign=walk.make.campaign(ends_on=date(2027, 12, 31)))
    for moment in (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, 0, tzinfo=UTC)):
        walk.clock.moment = moment
        me = walk.make.resident()
        walk.fulfilled(walk.open(base, me), me)
    assert [tree.number[12:19] for tree in walk.trees()] == ["2600001", "2700001"]
    assert [(row.year, row.last) for row in walk.all(SerialCounter)] == [(2026, 1), (2027, 1)]


def test_an_adopted_tree_is_active_for_the_bases_term_from_the_day_of_payment(walk, me):
    base = walk.make.base(term_months=6)
    [tree] = walk.make.trees(base)
    pledge = walk.fulfilled(walk.open(base, me, kind="adopt"), me)
    assert (pledge["status"], pledge["active_until"]) == ("active", "2026-09-11")
    assert [t["token"] for t in pledge["trees"]] == [tree.token]
    assert [str(t.adoption) for t in walk.trees()] == ["adopted"]
    assert moves(walk) == ["funded", "allocated", "active"]
    [certificate] = walk.certificates()
    assert certificate.content["term_until"] == "2026-09-11"


def test_a_gift_ends_funded_with_a_certificate_of_thanks(walk, base, me):
    pledge = walk.fulfilled(walk.donate(base, me, 6600), me)
    assert (pledge["status"], pledge["trees"], pledge["tree_count"]) == ("funded", [], None)
    [certificate] = walk.certificates()
    assert (str(certificate.kind), certificate.content["amount_fen"]) == ("JK", 6600)
    assert len(certificate.content["payment_tail"]) == 6


@pytest.mark.parametrize("kind", ["plant", "donate", "adopt"])
def test_done_twice_it_changes_nothing(walk, base, me, kind):
    walk.make.trees(base)
    number = walk.donate(base, me) if kind == "donate" else walk.open(base, me, kind=kind)
    before = walk.fulfilled(number, me)
    fulfil(walk, number)
    assert walk.post(number, "sync", me).json == before
    assert (len(walk.certificates()), len(walk.trees())) == (1, 2 if kind == "plant" else 1)


@pytest.mark.parametrize("kind", ["plant", "donate", "adopt"])
def test_two_workers_at_once_make_one_certificate(walk, base, me, kind):
    walk.make.trees(base)
    number = walk.donate(base, me) if kind == "donate" else walk.open(base, me, kind=kind)
    walk.pay_for(number, me)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fulfil(walk, number), range(4)))
    [certificate] = walk.certificates()
    assert certificate.status is CertificateStatus.ISSUED
    assert [row.last for row in walk.all(SerialCounter)] == [1]
    assert len(walk.trees()) == (2 if kind == "plant" else 1)


@pytest.mark.parametrize("status", ["pending", "cancelled"])
def test_an_unpaid_pledge_gets_nothing(walk, base, me, status):
    number = walk.open(base, me)
    if status == "cancelled":
        walk.post(number, "cancel", me)
    fulfil(walk, number)
    assert (walk.status(number), walk.certificates(), walk.trees()) == (status, [], [])


def test_asking_about_the_payment_fulfils_at_once_and_the_worker_then_finds_it_done(walk, base, me):
    number = walk.open(base, me, tree_count=2)
    walk.pay.pay(walk.order(number, me))
    assert walk.post(number, "sync", me).json["status"] == "allocated"
    walk.drain()
    assert (len(walk.trees()), len(walk.certificates())) == (2, 1)
    assert all(str(message.status) == "done" for message in walk.all(OutboxMessage))


def test_what_fails_midway_leaves_no_number_behind(walk, base, me):
    number = walk.open(base, me, tree_count=2)
    walk.pay_for(number, me)
    with pytest.raises(ZeroDivisionError):
        fulfil_and_fail(number)
    assert (walk.trees(), walk.certificates(), walk.all(SerialCounter), walk.all(TreeCounter)) == ([], [], [], [])
    assert walk.status(number) == PledgeStatus.FUNDED
    walk.drain()
    assert [int(tree.number[14:19]) for tree in walk.trees()] == [1, 2]
    assert [row.last for row in walk.all(SerialCounter)] == [1]


def test_serials_are_dense_for_each_kind_and_region_under_concurrency(walk, me):
    base, other = walk.make.base(), walk.make.base(campaign=walk.make.campaign(county="445222000000"))
    numbers = [walk.open(where, me) for where in (base, other) for _ in range(3)]
    numbers += [walk.donate(where, me) for where in (base, other) for _ in range(2)]
    for number in numbers:
        walk.pay_for(number, me)
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda number: fulfil(walk, number), numbers))
    serials = sorted(certificate.serial[:19] for certificate in walk.all(Certificate))
    assert serials == sorted(
        f"{kind}{region}2026{n:07d}"
        for kind, last in (("RZ", 3), ("JK", 2))
        for region in ("445281", "445222")
        for n in range(1, last + 1)
    )


def test_a_village_without_numbers_left_keeps_the_pledge_paid_and_the_work_waiting(walk, base, me):
    with transaction() as session:
        session.add(TreeCounter(village_code=VILLAGE, year=2026, last=99_999))
    number = walk.open(base, me)
    walk.pay_for(number, me)
    walk.drain()
    assert (walk.status(number), walk.certificates()) == ("funded", [])
    [message] = [one for one in walk.all(OutboxMessage) if one.topic == FULFIL]
    assert (str(message.status), message.last_error.partition(":")[0]) == ("ready", "tree-numbers-spent")


def test_a_donation_whose_certificate_was_revoked_gets_no_other(walk, base, me):
    number = walk.donate(base, me)
    walk.fulfilled(number, me)
    with transaction() as session:
        certificate = session.query(Certificate).one()
        certificate.status, certificate.reason = CertificateStatus.REVOKED, "重复申领"
    assert [c["status"] for c in walk.post(number, "sync", me).json["certificates"]] == ["revoked"]
    assert len(walk.certificates()) == 1


def test_every_statement_of_the_base_is_kept_in_the_pledge(walk, base, me):
    """A price that changes after pledging changes nothing for those who pledged."""
    number = walk.open(base, me, tree_count=2)
    with transaction() as session:
        session.get_one(PlantingBase, base.id).price_fen = 1
    assert walk.fulfilled(number, me)["amount_fen"] == 10_000
    [pledge] = walk.all(Pledge)
    assert pledge.unit_price_fen == 5000


@pytest.mark.parametrize("kind", ["plant", "donate"])
def test_what_was_paid_is_finished_although_its_message_is_lost(walk, kind):
    base, me = walk.make.base(), walk.make.resident()
    number = walk.donate(base, me) if kind == "donate" else walk.open(base, me)
    walk.pay_for(number, me)
    with transaction() as session:
        session.execute(update(OutboxMessage).values(status=OutboxStatus.DEAD))
    finish_funded()
    assert walk.certificates() == []  # its message may still come
    walk.clock.forward(minutes=11)
    finish_funded()
    assert len(walk.certificates()) == 1
