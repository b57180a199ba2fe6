"""Real processes against one database: exact counts, and no error but Busy, which goes away."""

from collections import Counter

from models import LedgerTransfer, Pledge, PledgeTree
from tests.fakes import MCHID
from tests.races.runner import Ask


def statuses(got):
    return Counter(one.status for one in got)


def test_forty_buyers_take_exactly_ten_places(walk, race, crowd, assert_clean):
    base = walk.make.base(capacity=10)
    wish = {"kind": "plant", "base_id": base.public_id, "tree_count": 1}
    got = race([Ask("/v1/pledges", wish, buyer) for buyer in crowd(40)])
    assert statuses(got) == {201: 10, 409: 30}
    assert {one.json["code"] for one in got if one.status == 409} == {"base-full"}
    assert walk.stock(base) == (10, 0, "online")
    assert len({pledge.number for pledge in walk.all(Pledge)}) == 10
    assert_clean()


def test_twenty_copies_of_one_notice_book_once(walk, race, assert_clean):
    base, me = walk.make.base(), walk.make.resident()
    number = walk.open(base, me, tree_count=2)
    paid = walk.pay.pay(walk.order(number, me))
    got = race([Ask(f"/wx/pay/notify/{MCHID}", paid=paid) for _ in range(20)])
    assert statuses(got) == {204: 20}
    assert (walk.status(number), walk.stock(base)) == ("funded", (0, 2, "online"))
    assert sorted(transfer.amount for transfer in walk.all(LedgerTransfer)) == [10, 100, 10_000]
    walk.drain()
    assert (len(walk.trees()), len(walk.certificates())) == (2, 1)
    assert_clean()


def test_eight_posts_with_one_key_open_one_pledge(walk, race, assert_clean):
    base, me = walk.make.base(), {**walk.make.resident(), "Idempotency-Key": "the-same"}
    wish = {"kind": "plant", "base_id": base.public_id, "tree_count": 2}
    got = race([Ask("/v1/pledges", wish, me) for _ in range(8)])
    assert statuses(got) == {201: 8}
    assert len({one.json["number"] for one in got}) == len(walk.all(Pledge)) == 1
    assert walk.stock(base) == (2, 0, "online")
    assert_clean()


def test_the_last_free_tree_is_adopted_by_one_of_eight(walk, race, crowd, assert_clean):
    base = walk.make.base()
    [tree] = walk.standing(base, 1)
    wish = {"kind": "adopt", "base_id": base.public_id, "tree_count": 1}
    chosen = {**wish, "tree_tokens": [tree.token]}
    got = race([Ask("/v1/pledges", chosen if n % 2 else wish, buyer) for n, buyer in enumerate(crowd(8))])
    assert statuses(got) == {201: 1, 409: 7}
    assert {one.json["code"] for one in got if one.status == 409} == {"trees-taken"}
    [bound] = walk.all(PledgeTree)
    assert bound.tree_id == tree.id
    assert_clean()


def test_paying_and_giving_up_at_once_end_in_one_of_the_two(walk, race, assert_clean):
    """Whoever wins, the places are either sold or free, and no fen is lost."""
    base, me = walk.make.base(capacity=6), walk.make.resident()
    numbers = [walk.open(base, me) for _ in range(6)]
    paid = [walk.pay.pay(walk.order(number, me)) for number in numbers]
    cancels = [Ask(f"/v1/pledges/{number}/cancel", headers=me) for number in numbers]
    notices = [Ask(f"/wx/pay/notify/{MCHID}", paid=one) for one in paid]
    got = race([ask for pair in zip(cancels, notices, strict=True) for ask in pair])
    assert set(statuses(got)) <= {200, 204, 409}
    assert statuses(got)[204] == 6
    assert {walk.status(number) for number in numbers} == {"funded"}
    assert walk.stock(base) == (0, 6, "full")
    assert sum(t.amount for t in walk.all(LedgerTransfer) if t.idem.endswith(":money")) == 6 * 5000
    walk.drain()
    assert_clean()
