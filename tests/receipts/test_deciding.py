"""What the finance office does with a request. The pages over it are tested with the console."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from models import PledgeStatus, ReceiptStatus, Role
from tests.make import COUNTY, OTHER_COUNTY
from wxbackend.core.caller import Caller
from wxbackend.core.db import transaction
from wxbackend.core.errors import IllegalMove, InvalidInput, NotFound
from wxbackend.receipts import service as receipts
from wxbackend.receipts.frozen import PaymentDisputed
from wxbackend.staff.errors import ConfirmationNeeded


@pytest.fixture
def finance(office) -> Caller:
    who = office.hire(Role.FINANCE)
    return Caller("staff", who.id, 1, prefixes=(COUNTY[:6],), confirmed=True)


@pytest.fixture
def asked(counter) -> tuple[str, str]:
    """(number of the pledge, public id of the request)."""
    number = counter.paid(counter.walk.make.resident())
    counter.ask(number, counter.walk.make.resident())
    return number, counter.rows()[0].public_id


def issue(public_id, caller, clock, *, number="44060125-0000000001", url=None) -> None:
    with transaction() as session:
        receipts.issue(session, public_id=public_id, receipt_number=number, url=url, caller=caller, now=clock())


def reject(public_id, caller, clock) -> None:
    with transaction() as session:
        receipts.reject(session, public_id=public_id, reason="抬头与付款人不符", caller=caller, now=clock())


def reverse(public_id, caller, clock) -> None:
    with transaction() as session:
        receipts.reverse(session, public_id=public_id, reason="开具有误", caller=caller, now=clock())


def test_receipt_is_not_issued_while_wechats_bill_does_not_show_the_money(counter, asked, finance, clock):
    counter.dispute()
    with pytest.raises(PaymentDisputed):
        issue(asked[1], finance, clock)
    assert [str(row.status) for row in counter.rows()] == ["requested"]


def test_issued_receipt_shows_number_and_address_to_its_owner(counter, asked, finance, clock):
    number, public_id = asked
    issue(public_id, finance, clock, url="https://pj.example/e?bh=1")
    seen = counter.seen(number, counter.walk.make.resident()).json
    assert (seen["status"], seen["receipt_number"]) == ("issued", "44060125-0000000001")
    assert (seen["receipt_url"], seen["decided_at"]) == ("https://pj.example/e?bh=1", "2026-03-12T12:00:00+08:00")
    assert counter.trail()[-1] == "receipt.issue"


def test_rejected_request_says_why_and_may_be_asked_again(counter, asked, finance, clock):
    number, public_id = asked
    reject(public_id, finance, clock)
    me = counter.walk.make.resident()
    seen = counter.seen(number, me).json
    assert (seen["status"], seen["note"]) == ("rejected", "抬头与付款人不符")
    assert counter.ask(number, me).status_code == 201


def test_issued_receipt_is_not_withdrawn_by_its_owner(counter, asked, finance, clock):
    number, public_id = asked
    issue(public_id, finance, clock)
    answer = counter.withdraw(number, counter.walk.make.resident())
    assert (answer.status_code, answer.json["current"]) == (409, "issued")


def test_red_reversed_receipt_keeps_its_number_and_makes_room_for_another(counter, asked, finance, clock):
    number, public_id = asked
    issue(public_id, finance, clock)
    reverse(public_id, finance, clock)
    row = counter.rows()[0]
    assert (row.status, row.receipt_number, row.reversed_by) == (
        ReceiptStatus.RED_REVERSED,
        "44060125-0000000001",
        finance.id,
    )
    assert counter.ask(number, counter.walk.make.resident()).status_code == 201
    assert counter.trail()[-2:] == ["receipt.reverse", "receipt.request"]


def test_red_reversal_asks_for_a_fresh_code(counter, asked, finance, clock):
    issue(asked[1], finance, clock)
    with pytest.raises(ConfirmationNeeded):
        reverse(asked[1], replace(finance, confirmed=False), clock)
    assert counter.rows()[0].status is ReceiptStatus.ISSUED


@pytest.mark.parametrize("act", [issue, reject, reverse])
def test_every_step_is_taken_once(counter, asked, finance, clock, act):
    _, public_id = asked
    if act is reverse:
        issue(public_id, finance, clock)
    act(public_id, finance, clock)
    with pytest.raises(IllegalMove):
        act(public_id, finance, clock)


def test_request_that_nobody_issued_is_not_reversed(asked, finance, clock):
    with pytest.raises(IllegalMove, match="待开具"):
        reverse(asked[1], finance, clock)


@pytest.mark.parametrize("act", [issue, reject, reverse])
def test_request_of_another_county_does_not_exist(counter, asked, finance, clock, act):
    stranger = replace(finance, prefixes=(OTHER_COUNTY[:6],))
    with pytest.raises(NotFound):
        act(asked[1], stranger, clock)
    assert counter.rows()[0].status is ReceiptStatus.REQUESTED
    assert counter.trail() == ["receipt.request"]


def test_number_of_a_receipt_is_used_once(counter, asked, finance, clock):
    me = counter.walk.make.resident()
    other = counter.paid(me)
    counter.ask(other, me)
    issue(asked[1], finance, clock)
    with pytest.raises(receipts.NumberTaken):
        issue(counter.rows()[1].public_id, finance, clock)
    assert [row.status for row in counter.rows()] == [ReceiptStatus.ISSUED, ReceiptStatus.REQUESTED]


@pytest.mark.parametrize("wrong", [{"number": "x"}, {"number": ""}, {"url": "http://pj.example"}, {"url": ""}])
def test_wrong_number_or_address_is_refused(asked, finance, clock, wrong):
    with pytest.raises(InvalidInput):
        issue(asked[1], finance, clock, **wrong)


def test_erasure_takes_the_title_and_withdraws_what_waits(counter, asked, finance, clock):
    walk = counter.walk
    me = walk.make.resident()
    second = counter.paid(me)
    counter.ask(second, me)
    issue(asked[1], finance, clock)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    rows = counter.rows()
    assert [row.status for row in rows] == [ReceiptStatus.ISSUED, ReceiptStatus.WITHDRAWN]
    assert [(row.title_sealed, row.uscc) for row in rows] == [(None, None)] * 2
    assert rows[0].receipt_number == "44060125-0000000001"


def test_erased_title_is_nothing(counter, asked, finance, clock):
    counter.walk.client.delete("/v1/me", headers=counter.walk.make.resident())
    assert receipts.opened_title(counter.rows()[0], safe=counter.walk.app.extensions["xiangshu.vault"]) is None


def test_address_and_words_of_a_receipt_go_with_an_erasure(counter, asked, finance, clock):
    _, public_id = asked
    issue(public_id, finance, clock, url="https://pj.example/e?bh=1")
    reverse(public_id, finance, clock)
    assert (counter.rows()[0].receipt_url, counter.rows()[0].note) == ("https://pj.example/e?bh=1", "开具有误")
    assert counter.walk.client.delete("/v1/me", headers=counter.walk.make.resident()).status_code == 204
    [row] = counter.rows()
    assert (row.receipt_url, row.note, row.receipt_number) == (None, None, "44060125-0000000001")
    assert row.status is ReceiptStatus.RED_REVERSED


def test_database_keeps_one_live_request_a_pledge(counter, asked):
    """The guard, whatever the program does."""
    row = counter.rows()[0]
    copied = {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name != "id"}
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(type(row)(**{**copied, "public_id": "other", "row_key": "other"}))


def test_command_lists_what_waits_without_names(counter, asked):
    shown = counter.walk.app.test_cli_runner().invoke(args=["receipts", "waiting"])
    assert shown.exit_code == 0, shown.output
    assert f"{asked[0]}  {COUNTY}         66.00 元" in shown.output
    assert "共 1 份" in shown.output
    assert "林木" not in shown.output


def test_command_says_when_nothing_waits(app):
    assert "共 0 份" in app.test_cli_runner().invoke(args=["receipts", "waiting"]).output


def test_refund_that_starts_after_asking_leaves_the_request_alone(counter, asked):
    """The pledge is refused its refund instead (invariant 42); a status alone changes no receipt."""
    counter.put(asked[0], PledgeStatus.REFUNDING)
    assert counter.rows()[0].status is ReceiptStatus.REQUESTED
