"""A little county in which everything has happened once, by the real use cases, and everything is right."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask
from sqlalchemy import select

from certificates.codes import make_token
from models import (
    Approval,
    ApprovalStatus,
    Certificate,
    PlantingBase,
    Pledge,
    Staff,
    Tree,
    TreeAdoption,
    TreeLife,
)
from models.ledger import TransferCode
from tests.auditing import reconciled
from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from tests.make import COUNTY, Make
from tests.payments.walk import Walk
from tests.refunds.counter import Counter
from wxbackend.core.caller import Caller
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.core.worker import Worker
from wxbackend.core.wxpay import RefundRefused, RefundState
from wxbackend.factory import create_app
from wxbackend.honours import service as honours
from wxbackend.honours.tools import issuing_tools
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, green_issue, resident_green
from wxbackend.payments import jobs
from wxbackend.refunds import jobs as refund_jobs
from wxbackend.trees import service as trees

STAFF = Caller(kind="staff", id=1, session_id=1)


@dataclass
class Healthy:
    """``numbers`` are the pledges by what became of them, ``refunds`` the refunds by their pledges."""

    url: str
    clock: Clock = field(default_factory=Clock)
    storage: FakeStorage = field(default_factory=FakeStorage)
    numbers: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pay = FakePay(self.clock)
        ports = Ports(
            mini=FakeMini(),
            pay=self.pay,
            storage=self.storage,
            push=FakePush(),
            now=self.clock,
            random_bytes=Luck("healthy"),
        )
        settings = Settings(app_env="test", database_url=self.url, rate_limits=False, _env_file=None)  # type: ignore[call-arg]
        self.code_keys = settings.code_keys
        self.app = create_app(settings, ports)

    @contextmanager
    def running(self) -> Iterator[Flask]:
        with self.app.app_context():
            yield self.app
            db.session.remove()
            db.engine.dispose()

    def build(self) -> None:
        with self.running():
            self.client = self.app.test_client()
            self.make = Make(client=self.client, clock=self.clock)
            self.base, self.narrow = self.make.base(), self.make.base(capacity=3)
            self._old_trees(4)
            self._pledges()
            self._work()
            self._afterwards()
            self._work()
            self._refunds()
            self._work()
            self._bills()
            self.opened("funded", "a", tree_count=1)
            self.paid("funded", "a")

    def _pledges(self) -> None:
        self.opened("planted", "a", tree_count=3)
        self.paid("planted", "a")
        self.opened("adopted", "a", kind="adopt", tree_count=2)
        self.paid("adopted", "a")
        for name in ("donated", "revoked"):
            self.opened(name, "b", kind="donate", amount_fen=2_000, reward="receipt")
            self.paid(name, "b")
        self.opened("forgotten", "c", kind="donate", amount_fen=1_000, dedication="愿绿树成荫", holder_name="林小苗")
        self.paid("forgotten", "c")
        self._refused()
        self.opened("cancelled", "b", kind="adopt", tree_count=1)
        self.client.post(f"/v1/pledges/{self.numbers['cancelled']}/cancel", headers=self.signed_in("b"))

    def _refused(self) -> None:
        """A pledge that ran out, whose places were sold, and whose money came all the same."""
        self.opened("owed", "b", base=self.narrow, tree_count=3)
        late = self.order("owed", "b")
        self.opened("expired", "b", tree_count=1)
        self.clock.forward(minutes=17)
        jobs.poll_orders()
        jobs.expire_pledges()
        self.opened("sold", "b", base=self.narrow, tree_count=3)
        self.paid("sold", "b")
        self.told(self.pay.notice_of(self.pay.pay(late)))

    def _afterwards(self) -> None:
        """Points are spent and partly given back, certificates revoked and replaced, a person erased."""
        with reading() as session:
            spender = session.scalars(select(Pledge.resident_id).where(Pledge.number == self.numbers["planted"])).one()
        to, by = green_issue(COUNTY), resident_green(spender)
        spent = Entry("spend:1", by, to, 5, TransferCode.SPEND, "spend:1")
        with transaction() as session:
            ledger.spend(session, entry=spent, purpose="store", now=self.clock())
            ledger.reverse(session, key="spend:1:back", of="spend:1", doc="spend:1", amount=2, now=self.clock())
        revoked, replaced, tools = self.serial("revoked"), self.serial("adopted"), issuing_tools()
        with transaction() as session:
            honours.revoke(session, serial=revoked, reason="撤销", caller=STAFF, now=self.clock())
            honours.supersede(session, serial=replaced, reason="更正", caller=STAFF, tools=tools, now=self.clock())
        self._second_person()
        gone = self.client.delete("/v1/me", headers=self.signed_in("c"))
        assert gone.status_code == 204, gone.text
        self.opened("pending", "b", tree_count=2)
        self.told(self.pay.notice_of(self.pay.pay(self.order("pending", "b"), total_fen=1)))

    def _refunds(self) -> None:
        """One refund in each state that lasts, and a debt of points that is half paid."""
        self.counter = Counter(Walk(self.app, self.client, self.make, self.pay, self.clock))
        for name in ("partly", "back", "asked", "held", "closed", "settled"):
            self.opened(name, "d", tree_count=2)
            self.paid(name, "d")
        self.opened("indebted", "e", kind="donate", amount_fen=20_000)
        self.paid("indebted", "e")
        self._work()
        self._spend("spend:2", self.numbers["indebted"], 15)
        for name, count in (("partly", 1), ("back", None), ("indebted", None)):
            self.refunds[name] = self.counter.refunded(self.numbers[name], trees=count)
        self.refunds["closed"] = self.counter.accepted(self.numbers["closed"])
        self.counter.tell(self.refunds["closed"], RefundState.CLOSED)
        self.refunds["settled"] = self.counter.approved(self.numbers["settled"])
        self.pay.failures.append(RefundRefused("USER_ACCOUNT_ABNORMAL"))
        self.counter.desk.submit(self.refunds["settled"])
        self.counter.settle_offline(self.refunds["settled"])
        self.refunds["held"] = self.counter.accepted(self.numbers["held"])
        self.refunds["asked"] = self.counter.ask(self.numbers["asked"], by=self.counter.office())
        self.opened("earned", "e", kind="donate", amount_fen=5_000)
        self.paid("earned", "e")
        refund_jobs.settle_debts()

    def _spend(self, key: str, number: str, amount: int) -> None:
        with reading() as session:
            spender = session.scalars(select(Pledge.resident_id).where(Pledge.number == number)).one()
        spent = Entry(key, resident_green(spender), green_issue(COUNTY), amount, TransferCode.SPEND, key)
        with transaction() as session:
            ledger.spend(session, entry=spent, purpose="store", now=self.clock())

    def _bills(self) -> None:
        """A payment that did not fit goes back, and WeChat's bill is compared."""
        self.opened("misfit", "b", tree_count=1)
        order = self.order("misfit", "b")
        self.told(self.pay.notice_of(self.pay.pay(order, total_fen=7_777)))
        reconciled.send_back(self.pay, self.clock, order)
        reconciled.compare(self.pay, self.clock)

    def _second_person(self) -> None:
        with transaction() as session:
            for name in ("first", "second"):
                session.add(
                    Staff(
                        row_key=name, username=name, display_name="演示账号", created_at=self.clock(), totp_last_step=0
                    )
                )
            session.flush()
            one, two = session.scalars(select(Staff.id).order_by(Staff.id))
            decided = {"decided_by": two, "decided_at": self.clock(), "status": ApprovalStatus.APPROVED}
            session.add(
                Approval(
                    action="base.online", object_kind="base", object_id=1, county_code=COUNTY, details={},
                    requested_by=one, requested_at=self.clock(), **decided,
                )
            )  # fmt: skip

    def _old_trees(self, n: int) -> None:
        with transaction() as session:
            numbers = trees.number_trees(session, village_code=self.base.village_code, year=2025, n=n)
            session.add_all(
                Tree(
                    number=number,
                    token=make_token(index, self.code_keys, purpose="T"),
                    base_id=self.base.id,
                    species_id=self.base.species_id,
                    life=TreeLife.ALIVE,
                    adoption=TreeAdoption.OPEN,
                    planted_on=self.clock().date(),
                    created_at=self.clock(),
                )
                for index, number in enumerate(numbers)
            )

    def signed_in(self, person: str) -> dict[str, str]:
        return self.make.resident(person)

    def opened(self, name: str, person: str, *, base: PlantingBase | None = None, **wish: object) -> None:
        body = {"kind": "plant", "base_id": (base or self.base).public_id, **wish}
        headers = {**self.signed_in(person), "Idempotency-Key": f"key-of-{name}"}
        answer = self.client.post("/v1/pledges", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        self.numbers[name] = answer.json["number"]

    def order(self, name: str, person: str) -> str:
        answer = self.client.post(f"/v1/pledges/{self.numbers[name]}/payments", headers=self.signed_in(person))
        assert answer.status_code == 201, answer.text
        return str(answer.json["out_trade_no"])

    def paid(self, name: str, person: str) -> None:
        self.told(self.pay.notice_of(self.pay.pay(self.order(name, person))))

    def told(self, notice: bytes) -> None:
        answer = self.client.post("/wx/pay/notify/1900000109", data=notice)
        assert answer.status_code == 204, answer.text

    def serial(self, name: str) -> str:
        with reading() as session:
            mine = select(Certificate.serial).join(Pledge, Pledge.id == Certificate.pledge_id)
            return str(session.scalars(mine.where(Pledge.number == self.numbers[name])).one())

    def _work(self) -> None:
        Worker(self.app.extensions["xiangshu.handlers"], (), self.clock, "test").drain()
