"""A machine pays, spends, refunds, tells, repeats and waits at random; an oracle says what must be left of it all."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from models import PointsDebt, RefundReason
from tests.refunds.counter import Counter
from wxbackend.core.errors import Conflict
from wxbackend.core.wxpay import RefundState
from wxbackend.refunds import jobs

EXAMPLES, STEPS = 6, 14
TREES, PRICE_FEN = 4, 5_000
ENDS = (RefundState.SUCCESS, RefundState.CLOSED)


@dataclass
class Told:
    """What the oracle knows of one pledge: fen are counted by it alone."""

    number: str
    left: int = TREES
    open: str | None = None
    asked: int = 0
    ended: dict[str, RefundState] = field(default_factory=dict)


class Refunding(RuleBasedStateMachine):
    """Every run has a resident and a base of its own; the database and WeChat are the same for all."""

    counter: Counter
    turn = 0
    pledges: Bundle = Bundle("pledges")
    taken: Bundle = Bundle("taken")

    @initialize()
    def begin(self):
        Refunding.turn += 1
        self.walk = self.counter.walk
        self.me = self.walk.make.resident(f"m{Refunding.turn}")
        self.base = self.walk.make.base()
        self.all: list[Told] = []
        self.spent = 0

    @rule(target=pledges)
    def pay(self):
        number = self.walk.open(self.base, self.me, tree_count=TREES)
        self.walk.fulfilled(number, self.me)
        jobs.settle_debts()
        self.all.append(Told(number))
        return self.all[-1]

    @rule(pledge=pledges, trees=st.integers(1, TREES), approve=st.booleans())
    def ask(self, pledge, trees, approve):
        try:
            refund = self.counter.ask(pledge.number, trees=trees, reason=RefundReason.MISTAKE)
        except Conflict:
            assert pledge.open is not None or trees > pledge.left
            return
        assert pledge.open is None
        assert trees <= pledge.left
        self.counter.decide(refund, approve=approve)
        if approve:
            pledge.open, pledge.asked = refund, trees

    @rule(target=taken, pledge=pledges)
    def send(self, pledge):
        """Again and again: one number refunds once."""
        if pledge.open is None:
            return multiple()
        self.walk.clock.forward(minutes=1)
        jobs.follow_refunds()
        return (pledge, pledge.open, pledge.asked)

    @rule(sent=taken, state=st.sampled_from([*RefundState]), by_notice=st.booleans(), again=st.booleans())
    def tell(self, sent, state, by_notice, again):
        """News in any order; WeChat itself decides once."""
        pledge, refund, trees = sent
        known = self.walk.pay.refunds[refund].state
        state = known if known in ENDS else state
        if by_notice:
            for turn in range(1 + again):
                self.counter.tell(refund, state, notice_id=f"{refund}-{state}-{turn}")
        else:
            self.counter.outcome(refund, state)
            self.counter.desk.check(refund)
        self._note(pledge, refund, trees, state)

    def _note(self, pledge, refund, trees, state):
        if state not in ENDS or refund in pledge.ended:
            return
        pledge.ended[refund], pledge.open = state, None
        pledge.left -= trees if state is RefundState.SUCCESS else 0

    @rule(sent=consumes(taken))
    def old_news(self, sent):
        """ABNORMAL, long after the end: told late, it moves nothing back."""
        pledge, refund, _ = sent
        if refund in pledge.ended:
            told = self.walk.pay.refunds[refund]
            self.counter.tell(refund, RefundState.ABNORMAL, notice_id=f"old-{refund}")
            self.walk.pay.refunds[refund] = told

    @rule(pledge=pledges, points=st.integers(1, 15))
    def spend(self, pledge, points):
        try:
            self.counter.spend(pledge.number, points)
        except Conflict:
            return
        self.spent += points

    @rule()
    def work(self):
        self.walk.drain()

    @invariant()
    def fen_trees_and_points_are_what_the_oracle_says(self):
        if not getattr(self, "all", None):
            return
        for told in self.all:
            pledge = self.counter.pledge(told.number)
            assert pledge.refunded_tree_count == TREES - told.left
            assert pledge.refunded_fen == PRICE_FEN * (TREES - told.left)
        left = sum(told.left for told in self.all)
        assert self.walk.stock(self.base)[1] == left
        number = self.all[0].number
        assert self.counter.honour(number) == left * PRICE_FEN // 100
        owner = self.counter.pledge(number).resident_id
        owed = sum(debt.remaining for debt in self.walk.all(PointsDebt) if debt.resident_id == owner)
        assert self.counter.green(number) - owed == left * PRICE_FEN // 1000 - self.spent

    def teardown(self):
        """Whatever is still open is paid in the end, and the auditor finds nothing."""
        for told in getattr(self, "all", []):
            if told.open is not None:
                refund, trees = told.open, told.asked
                self.walk.clock.forward(days=2)
                jobs.follow_refunds()
                self.counter.tell(refund, RefundState.SUCCESS, notice_id=f"end-{refund}")
                self._note(told, refund, trees, RefundState.SUCCESS)
        self.walk.drain()
        self.fen_trees_and_points_are_what_the_oracle_says()
        self.assert_clean()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_whatever_is_refunded_in_whatever_order_every_fen_tree_and_point_is_where_it_belongs(counter, assert_clean):
    bound = type("Bound", (Refunding,), {"counter": counter, "assert_clean": staticmethod(assert_clean)})
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
