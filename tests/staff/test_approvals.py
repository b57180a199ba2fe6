"""双人复核: who may decide what, once, and that the act goes with the decision."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from models import Approval, ApprovalStatus, AuditEntry, Role
from tests.make import COUNTY
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Conflict, NotAllowed, NotFound
from wxbackend.staff import approvals
from wxbackend.staff.approvals import Approvable, Wish
from wxbackend.staff.errors import AlreadyAsked, AlreadyDecided, ConfirmationNeeded, SamePerson

MINE, THEIRS = {"things.approve": ("445281",)}, {"things.approve": ("445222",)}
WISH = Wish("thing.do", "thing", 7, COUNTY, {"reason": "因为"})


class Deeds:
    """The acts, remembered; ``refusal`` makes the next one fail."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refusal: Exception | None = None

    def carry_out(self, session, wish, caller, now) -> None:
        if self.refusal:
            raise self.refusal
        self.done.append(f"done in {caller.prefixes}")

    def turn_down(self, session, wish, caller, now) -> None:
        self.done.append("turned down")

    @property
    def approvable(self):
        return {"thing.do": Approvable("做事", "things.approve", self.carry_out, self.turn_down)}


@pytest.fixture
def deeds():
    return Deeds()


@pytest.fixture
def asker(office):
    return person(office)


@pytest.fixture
def second(office):
    return person(office)


def person(office) -> Caller:
    return Caller(kind="staff", id=office.hire(Role.ISSUER).id, session_id=1, prefixes=("4452",), confirmed=True)


def ask(asker, clock, wish=WISH) -> int:
    with transaction() as session:
        return approvals.request(session, wish=wish, caller=asker, now=clock())


def decide(number, caller, deeds, clock, *, approve=True, scopes=MINE):
    with transaction() as session:
        approvals.decide(
            session,
            approval_id=number,
            approve=approve,
            note="",
            caller=caller,
            scopes=scopes,
            approvable=deeds.approvable,
            now=clock(),
        )


def status(number) -> ApprovalStatus:
    with reading() as session:
        return session.get_one(Approval, number).status


def test_second_person_approves_and_the_act_is_done_in_their_regions(asker, second, deeds, clock):
    number = ask(asker, clock)
    decide(number, second, deeds, clock)
    assert status(number) is ApprovalStatus.APPROVED
    assert deeds.done == ["done in ('445281',)"]
    with reading() as session:
        trail = session.execute(select(AuditEntry.action, AuditEntry.actor_id).order_by(AuditEntry.id)).all()
    assert [tuple(row) for row in trail] == [("approval.request", asker.id), ("approval.approve", second.id)]


def test_second_person_rejects_and_the_act_is_not_done(asker, second, deeds, clock):
    number = ask(asker, clock)
    decide(number, second, deeds, clock, approve=False)
    assert (status(number), deeds.done) == (ApprovalStatus.REJECTED, ["turned down"])


@pytest.mark.parametrize("approve", [True, False])
def test_same_person_decides_nothing(asker, deeds, clock, approve):
    number = ask(asker, clock)
    with pytest.raises(SamePerson):
        decide(number, asker, deeds, clock, approve=approve)
    assert (status(number), deeds.done) == (ApprovalStatus.OPEN, [])


def test_database_itself_refuses_the_same_person(asker, second, clock):
    row = {
        "action": "thing.do",
        "object_kind": "thing",
        "object_id": 8,
        "county_code": COUNTY,
        "details": {},
        "status": ApprovalStatus.APPROVED,
        "requested_by": asker.id,
        "requested_at": clock(),
        "decided_at": clock(),
    }
    with pytest.raises(IntegrityError, match="second_person"), transaction() as session:
        session.execute(insert(Approval).values(**row, decided_by=asker.id))
    with transaction() as session:
        session.execute(insert(Approval).values(**row, decided_by=second.id))


def test_decision_needs_a_fresh_code(asker, second, deeds, clock):
    number = ask(asker, clock)
    with pytest.raises(ConfirmationNeeded):
        decide(number, replace(second, confirmed=False), deeds, clock)
    assert status(number) is ApprovalStatus.OPEN


def test_what_lies_in_another_county_does_not_exist(asker, second, deeds, clock):
    number = ask(asker, clock)
    with pytest.raises(NotFound):
        decide(number, second, deeds, clock, scopes=THEIRS)
    with pytest.raises(NotFound):
        decide(number + 1, second, deeds, clock)


def test_without_the_permission_nothing_is_decided(asker, second, deeds, clock):
    number = ask(asker, clock)
    with pytest.raises(NotAllowed):
        decide(number, second, deeds, clock, scopes={"other.things": ("4452",)})


def test_wish_is_decided_once(asker, second, deeds, clock):
    number = ask(asker, clock)
    decide(number, second, deeds, clock)
    with pytest.raises(AlreadyDecided):
        decide(number, second, deeds, clock, approve=False)
    assert len(deeds.done) == 1


def test_the_same_wish_is_open_once_and_may_be_asked_again_later(asker, second, deeds, clock):
    number = ask(asker, clock)
    with pytest.raises(AlreadyAsked):
        ask(second, clock)
    decide(number, second, deeds, clock, approve=False)
    assert ask(asker, clock) > number


def test_act_that_is_refused_leaves_the_wish_open(asker, second, deeds, clock):
    number = ask(asker, clock)
    deeds.refusal = Conflict("已经不行了")
    with pytest.raises(Conflict):
        decide(number, second, deeds, clock)
    assert status(number) is ApprovalStatus.OPEN
