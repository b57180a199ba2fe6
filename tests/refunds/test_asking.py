"""Who may ask for what, and what a wish does before anybody decided."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from models import (
    AuditEntry,
    PaymentMismatch,
    PlantingBase,
    Pledge,
    PledgeStatus,
    ReceiptRequest,
    ReceiptStatus,
    ReconItem,
    ReconQueue,
    Refund,
    RefundReason,
    TransferCode,
)
from tests.fakes import MCHID
from wxbackend.core.dates import china_date
from wxbackend.core.db import transaction
from wxbackend.core.errors import NotFound
from wxbackend.refunds import service
from wxbackend.refunds.errors import (
    NotRefundable,
    OrderFrozen,
    ReasonNotOpen,
    ReceiptLive,
    RefundDecided,
    RefundOpen,
    RefundTooLate,
    TooManyRefunds,
)
from wxbackend.refunds.rules import refund_number
from wxbackend.refunds.service import Asker
from wxbackend.staff.errors import ConfirmationNeeded, SamePerson

DUPLICATE, MINOR = RefundReason.DUPLICATE, RefundReason.MINOR


def test_refund_number_is_r_date_and_ten_letters(counter):
    assert refund_number(counter.now, bytes(7)) == "R2603120000000000"


def test_wish_freezes_the_pledge_and_takes_its_share_of_the_payment(counter, walk, planted_three, assert_clean):
    refund = counter.ask(planted_three, trees=2)
    seen = counter.seen(refund)
    assert (seen.amount_fen, seen.tree_count, str(seen.from_status)) == (10_000, 2, "allocated")
    assert (walk.status(planted_three), counter.taken_fen(planted_three)) == ("refunding", 10_000)
    assert counter.refunding() == 0  # nothing is set aside before somebody approves
    assert_clean()


def test_without_a_number_of_trees_all_that_is_left_is_meant(counter, planted_three):
    assert counter.seen(counter.ask(planted_three)).amount_fen == 15_000


def test_donation_is_refunded_whole_or_not_at_all(counter, donated):
    with pytest.raises(NotRefundable):
        counter.ask(donated, trees=1)
    seen = counter.seen(counter.ask(donated))
    assert (seen.amount_fen, seen.tree_count) == (6_600, None)


@pytest.mark.parametrize("trees", [0, 4, -1])
def test_more_or_fewer_trees_than_are_left_are_refused(counter, planted_three, trees):
    with pytest.raises(NotRefundable):
        counter.ask(planted_three, trees=trees)


def test_another_persons_pledge_is_not_found(counter, planted_three):
    with pytest.raises(NotFound):
        counter.ask(planted_three, by=Asker("resident", 999))


def test_staff_of_another_county_do_not_find_it(counter, planted_three):
    with pytest.raises(NotFound):
        counter.ask(planted_three, by=Asker("staff", counter.clerk.id, ("445222",)))


def test_second_wish_beside_an_open_one_is_refused(counter, planted_three):
    counter.ask(planted_three, trees=1)
    with pytest.raises(RefundOpen):
        counter.ask(planted_three, trees=1)


def test_unpaid_pledge_is_cancelled_not_refunded(counter, walk, me):
    number = walk.open(walk.make.base(), me)
    with pytest.raises(NotRefundable):
        counter.ask(number)


def test_refunded_pledge_is_not_refunded_again(counter, planted_three):
    counter.refunded(planted_three)
    with pytest.raises(NotRefundable):
        counter.ask(planted_three, reason=DUPLICATE)


def test_mind_may_be_changed_for_seven_days_and_no_longer(counter, walk, planted_three):
    walk.clock.forward(days=7)
    counter.ask(planted_three, trees=1)


def test_on_the_eighth_day_only_graver_reasons_are_heard(counter, walk, planted_three):
    walk.clock.forward(days=8)
    with pytest.raises(ReasonNotOpen):
        counter.ask(planted_three)
    counter.ask(planted_three, reason=MINOR)


def test_once_seedlings_are_bought_only_graver_reasons_are_heard(counter, planted_three):
    with transaction() as session:
        session.execute(update(PlantingBase).values(procured_at=counter.now))
    with pytest.raises(ReasonNotOpen):
        counter.ask(planted_three)
    counter.ask(planted_three, reason=RefundReason.PROJECT_FAILURE)


@pytest.mark.parametrize("status", [PledgeStatus.PLANTED, PledgeStatus.ACTIVE])
def test_what_is_planted_is_refunded_for_errors_only(counter, planted_three, status):
    with transaction() as session:
        session.execute(update(Pledge).where(Pledge.number == planted_three).values(status=status))
    with pytest.raises(ReasonNotOpen):
        counter.ask(planted_three, reason=MINOR)
    counter.ask(planted_three, reason=DUPLICATE)


def test_adoption_is_refunded_by_the_common_rules_though_its_term_runs(counter, adopted_two):
    counter.ask(adopted_two, trees=1)


@pytest.mark.parametrize("reason", [RefundReason.NO_STOCK, RefundReason.SECOND_PAYMENT, RefundReason.MISMATCH])
def test_reasons_of_suspense_are_nobodys_wish(counter, planted_three, reason):
    with pytest.raises(ReasonNotOpen):
        counter.ask(planted_three, reason=reason)


def test_after_a_year_wechat_pays_nothing_back(counter, walk, planted_three):
    walk.clock.forward(days=365)
    counter.ask(planted_three, trees=1, reason=DUPLICATE)
    walk.clock.forward(seconds=1)
    with pytest.raises(RefundTooLate):
        counter.decide(counter.walk.all(Refund)[0].number)


def test_what_still_waits_for_its_trees_is_refunded_whole_and_by_staff(counter, walk, me, assert_clean):
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.pay_for(number, me)
    for trees, by in ((None, None), (1, counter.office())):
        with pytest.raises(NotRefundable):
            counter.ask(number, trees=trees, by=by)
    counter.ask(number, by=counter.office())
    assert walk.status(number) == "refunding"
    assert_clean()


def receipt(counter, number, status):
    pledge = counter.pledge(number)
    row = ReceiptRequest(
        public_id="receipt1", pledge_id=pledge.id, resident_id=pledge.resident_id, county_code=pledge.county_code,
        row_key="receipt1", amount_fen=pledge.amount_fen, status=status, requested_at=counter.now,
        receipt_number=None if status is ReceiptStatus.REQUESTED else "票0001",
    )  # fmt: skip
    with transaction() as session:
        session.add(row)


@pytest.mark.parametrize("status", [ReceiptStatus.REQUESTED, ReceiptStatus.ISSUED])
def test_live_receipt_refuses_a_refund(counter, donated, status):
    receipt(counter, donated, status)
    with pytest.raises(ReceiptLive):
        counter.ask(donated)


def test_receipt_that_came_up_meanwhile_keeps_the_refund_from_being_approved(counter, donated):
    refund = counter.ask(donated)
    receipt(counter, donated, ReceiptStatus.ISSUED)
    with pytest.raises(ReceiptLive):
        counter.decide(refund)
    assert (counter.status(refund), counter.refunding()) == ("requested", 0)


def test_red_reversed_receipt_stands_in_nobodys_way(counter, donated):
    receipt(counter, donated, ReceiptStatus.RED_REVERSED)
    counter.ask(donated)


def missing(counter, walk, queue):
    [attempt] = walk.attempts()
    row = ReconItem(
        mchid=MCHID, bill_on=china_date(counter.now), subject="payment", key=attempt.transaction_id, queue=queue,
        out_trade_no=attempt.out_trade_no, found_at=counter.now, our_fen=attempt.amount_fen,
        bill_fen=None if queue is ReconQueue.MISSING_THERE else 1,
    )  # fmt: skip
    with transaction() as session:
        session.add(row)


def test_payment_that_the_bill_does_not_show_is_frozen(counter, walk, donated):
    missing(counter, walk, ReconQueue.MISSING_THERE)
    with pytest.raises(OrderFrozen):
        counter.ask(donated)


def bill_shows_a_strange_refund(counter, walk):
    [attempt] = walk.attempts()
    row = ReconItem(
        mchid=MCHID, bill_on=china_date(counter.now), subject="refund", key="R1", queue=ReconQueue.MISSING_HERE,
        out_trade_no=attempt.out_trade_no, found_at=counter.now, our_fen=None, bill_fen=1,
    )  # fmt: skip
    with transaction() as session:
        session.add(row)


def test_payment_with_a_refund_on_the_bill_that_is_not_ours_is_frozen(counter, walk, donated):
    bill_shows_a_strange_refund(counter, walk)
    with pytest.raises(OrderFrozen):
        counter.ask(donated)


def contradict(counter, walk):
    [attempt] = walk.attempts()
    row = PaymentMismatch(
        out_trade_no=attempt.out_trade_no, transaction_id=attempt.transaction_id, field="refund_state:R1",
        expected="closed", found="SUCCESS", at=counter.now,
    )  # fmt: skip
    with transaction() as session:
        session.add(row)


def test_payment_about_which_wechat_contradicts_us_is_frozen_until_staff_have_looked(counter, walk, donated):
    contradict(counter, walk)
    with pytest.raises(OrderFrozen):
        counter.ask(donated)
    looked = {"status": "resolved", "resolution": "dismissed", "resolved_by": counter.chief.id}
    with transaction() as session:
        session.execute(update(PaymentMismatch).values(resolved_at=counter.now, **looked))
    counter.ask(donated)


def test_contradiction_that_came_up_meanwhile_keeps_the_refund_from_being_approved(counter, walk, donated):
    refund = counter.ask(donated)
    contradict(counter, walk)
    with pytest.raises(OrderFrozen):
        counter.decide(refund)


def test_other_differences_freeze_nothing(counter, walk, donated):
    missing(counter, walk, ReconQueue.AMOUNT_DIFFERS)
    counter.ask(donated)


def test_fifty_refunds_of_one_payment_are_the_most(counter, walk, me):
    number = walk.open(walk.make.base(), me, tree_count=52)
    walk.fulfilled(number, me)
    for _ in range(50):
        counter.refunded(number, trees=1)
        walk.clock.forward(minutes=2)
    with pytest.raises(TooManyRefunds):
        counter.ask(number, trees=1)


def test_owner_takes_the_wish_back_and_everything_is_as_before(counter, walk, planted_three, assert_clean):
    refund, owner = counter.ask(planted_three, trees=2), counter.pledge(planted_three).resident_id
    with pytest.raises(NotFound), transaction() as session:
        service.withdraw(session, number=refund, resident_id=owner + 1, now=counter.now)
    with transaction() as session:
        service.withdraw(session, number=refund, resident_id=owner, now=counter.now)
    assert (walk.status(planted_three), counter.status(refund)) == ("allocated", "withdrawn")
    assert counter.taken_fen(planted_three) == 0
    assert_clean()
    counter.ask(planted_three, trees=3)


def test_what_was_decided_is_not_withdrawn(counter, planted_three):
    refund, owner = counter.approved(planted_three), counter.pledge(planted_three).resident_id
    with pytest.raises(RefundDecided), transaction() as session:
        service.withdraw(session, number=refund, resident_id=owner, now=counter.now)


def test_nobody_decides_on_a_wish_of_their_own(counter, planted_three):
    refund = counter.ask(planted_three, by=counter.office())
    with pytest.raises(SamePerson):
        counter.decide(refund, by=counter.clerk)
    counter.decide(refund, by=counter.chief)


def test_deciding_takes_a_confirmed_session_and_the_right_county(counter, planted_three):
    refund = counter.ask(planted_three)
    with pytest.raises(ConfirmationNeeded):
        counter.decide(refund, by=replace(counter.chief, confirmed=False))
    with pytest.raises(NotFound):
        counter.decide(refund, by=replace(counter.chief, prefixes=("445222",)))
    assert counter.status(refund) == "requested"


@pytest.mark.parametrize("again", [True, False])
def test_decision_stands(counter, planted_three, again):
    refund = counter.ask(planted_three)
    counter.decide(refund, approve=False)
    with pytest.raises(RefundDecided):
        counter.decide(refund, approve=again)


def test_rejected_wish_leaves_everything_as_before(counter, walk, planted_three, assert_clean):
    refund = counter.ask(planted_three)
    counter.decide(refund, approve=False)
    assert (walk.status(planted_three), counter.taken_fen(planted_three)) == ("allocated", 0)
    assert_clean()


def test_approved_money_is_set_aside_out_of_its_own_lot(counter, walk, planted_three, assert_clean):
    counter.approved(planted_three, trees=1)
    assert counter.refunding() == 5_000
    [hold] = counter.transfers(TransferCode.REFUND_HOLD)
    assert hold.amount == 5_000
    assert_clean()


def test_every_act_of_staff_is_in_the_trail(counter, walk, planted_three):
    refund = counter.ask(planted_three, by=counter.office())
    counter.decide(refund)
    trail = [(entry.action, entry.actor_id) for entry in walk.all(AuditEntry) if entry.object_key == refund]
    assert trail == [("refund.request", counter.clerk.id), ("refund.approve", counter.chief.id)]


def test_rejected_while_it_waited_for_its_trees_the_pledge_gets_them_after_all(counter, walk, me, assert_clean):
    """The worker came by in between, found it frozen, and was done with its message."""
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.pay_for(number, me)
    refund = counter.ask(number, by=counter.office())
    walk.drain()
    assert (walk.status(number), len(walk.trees())) == ("refunding", 0)
    counter.decide(refund, approve=False)
    walk.drain()
    assert (walk.status(number), len(walk.trees()), len(walk.certificates())) == ("allocated", 2, 1)
    assert_clean()
