"""A storm of notifications: genuine ones, repeated and shuffled, among forgeries of every kind."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.county import OTHER_MCHID, County, Headers
from wxbackend.devtools.wxsim.notices_forged import Forgery

#: Whatever else it says, each of these must be refused at the door. WeChat's own probe is genuine the second time.
FORGERIES = tuple(forgery for forgery in Forgery if forgery is not Forgery.SIGNTEST)
MISFITS: tuple[dict[str, Any], ...] = (
    {"amount.total": 1},
    {"mchid": OTHER_MCHID},
    {"appid": "wx9999999999999999"},
    {"out_trade_no": "P261122UNKNOWN00001"},
)
PRICE_FEN = 5000


@dataclass
class Placed:
    """An order of the storm: what it is for, and what was paid back of it."""

    number: str
    out_trade_no: str
    fen: int
    trees: int
    owner: Headers
    openid: str
    refund: str | None = None
    refund_fen: int = 0


@dataclass
class Storm:
    """Collects notifications, all held; ``break_loose`` lets them go in an order of chance."""

    county: County
    luck: Random
    paid: list[Placed] = field(default_factory=list)
    unpaid: list[Placed] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def place(self, base: Any, *, trees: int) -> Placed:
        """Open a pledge of ``trees``, or without trees a donation, and order it at WeChat Pay."""
        user = self.county.control("POST", "users", {})
        me = self.county.sign_in(user["code"])
        wish: dict[str, Any] = {"tree_count": trees}
        if not trees:
            wish = {"kind": "donate", "tree_count": None, "amount_fen": 6600}
        number = self.county.open(base, me, **wish)
        fen = trees * PRICE_FEN if trees else 6600
        return Placed(number, self.county.order(number, me), fen, trees, me, user["openid"])

    def pay(self, placed: Placed) -> None:
        answer = self.county.control("POST", "pay", {"out_trade_no": placed.out_trade_no, "notify": False})
        assert answer["transaction"]["trade_state"] == "SUCCESS"
        self.paid.append(placed)

    def notify(self, placed: Placed, **handling: Any) -> None:
        body = {"out_trade_no": placed.out_trade_no, "hold": True, **handling}
        self.held += self.county.control("POST", "notify", body)["deliveries"]

    def notify_refund(self, placed: Placed, **handling: Any) -> None:
        answer = self.county.control("POST", f"refunds/{placed.refund}/notify", {"hold": True, **handling})
        self.held += answer["deliveries"]

    def surround(self, placed: Placed) -> None:
        """The genuine notification of a payment, its repetitions, and eight that must change nothing."""
        self.notify(placed)
        self.notify(placed, copies=2)
        self.notify(placed, copies=2, second_id=True)
        self.notify(placed, forge=Forgery.SIGNTEST)
        for forgery in self.luck.sample(FORGERIES, 4):
            self.notify(placed, forge=forgery)
        self.notify(placed, override=self.luck.choice(MISFITS))

    def surround_refund(self, placed: Placed) -> None:
        self.notify_refund(placed)
        self.notify_refund(placed, copies=2, second_id=True)
        for forgery in self.luck.sample(FORGERIES, 2):
            self.notify_refund(placed, forge=forgery)

    def aim(self, target: Placed) -> None:
        """Well-made claims that an order was paid which nobody paid; only their signature gives them away."""
        for forgery in (Forgery.RANDOM_SIGNATURE, Forgery.WRONG_KEY, Forgery.EMPTY_SIGNATURE, Forgery.NO_SIGNATURE):
            self.notify(target, claim=True, forge=forgery)

    def break_loose(self) -> None:
        self.luck.shuffle(self.held)
        self.county.control("POST", "release", {"numbers": self.held})
        self.county.deliver(until="end")
