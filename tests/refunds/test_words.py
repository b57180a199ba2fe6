"""What people write about a refund: it stands with the refund, not in the trail, and goes with its owner."""

import pytest
from sqlalchemy import select

from models import AuditEntry, Refund, RefundReason
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxpay import RefundRefused
from wxbackend.refunds import service
from wxbackend.refunds.rules import RefundWish

SECRET = "收款人陈某，尾号 1234"


@pytest.fixture
def refused(counter, walk, planted_three) -> str:
    """A refund that WeChat definitely refused; its number."""
    refund = counter.approved(planted_three)
    walk.pay.failures.append(RefundRefused("INVALID_REQUEST"))
    counter.desk.submit(refund)
    return refund


def give_up(counter, refund):
    counter.desk.give_up(refund, note=SECRET, caller=counter.chief)


def settle(counter, refund):
    counter.desk.settle(refund, note=SECRET, caller=counter.clerk)


@pytest.mark.parametrize("end", [give_up, settle])
def test_words_of_whoever_ends_a_refund_stand_with_it_and_not_in_the_trail(counter, refused, end):
    end(counter, refused)
    assert counter.seen(refused).decision_note == f"核对无误；{SECRET}"
    with reading() as session:
        trail = session.scalars(select(AuditEntry.details)).all()
    assert SECRET not in str(trail)
    assert "note" not in trail[-1]


def test_words_about_a_refund_go_with_its_owner(counter, walk, me, refused):
    give_up(counter, refused)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    assert counter.seen(refused).decision_note is None


def test_nothing_is_kept_of_what_staff_write_for_somebody_who_is_gone(counter, walk, me, planted_three):
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    wish = RefundWish(RefundReason.MISTAKE, None, SECRET)
    with transaction() as session:
        service.request_refund(
            session, pledge_number=planted_three, wish=wish, by=counter.office(), number="R1", now=counter.now
        )
    assert [refund.explanation for refund in walk.all(Refund)] == [None]
