"""A machine pledges, pays, tells, repeats, is late, cancels and expires at random; the auditor finds nothing."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from models import BaseStatus, LedgerTransfer, Pledge, PledgeKind, PledgeStatus, TreeAdoption
from tests.payments.walk import Walk

EXAMPLES, STEPS = 8, 14
CAPACITY, TREES = 4, 2
KINDS = {
    "plant": {"kind": "plant", "tree_count": 2},
    "donate": {"kind": "donate", "tree_count": None, "amount_fen": 700},
    "adopt": {"kind": "adopt", "tree_count": 1},
}


class Journeys(RuleBasedStateMachine):
    """Every run has a base of its own; the database and WeChat are the same for all."""

    walk: Walk
    pledges: Bundle = Bundle("pledges")
    orders: Bundle = Bundle("orders")
    paid: Bundle = Bundle("paid")

    @initialize()
    def begin(self):
        self.me = self.walk.make.resident()
        self.base = self.walk.make.base(capacity=CAPACITY)
        self.mine = [tree.id for tree in self.walk.standing(self.base, TREES)]
        self.told = []

    @rule(target=pledges, kind=st.sampled_from(sorted(KINDS)))
    def pledge(self, kind):
        answer = self.walk.ask(self.base, self.me, **KINDS[kind])
        assert answer.status_code in (201, 409), answer.text
        return answer.json["number"] if answer.status_code == 201 else multiple()

    @rule(target=orders, number=pledges)
    def order(self, number):
        answer = self.walk.post(number, "payments", self.me)
        assert answer.status_code in (201, 409), answer.text
        known = self.walk.pay.states
        fresh = answer.status_code == 201 and known[answer.json["out_trade_no"]].paid is None
        return (number, answer.json["out_trade_no"]) if fresh else multiple()

    @rule(target=paid, order=consumes(orders))
    def pay(self, order):
        """At any time: also after we closed the order, as if the money had been on its way."""
        number, out_trade_no = order
        if self.walk.pay.states[out_trade_no].paid is not None:
            return multiple()
        payment = self.walk.pay.pay(out_trade_no)
        self.told.append((number, payment))
        return number, payment

    @rule(payment=paid, notice_id=st.sampled_from([None, "again"]))
    def tell(self, payment, notice_id):
        unique = notice_id and f"{notice_id}-{payment[1].transaction_id}"
        body = self.walk.pay.notice_of(payment[1], notice_id=unique)
        assert self.walk.notify(body).status_code == 204

    @rule(number=pledges)
    def sync(self, number):
        assert self.walk.post(number, "sync", self.me).status_code == 200

    @rule(number=pledges)
    def cancel(self, number):
        assert self.walk.post(number, "cancel", self.me).status_code in (200, 409)

    @rule(seconds=st.sampled_from([5, 60, 16 * 60]))
    def wait(self, seconds):
        self.walk.clock.forward(seconds=seconds)

    @rule()
    def work(self):
        self.walk.poll()
        self.walk.expire()
        self.walk.drain()

    @invariant()
    def stock_is_what_pledges_hold(self):
        if not hasattr(self, "base"):
            return
        held, sold, status = self.walk.stock(self.base)
        planting = [p for p in self.walk.all(Pledge) if p.base_id == self.base.id and p.kind is PledgeKind.PLANT]
        assert held == sum(p.tree_count for p in planting if p.status is PledgeStatus.PENDING)
        assert sold == sum(p.tree_count for p in planting if p.paid_at)
        assert held + sold <= CAPACITY
        assert (status == BaseStatus.FULL) == (sold == CAPACITY)

    def teardown(self):
        """Every notice arrives in the end, every hold runs out, and the worker catches up."""
        for _, payment in self.told:
            assert self.walk.notify(self.walk.pay.notice_of(payment)).status_code == 204
        for _ in range(3):
            self.wait(16 * 60)
            self.work()
        mine = [pledge for pledge in self.walk.all(Pledge) if pledge.base_id == self.base.id]
        assert PledgeStatus.PENDING not in {pledge.status for pledge in mine}
        assert self.walk.stock(self.base)[0] == 0
        trees = [tree.adoption for tree in self.walk.trees() if tree.id in self.mine]
        assert TreeAdoption.HELD not in trees
        booked = {t.doc for t in self.walk.all(LedgerTransfer) if t.idem.endswith(":money")}
        assert {f"wxpay:{payment.transaction_id}" for _, payment in self.told} <= booked
        self.assert_clean()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_whatever_happens_in_whatever_order_nothing_is_lost_or_sold_twice(walk, assert_clean):
    bound = type("Bound", (Journeys,), {"walk": walk, "assert_clean": staticmethod(assert_clean)})
    run(
        bound,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
