"""SUCCESS: money, trees, places, certificate and points go back together, each by its share and once."""

import pytest
from sqlalchemy import select, update

from models import (
    OutboxMessage,
    Pledge,
    PointsDebt,
    RefundReason,
    TransferCode,
    Tree,
    TreeAdoption,
    TreeLife,
)
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import vault
from wxbackend.core.wxpay import RefundState
from wxbackend.pledges.service import holder_place
from wxbackend.points import service as points
from wxbackend.points.service import PointsOwed
from wxbackend.refunds import jobs
from wxbackend.refunds.rules import points_back

SUCCESS = RefundState.SUCCESS


def certificates(walk):
    return [(str(one.status), (one.content or {}).get("tree_count"), one.reason) for one in walk.certificates()]


def test_whole_refund_takes_everything_back(counter, walk, planted_three, assert_clean):
    refund = counter.refunded(planted_three)
    pledge = counter.pledge(planted_three)
    assert (str(pledge.status), pledge.refunded_fen, pledge.refunded_tree_count) == ("refunded", 15_000, 3)
    assert (counter.status(refund), counter.refunding()) == ("success", 0)
    assert {(tree.life, tree.adoption) for tree in walk.trees()} == {(TreeLife.REMOVED, TreeAdoption.ENDED)}
    assert certificates(walk) == [("revoked", 3, "已退款")]
    assert (counter.green(planted_three), counter.honour(planted_three)) == (0, 0)
    assert_clean()


def test_money_leaves_the_fund_and_the_merchant_for_good(counter, planted_three):
    counter.refunded(planted_three, trees=1)
    moved = [(t.code, t.amount) for t in counter.transfers(TransferCode.REFUND_HOLD, TransferCode.REFUND)]
    assert moved == [(TransferCode.REFUND_HOLD, 5_000), (TransferCode.REFUND, 5_000)]


def test_partial_refund_takes_its_share_and_leaves_the_rest_standing(counter, walk, planted_three, assert_clean):
    counter.refunded(planted_three, trees=1)
    pledge = counter.pledge(planted_three)
    assert (str(pledge.status), pledge.refunded_fen, pledge.refunded_tree_count) == ("allocated", 5_000, 1)
    assert [str(tree.life) for tree in walk.trees()] == ["planned", "planned", "removed"]  # the last number goes
    assert certificates(walk) == [("superseded", 3, None), ("issued", 2, None)]
    assert (counter.green(planted_three), counter.honour(planted_three)) == (10, 100)
    walk.drain()
    assert_clean()


def test_three_partial_refunds_take_exactly_the_whole(counter, walk, planted_three, assert_clean):
    for left in (2, 1, 0):
        counter.refunded(planted_three, trees=1)
        walk.clock.forward(minutes=2)
        walk.drain()
        assert (counter.green(planted_three), counter.honour(planted_three)) == (5 * left, 50 * left)
        assert_clean()
    assert walk.status(planted_three) == "refunded"
    assert [one[0] for one in certificates(walk)] == ["superseded", "superseded", "revoked"]


def test_donation_goes_back_whole_and_its_certificate_is_revoked(counter, walk, donated, assert_clean):
    counter.refunded(donated)
    assert (walk.status(donated), certificates(walk)) == ("refunded", [("revoked", None, "已退款")])
    assert (counter.green(donated), counter.honour(donated)) == (0, 0)
    assert_clean()


def test_refunded_places_are_sold_again(counter, walk, me, assert_clean):
    base = walk.make.base(capacity=2)
    number = walk.open(base, me, tree_count=2)
    walk.fulfilled(number, me)
    assert walk.stock(base) == (0, 2, "full")
    counter.refunded(number, trees=1)
    assert walk.stock(base) == (0, 1, "online")
    again = walk.open(base, me, tree_count=1)
    walk.fulfilled(again, me)
    assert walk.stock(base) == (0, 2, "full")
    assert len({tree.number for tree in walk.trees()}) == 3  # a number is never used again
    assert_clean()


def test_adopted_trees_are_open_to_others_again(counter, walk, adopted_two, assert_clean):
    counter.refunded(adopted_two, trees=1)
    assert sorted(str(tree.adoption) for tree in walk.trees()) == ["adopted", "open", "open"]
    assert walk.status(adopted_two) == "active"
    walk.drain()
    assert_clean()


def test_adopted_tree_that_died_is_offered_to_nobody(counter, walk, adopted_two, assert_clean):
    with transaction() as session:
        session.execute(update(Tree).where(Tree.adoption == TreeAdoption.ADOPTED).values(life=TreeLife.DEAD))
    counter.refunded(adopted_two)
    assert sorted(str(tree.adoption) for tree in walk.trees()) == ["ended", "ended", "open"]
    assert_clean()


def test_what_is_planted_keeps_its_place_when_an_error_is_refunded(counter, walk, me, assert_clean):
    base = walk.make.base()
    number = walk.open(base, me, tree_count=2)
    walk.fulfilled(number, me)
    day, first = walk.clock().date(), walk.trees()[0].id
    with transaction() as session:
        session.execute(update(Tree).where(Tree.id == first).values(life=TreeLife.PLANTED, planted_on=day))
    counter.refunded(number, reason=RefundReason.DUPLICATE)
    assert [(str(t.life), str(t.adoption)) for t in walk.trees()] == [("planted", "ended"), ("removed", "ended")]
    assert walk.stock(base) == (0, 1, "online")
    assert_clean()


def test_refund_before_the_trees_were_numbered_leaves_nothing_to_take(counter, walk, me, assert_clean):
    base = walk.make.base()
    number = walk.open(base, me, tree_count=2)
    walk.pay_for(number, me)
    refund = counter.ask(number, by=counter.office())
    counter.decide(refund)
    walk.drain()
    counter.tell(refund, SUCCESS)
    walk.drain()
    assert (walk.status(number), walk.stock(base)) == ("refunded", (0, 0, "online"))
    assert (len(walk.trees()), len(walk.certificates())) == (0, 0)
    assert_clean()


def waiting_for_glyphs(walk, me):
    """Fulfilled, with a certificate whose name no font prints."""
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.pay_for(number, me)
    with transaction() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == number)).one()
        pledge.holder_name_sealed = vault().seal("\U000323af", place=holder_place(pledge.row_key))
    walk.drain()
    assert [str(one.status) for one in walk.certificates()] == ["applied"]
    return number


def test_certificate_that_waits_to_be_issued_is_dropped_with_the_whole(counter, walk, me, assert_clean):
    counter.refunded(waiting_for_glyphs(walk, me))
    assert walk.certificates() == []
    assert_clean()


def test_certificate_that_waits_to_be_issued_goes_on_waiting_beside_what_is_left(counter, walk, me, assert_clean):
    counter.refunded(waiting_for_glyphs(walk, me), trees=1)
    assert [str(one.status) for one in walk.certificates()] == ["applied"]
    assert_clean()


def test_erased_holder_gets_no_new_certificate(counter, walk, me, planted_three, assert_clean):
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    refund = counter.ask(planted_three, trees=1, by=counter.office())
    counter.decide(refund)
    counter.desk.submit(refund)
    counter.tell(refund, SUCCESS)
    assert certificates(walk) == [("revoked", 3, "部分退款")]
    assert_clean()


def test_points_spent_before_the_refund_become_a_debt(counter, walk, planted_three, assert_clean):
    counter.spend(planted_three, 12)
    counter.refunded(planted_three)
    [debt] = walk.all(PointsDebt)
    assert (debt.amount, debt.remaining) == (12, 12)
    assert (counter.green(planted_three), counter.honour(planted_three)) == (0, 0)
    assert_clean()


def test_partial_refund_takes_what_is_left_of_the_lot_first(counter, walk, planted_three, assert_clean):
    counter.spend(planted_three, 12)
    counter.refunded(planted_three, trees=1)  # 5 of 15 are due, 3 are left
    [debt] = walk.all(PointsDebt)
    assert (debt.amount, counter.green(planted_three)) == (2, 0)
    walk.drain()
    assert_clean()


def test_other_points_of_the_same_person_pay_the_debt_at_once(counter, walk, me, planted_three, assert_clean):
    other = walk.donate(walk.make.base(), me, 5_000)
    walk.fulfilled(other, me)
    counter.spend(planted_three, 12)  # the earliest lot goes first: 12 of the 15
    counter.refunded(planted_three)
    [debt] = walk.all(PointsDebt)
    assert (debt.amount, debt.remaining, counter.green(planted_three)) == (12, 7, 0)
    walk.drain()
    assert_clean()


def test_points_earned_later_pay_the_debt_and_redeeming_waits_for_it(counter, walk, me, planted_three, assert_clean):
    counter.spend(planted_three, 12)
    counter.refunded(planted_three)
    with pytest.raises(PointsOwed):
        counter.spend(planted_three, 1)
    for earned, remaining, green in ((10_000, 2, 0), (3_000, 0, 1)):
        walk.fulfilled(walk.donate(walk.make.base(), me, earned), me)
        jobs.settle_debts()
        [debt] = walk.all(PointsDebt)
        assert (debt.remaining, counter.green(planted_three)) == (remaining, green)
        jobs.settle_debts()  # again: nothing is taken twice
        assert_clean()
    counter.spend(planted_three, 1)


def test_expired_points_pay_no_debt(counter, walk, me, planted_three):
    counter.spend(planted_three, 12)
    walk.fulfilled(walk.donate(walk.make.base(campaign=walk.make.campaign()), me, 3_000), me)
    walk.clock.forward(days=300)
    counter.refunded(planted_three, reason=RefundReason.MISTAKE)
    assert walk.all(PointsDebt)[0].remaining == 9
    walk.clock.forward(days=700)
    jobs.settle_debts()
    assert walk.all(PointsDebt)[0].remaining == 9
    with reading() as session:
        assert points.debtors(session, on=china_date(walk.clock()), limit=9) == []


def test_debts_are_settled_for_so_long_and_the_oldest_first(counter, walk, me, planted_three):
    """The budget is the job's, not each batch's; who was settled makes room for the next."""
    second = walk.make.resident("second")
    other = walk.open(walk.make.base(campaign=walk.make.campaign()), second, tree_count=3)
    walk.fulfilled(other, second)
    for number in (other, planted_three):  # the second person's debt is the older one
        counter.spend(number, 12)
        counter.refunded(number, reason=RefundReason.MISTAKE)
    for who in (me, second):
        walk.fulfilled(walk.donate(walk.make.base(campaign=walk.make.campaign()), who, 20_000), who)
    owners = [counter.pledge(number).resident_id for number in (other, planted_three)]
    with reading() as session:
        assert points.debtors(session, on=china_date(walk.clock()), limit=9) == owners
    jobs.settle_debts()
    assert {debt.remaining for debt in walk.all(PointsDebt)} == {0}


def test_the_person_is_told_of_the_end(counter, walk, planted_three):
    refund = counter.refunded(planted_three)
    told = [m.payload for m in walk.all(OutboxMessage) if m.topic == "message.tell" and m.payload["document"] == refund]
    assert told == [{"kind": "refund", "document": refund}]


@pytest.mark.parametrize("parts", [[1, 1, 1], [2, 1], [1, 2], [3]])
@pytest.mark.parametrize("earned", [0, 1, 2, 7, 10, 14])
def test_shares_of_points_sum_to_all_that_was_earned(earned, parts):
    before, taken = 0, []
    for part in parts:
        taken.append(points_back(earned, amount_fen=3, before_fen=before, refund_fen=part))
        before += part
    assert sum(taken) == earned
    assert min(taken) >= 0
