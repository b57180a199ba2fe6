"""A certificate that is made while a refund succeeds: two connections, the slower one a step behind."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from models import Certificate, RefundReason, Resident
from tests.refunds.counter import Counter
from wxbackend.core.db import db, transaction
from wxbackend.core.ports import ports
from wxbackend.core.wxpay import RefundState
from wxbackend.fulfilment import service as fulfilment
from wxbackend.honours import service as honours
from wxbackend.honours.tools import issuing_tools
from wxbackend.identity import erasure
from wxbackend.refunds import outcome, service
from wxbackend.refunds.rules import RefundWish

#: Long enough to see that somebody waits, shorter than anybody waits for a lock.
A_MOMENT_S = 1


@pytest.fixture
def counter(walk) -> Counter:
    walk.make.regions()
    return Counter(walk)


@pytest.fixture
def meanwhile(app) -> Iterator[Callable[[Callable[[Session], None], Callable[[], Any]], None]]:
    """Do the first, have the second begin, and only then commit the first: the second has to wait."""

    def inside(act: Callable[[], Any]) -> None:
        with app.app_context():
            act()

    def go(first: Callable[[Session], None], second: Callable[[], Any]) -> None:
        with Session(db.engine) as session:
            first(session)
            waiting = pool.submit(inside, second)
            with pytest.raises(TimeoutError):
                waiting.result(A_MOMENT_S)
            session.commit()
        waiting.result()

    with ThreadPoolExecutor(1) as pool:
        yield go


def statuses(walk) -> list[tuple[str, int | None]]:
    """Status of each certificate with the trees it speaks of, in the order in which they were made."""
    found = sorted(walk.all(Certificate), key=lambda one: one.id)
    return [(str(one.status), one.content["tree_count"]) for one in found]


@pytest.mark.parametrize(("trees", "left"), [(None, []), (1, [("issued", 2)])])
def test_certificate_replaced_while_a_refund_succeeds_says_what_is_left(
    walk, counter, meanwhile, assert_clean, trees, left
):
    me = walk.make.resident()
    number = walk.open(walk.make.base(), me, tree_count=3)
    walk.fulfilled(number, me)
    told = counter.outcome(counter.accepted(number, trees=trees), RefundState.SUCCESS)
    [old] = walk.all(Certificate)
    tools, now = issuing_tools(), ports().now()

    def replace(session: Session) -> None:
        honours.supersede(session, serial=old.serial, reason="换发", caller=counter.chief, tools=tools, now=now)

    def succeed() -> None:
        with transaction() as session:
            outcome.take(session, refunded=told, tools=tools, now=now)

    meanwhile(replace, succeed)
    walk.drain()
    assert [one for one in statuses(walk) if one[0] == "issued"] == left
    assert_clean()


def test_donation_frozen_for_a_refund_gets_no_certificate(walk, counter, meanwhile, assert_clean):
    me = walk.make.resident()
    number = walk.donate(walk.make.base(), me)
    walk.pay_for(number, me)
    by, now, tools, wish = counter.office(), ports().now(), issuing_tools(), RefundWish(RefundReason.MISTAKE, None)

    def freeze(session: Session) -> None:
        service.request_refund(session, pledge_number=number, wish=wish, by=by, number="R2603120000000001", now=now)

    def fulfil() -> None:
        with transaction() as session:
            fulfilment.fulfil(session, number=number, tools=tools, now=now)

    meanwhile(freeze, fulfil)
    assert (walk.status(number), statuses(walk)) == ("refunding", [])
    assert_clean()


def test_name_on_a_certificate_in_the_making_goes_with_an_erasure_that_was_begun(walk, counter, meanwhile):
    """Its row is empty already: emptying it again must still wait for whoever writes for the person."""
    me = walk.make.resident()
    number = walk.donate(walk.make.base(), me)
    walk.pay_for(number, me)
    owner, now, tools = counter.pledge(number).resident_id, ports().now(), issuing_tools()
    with transaction() as session:
        session.execute(update(Resident).where(Resident.id == owner).values(**erasure.EMPTY))

    def erase() -> None:
        with transaction() as session:
            assert erasure.erase_or_begin(session, resident_id=owner, erasers=erasure.ERASERS, now=now)

    meanwhile(lambda session: fulfilment.fulfil(session, number=number, tools=tools, now=now), erase)
    assert [one.holder_name_sealed for one in walk.all(Certificate)] == [None]
