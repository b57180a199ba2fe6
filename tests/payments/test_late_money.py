"""Money that comes when its pledge is over: taken if there is still what it is for, else owed back."""

import pytest

from models import (
    BaseStatus,
    Campaign,
    CampaignStatus,
    LedgerAccount,
    LedgerTransfer,
    PlantingBase,
    PledgeMove,
    RefundDue,
    Tree,
    TreeAdoption,
    TreeCounter,
    TreeLife,
)
from tests.fakes import MCHID
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxpay import OrderState, TradeState
from wxbackend.payments import attempts

HOLD_AND_MARGIN_S = 16 * 60


@pytest.fixture
def base(walk):
    return walk.make.base(capacity=2)


@pytest.fixture
def me(walk):
    return walk.make.resident()


def expire(walk, number, me):
    """Its order closed at WeChat, its hold over."""
    walk.clock.forward(seconds=HOLD_AND_MARGIN_S)
    walk.poll()
    return "expired"


def cancel(walk, number, me):
    assert walk.post(number, "cancel", me).status_code == 200
    return "cancelled"


ENDS = pytest.mark.parametrize("end", [expire, cancel])


def by_notice(walk, number, me, paid):
    assert walk.notify(walk.pay.notice_of(paid)).status_code == 204


def by_sync(walk, number, me, paid):
    assert walk.post(number, "sync", me).status_code == 200


def by_late_notice_and_poller(walk, number, me, paid):
    with transaction() as session:
        attempts.ask_soon(session, number=paid.out_trade_no, now=walk.clock())
    walk.poll()


NEWS = pytest.mark.parametrize("bring_news", [by_notice, by_sync, by_late_notice_and_poller])


def accounts(walk):
    """Where each fen went."""
    with reading() as session:
        credit = {account.id: account.owner for account in session.query(LedgerAccount)}
    return [
        (credit[transfer.credit_id].partition(":")[0], transfer.amount)
        for transfer in walk.all(LedgerTransfer)
        if transfer.idem.endswith(":money")
    ]


def assert_owed_back(walk, reason, amount_fen):
    [due] = walk.all(RefundDue)
    assert (str(due.reason), due.amount_fen) == (reason, amount_fen)
    assert ("suspense", amount_fen) in accounts(walk)


@NEWS
@ENDS
def test_with_places_left_a_late_payment_funds_its_pledge(walk, base, me, end, bring_news):
    number = walk.open(base, me, tree_count=2)
    out_trade_no = walk.order(number, me)
    ended = end(walk, number, me)
    assert (walk.status(number), walk.stock(base)) == (ended, (0, 0, "online"))
    bring_news(walk, number, me, walk.pay.pay(out_trade_no))
    walk.drain()
    assert (walk.status(number), walk.stock(base)) == ("allocated", (0, 2, "full"))
    assert (accounts(walk), walk.all(RefundDue)) == ([("fund", 10_000)], [])
    assert [str(move.to_status) for move in walk.all(PledgeMove)][:2] == [ended, "funded"]


@NEWS
@ENDS
def test_without_places_a_late_payment_is_owed_back(walk, base, me, end, bring_news):
    number = walk.open(base, me, tree_count=2)
    out_trade_no = walk.order(number, me)
    ended = end(walk, number, me)
    walk.open(base, walk.make.resident("b"))
    bring_news(walk, number, me, walk.pay.pay(out_trade_no))
    walk.drain()
    assert (walk.status(number), walk.stock(base)) == (ended, (1, 0, "online"))
    assert_owed_back(walk, "no_stock", 10_000)
    assert (accounts(walk), walk.certificates()) == ([("suspense", 10_000)], [])


@ENDS
def test_a_late_payment_is_taken_although_base_and_campaign_closed(walk, base, me, end):
    number = walk.open(base, me)
    out_trade_no = walk.order(number, me)
    end(walk, number, me)
    with transaction() as session:
        session.get_one(PlantingBase, base.id).status = BaseStatus.SUSPENDED
        session.get_one(Campaign, base.campaign_id).status = CampaignStatus.SUSPENDED
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    assert (walk.status(number), walk.stock(base)) == ("funded", (0, 1, "suspended"))


@ENDS
def test_a_late_gift_is_always_taken(walk, base, me, end):
    number = walk.donate(base, me)
    out_trade_no = walk.order(number, me)
    end(walk, number, me)
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    assert (walk.status(number), accounts(walk)) == ("funded", [("fund", 6600)])


@pytest.mark.parametrize("taken", [False, True])
@ENDS
def test_a_late_adoption_takes_the_very_trees_or_none(walk, base, me, end, taken):
    trees = walk.make.trees(base, 3)
    tokens = [tree.token for tree in trees[:2]]
    number = walk.open(base, me, kind="adopt", tree_count=2, tree_tokens=tokens)
    out_trade_no = walk.order(number, me)
    ended = end(walk, number, me)
    if taken:
        walk.open(base, walk.make.resident("b"), kind="adopt", tree_tokens=tokens[1:])
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    walk.drain()
    adoptions = [str(tree.adoption) for tree in walk.trees()]
    if taken:
        assert (walk.status(number), adoptions) == (ended, ["open", "held", "open"])
        assert_owed_back(walk, "no_stock", 40_000)
    else:
        assert (walk.status(number), adoptions) == ("active", ["adopted", "adopted", "open"])
        assert walk.all(RefundDue) == []


@NEWS
def test_a_second_paid_attempt_is_owed_back(walk, base, me, bring_news):
    number = walk.open(base, me)
    first = walk.order(number, me)
    walk.pay.states[first] = OrderState(TradeState.CLOSED, None)
    walk.clock.forward(seconds=10)
    walk.poll()  # closed by WeChat itself: the pledge may still be paid
    walk.pay_for(number, me)
    assert walk.status(number) == "funded"
    bring_news(walk, number, me, walk.pay.pay(first))
    assert_owed_back(walk, "second_payment", 5000)
    assert accounts(walk) == [("fund", 5000), ("suspense", 5000)]
    assert walk.stock(base) == (0, 1, "online")
    assert [account.owner for account in walk.all(LedgerAccount) if account.kind == "suspense"] == [f"suspense:{MCHID}"]


def test_money_owed_back_is_owed_once(walk, base, me):
    number = walk.open(base, me, tree_count=2)
    out_trade_no = walk.order(number, me)
    cancel(walk, number, me)
    walk.open(base, me)
    paid = walk.pay.pay(out_trade_no)
    for notice_id in ("one", "two"):
        walk.notify(walk.pay.notice_of(paid, notice_id=notice_id))
    by_sync(walk, number, me, paid)
    assert (len(walk.all(RefundDue)), accounts(walk)) == (1, [("suspense", 10_000)])


def test_a_tree_no_longer_open_is_not_adopted_late(walk, base, me):
    walk.make.trees(base)
    number = walk.open(base, me, kind="adopt")
    out_trade_no = walk.order(number, me)
    cancel(walk, number, me)
    with transaction() as session:
        session.query(Tree).one().adoption = TreeAdoption.CLOSED
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    assert_owed_back(walk, "no_stock", 20_000)


def test_money_that_comes_late_for_a_tree_that_died_is_owed_back(walk, base, me):
    [tree] = walk.make.trees(base, 1)
    number = walk.open(base, me, kind="adopt", tree_tokens=[tree.token])
    out_trade_no = walk.order(number, me)
    cancel(walk, number, me)
    with transaction() as session:
        session.get(Tree, tree.id).life = TreeLife.DEAD
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    assert walk.status(number) == "cancelled"
    assert_owed_back(walk, "no_stock", 20_000)


def test_money_owed_back_is_shown_to_its_payer_and_trees_given_back_are_not(walk, base, me):
    [tree] = walk.make.trees(base, 1)
    number = walk.open(base, me, kind="adopt", tree_tokens=[tree.token])
    out_trade_no = walk.order(number, me)
    cancel(walk, number, me)
    walk.open(base, walk.make.resident("b"), kind="adopt", tree_tokens=[tree.token])
    by_notice(walk, number, me, walk.pay.pay(out_trade_no))
    seen = walk.seen(number, me)
    assert (seen["refund_due_fen"], seen["trees"], seen["status"]) == (20_000, [], "cancelled")


def test_sync_shows_the_payment_although_its_trees_cannot_be_numbered_yet(walk, base, me):
    number = walk.open(base, me)
    walk.pay.pay(walk.order(number, me))
    with transaction() as session:
        session.add(TreeCounter(village_code=base.village_code, year=2026, last=99_999))
    answer = walk.post(number, "sync", me)
    assert (answer.status_code, answer.json["status"]) == (200, "funded")
