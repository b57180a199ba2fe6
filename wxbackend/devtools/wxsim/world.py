"""Everything the simulated WeChat knows, behind one lock."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.bills_book import BillBook
from wxbackend.devtools.wxsim.clock import SimClock
from wxbackend.devtools.wxsim.faults import Faults
from wxbackend.devtools.wxsim.merchants import (
    DEFAULT_MCHIDS,
    Merchant,
    MiniApp,
    new_merchants,
    new_mini_app,
)
from wxbackend.devtools.wxsim.mini_agenda import Agenda
from wxbackend.devtools.wxsim.mini_state import MiniState, fresh_state
from wxbackend.devtools.wxsim.notices import Notice
from wxbackend.devtools.wxsim.orders import OrderBook
from wxbackend.devtools.wxsim.pay_accounts import Accounts
from wxbackend.devtools.wxsim.people import People
from wxbackend.devtools.wxsim.refunds import RefundBook
from wxbackend.devtools.wxsim.tokens import TokenBook


@dataclass(slots=True)
class World:
    """State only; whoever touches it holds ``lock``. Keys and credentials outlive ``forget()``, the rest does not.

    ``unsent`` holds notifications that came about on their own, until the post office takes them.
    """

    app: MiniApp
    merchants: dict[str, Merchant]
    clock: SimClock
    lock: threading.RLock = field(default_factory=threading.RLock)
    people: People = field(default_factory=People)
    tokens: TokenBook = field(default_factory=TokenBook)
    order_book: OrderBook = field(default_factory=OrderBook)
    refund_book: RefundBook = field(default_factory=RefundBook)
    accounts: Accounts = field(default_factory=Accounts)
    bill_book: BillBook = field(default_factory=BillBook)
    unsent: deque[Notice] = field(default_factory=deque)
    faults: Faults = field(default_factory=Faults)
    nonces: dict[tuple[str, str], float] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    mini: MiniState = field(default_factory=MiniState)
    agenda: Agenda = field(init=False)

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.clock)

    def forget(self) -> None:
        """Back to the first day: no users, codes, tokens, orders, faults, counters."""
        self.people = People()
        self.tokens = TokenBook()
        self.order_book = OrderBook()
        self.refund_book = RefundBook()
        self.accounts = Accounts()
        self.bill_book = BillBook()
        self.unsent = deque()
        self.faults = Faults()
        self.nonces = {}
        self.hits = Counter()
        self.mini = fresh_state(self.mini.push.settings)
        self.agenda.forget()


def new_world(*, clock: SimClock | None = None, mchids: tuple[str, ...] = DEFAULT_MCHIDS) -> World:
    """A world in memory with fresh keys."""
    ticking = clock or SimClock()
    return World(new_mini_app(), new_merchants(mchids, now=ticking.signing_now()), ticking)
