"""Sixty orders in a storm of more than six hundred notifications; and the proof that the storm can do harm."""

from random import Random

import pytest

from models import PaymentNotice, PledgeStatus, Refund, RefundStatus
from tests.faults.chaos import PRICE_FEN, Storm
from tests.faults.county import County
from wxbackend.core.ports import ports
from wxbackend.wechat.pay_core import PayCore
from wxbackend.wechat.signatures import Signed

ORDERS, TARGETS, REFUNDS = 60, 8, 20
SEED = 20260312


def prepare(county: County) -> Storm:
    """Every order is paid, some are refunded before their payment's notification was heard, some are never paid."""
    storm = Storm(county, Random(SEED))
    base = county.base(capacity=500, price_fen=PRICE_FEN)
    for turn in range(ORDERS):
        storm.pay(storm.place(base, trees=(turn + 1) % 4))
    storm.unpaid = [storm.place(base, trees=1) for _ in range(TARGETS)]
    refund_some(storm)
    for placed in storm.paid:
        storm.surround(placed)
        if placed.refund is not None:
            storm.surround_refund(placed)
    for target in storm.unpaid:
        storm.aim(target)
    return storm


def refund_some(storm: Storm) -> None:
    """Their payments are heard of by asking; WeChat pays them back, and what it tells of that is held."""
    county = storm.county
    for placed in storm.paid[:REFUNDS]:
        county.client.post(f"/v1/pledges/{placed.number}/sync", headers=placed.owner)
        trees = 1 if placed.trees == 3 else None
        placed.refund = county.refund(placed.number, trees=trees)
        placed.refund_fen = PRICE_FEN if trees else placed.fen
    county.drain()
    county.control("POST", "plans", {"event": "refund", "times": REFUNDS, "drop": True})
    for placed in storm.paid[:REFUNDS]:
        county.control("POST", f"refunds/{placed.refund}/end", {"state": "SUCCESS"})
    county.deliver()


def settle(storm: Storm) -> int:
    """Let the storm loose and finish the work it leaves; how often WeChat was called meanwhile."""
    county = storm.county
    before = county.hits("/v3/")
    storm.break_loose()
    called = county.hits("/v3/") - before
    county.drain()
    return called


def assert_exact(storm: Storm) -> None:
    county = storm.county
    assert [county.status(target.number) for target in storm.unpaid] == ["pending"] * TARGETS
    assert county.booked_fen() == sum(placed.fen for placed in storm.paid)
    for placed in storm.paid:
        whole = placed.refund is not None and placed.refund_fen == placed.fen
        ended = PledgeStatus.REFUNDED if whole else PledgeStatus.ALLOCATED if placed.trees else PledgeStatus.FUNDED
        assert (placed.number, county.status(placed.number)) == (placed.number, str(ended))
        assert county.transfers(placed.out_trade_no)[:3] == ["payment", "points-for-payment", "points-for-payment"]
    refunds = county.all(Refund)
    assert {refund.status for refund in refunds} == {RefundStatus.SUCCESS}
    assert sum(refund.amount_fen for refund in refunds) == sum(placed.refund_fen for placed in storm.paid)
    trees = sum(placed.trees - placed.refund_fen // PRICE_FEN * bool(placed.trees) for placed in storm.paid)
    [base] = county.bases()
    assert county.stock(base) == (TARGETS, trees)
    county.assert_clean()


def test_a_storm_of_notifications_leaves_every_order_exact(county):
    storm = prepare(county)
    assert len(storm.held) >= 600
    called = settle(storm)
    assert called == 0
    assert len(county.post.statuses) >= len(storm.held)
    assert_exact(storm)
    assert len(county.all(PaymentNotice)) >= ORDERS


def test_without_the_check_of_signatures_the_storm_would_do_harm(county):
    """The red control: the same storm over a gateway that believes whatever it is told."""
    believe_everything()
    storm = prepare(county)
    settle(storm)
    with pytest.raises(AssertionError, match="pending"):
        assert_exact(storm)


class GullibleCore(PayCore):
    """Takes every body for WeChat's own."""

    def verify(self, headers, body, *, now):
        return Signed(text=body.decode(), stale=False)


def believe_everything() -> None:
    """The switch: the gateway of this test's application checks no callback any more."""
    for core in ports().pay._cores.values():
        core.__class__ = GullibleCore
