"""Who may ask for a receipt, and what becomes of it in their hands."""

from datetime import date

import pytest

from models import PledgeStatus, PointsRule, ReceiptStatus
from models.points import PAID_PLEDGE
from tests.make import COUNTY
from tests.receipts.conftest import TITLE, USCC
from tests.statements import counted
from wxbackend.core.db import transaction


def test_receipt_is_asked_for_the_whole_amount(counter):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    answer = counter.ask(number, me, uscc=f" {USCC.lower()} ")
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/pledges/{number}/receipt")
    assert answer.json == {
        "pledge_number": number,
        "status": "requested",
        "title": TITLE,
        "uscc": USCC,
        "amount_fen": 6600,
        "receipt_number": None,
        "receipt_url": None,
        "note": None,
        "requested_at": "2026-03-12T12:00:00+08:00",
        "decided_at": None,
        "reversed_at": None,
    }
    assert counter.seen(number, me).json == answer.json
    assert counter.trail() == ["receipt.request"]


@pytest.mark.parametrize(("status", "answer"), [("open", (409, "payment-disputed")), ("matched", (201, None))])
def test_money_that_wechats_bill_does_not_show_has_no_receipt(counter, status, answer):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    counter.dispute(status=status)
    got = counter.ask(number, me)
    assert (got.status_code, got.json.get("code")) == answer


def test_title_is_stored_sealed(counter):
    me = counter.walk.make.resident()
    counter.ask(counter.paid(me), me)
    assert TITLE not in str(vars(counter.rows()[0]))


def test_unpaid_pledge_has_no_receipt(counter):
    walk, me = counter.walk, counter.walk.make.resident()
    number = walk.donate(walk.make.base(), me, reward="receipt")
    assert counter.ask(number, me).json["code"] == "receipt-not-paid"
    walk.post(number, "cancel", me)
    assert (counter.ask(number, me).status_code, counter.rows()) == (409, [])


def test_pledge_that_earns_green_points_has_no_receipt(counter):
    """财综〔2024〕1号 第八条."""
    me = counter.walk.make.resident()
    number = counter.paid(me, reward="points")
    assert counter.walk.seen(number, me)["points"]["green"] > 0
    answer = counter.ask(number, me)
    assert (answer.status_code, answer.json["code"], counter.rows()) == (409, "benefit-in-return", [])


def test_points_that_come_to_nothing_are_no_benefit(counter):
    """Below the price of one green point nothing redeemable is earned, whatever was chosen."""
    me = counter.walk.make.resident()
    number = counter.paid(me, reward="points", amount_fen=900)
    assert counter.walk.seen(number, me)["points"]["green"] == 0
    assert counter.ask(number, me).status_code == 201


def test_where_a_county_gives_no_green_points_for_money_every_pledge_may_ask(counter):
    counter.walk.make.regions()
    with transaction() as session:
        session.add(
            PointsRule(
                code=PAID_PLEDGE,
                county_code=COUNTY,
                version=1,
                fen_per_green=None,
                fen_per_honour=100,
                valid_from=date(2026, 1, 1),
                sentence="每满1元得1荣誉值",
                source="",
            )
        )
    me = counter.walk.make.resident()
    assert counter.ask(counter.paid(me, reward="points"), me).status_code == 201


@pytest.mark.parametrize(
    ("status", "facts", "code"),
    [
        (PledgeStatus.REFUNDING, {}, "refund-under-way"),
        (PledgeStatus.REFUNDED, {"refunded_fen": 6600}, "all-refunded"),
    ],
)
def test_money_that_goes_back_has_no_receipt(counter, status, facts, code):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    counter.put(number, status, **facts)
    answer = counter.ask(number, me)
    assert (answer.status_code, answer.json["code"], counter.rows()) == (409, code, [])


def test_receipt_is_for_the_money_that_is_left(counter):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    counter.put(number, PledgeStatus.FUNDED, refunded_fen=1600)
    assert counter.ask(number, me).json["amount_fen"] == 5000


def test_second_request_is_refused_while_the_first_lives(counter):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    counter.ask(number, me)
    answer = counter.ask(number, me, title="另一个抬头")
    assert (answer.status_code, answer.json["code"]) == (409, "receipt-already-asked")
    assert (len(counter.rows()), counter.seen(number, me).json["title"]) == (1, TITLE)


def test_same_key_gets_the_first_answer_again(counter):
    me = {**counter.walk.make.resident(), "Idempotency-Key": "receipt-1"}
    number = counter.paid(counter.walk.make.resident())
    first, again = counter.ask(number, me), counter.ask(number, me)
    assert (again.status_code, again.json, len(counter.rows())) == (201, first.json, 1)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_withdrawn_request_makes_room_for_another(counter):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    counter.ask(number, me)
    assert counter.withdraw(number, me).json["status"] == "withdrawn"
    assert counter.withdraw(number, me).json["code"] == "illegal-move"
    assert counter.ask(number, me, title="陈新叶").status_code == 201
    assert [row.status for row in counter.rows()] == [ReceiptStatus.WITHDRAWN, ReceiptStatus.REQUESTED]
    assert counter.seen(number, me).json["title"] == "陈新叶"
    assert counter.trail() == ["receipt.request", "receipt.withdraw", "receipt.request"]


def test_another_persons_pledge_is_not_found(counter):
    me, other = counter.walk.make.resident("a"), counter.walk.make.resident("b")
    number = counter.paid(me)
    counter.ask(number, me)
    tried = counter.ask(number, other), counter.seen(number, other), counter.withdraw(number, other)
    assert [answer.status_code for answer in tried] == [404] * 3
    assert [row.status for row in counter.rows()] == [ReceiptStatus.REQUESTED]


def test_pledge_without_a_request_has_none_to_show(counter):
    me = counter.walk.make.resident()
    number = counter.paid(me)
    assert [counter.seen(number, me).status_code, counter.withdraw(number, me).status_code] == [404, 404]


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": "   "},
        {"title": "长" * 61},
        {"title": "换\n行"},
        {"title": "零\0"},
        {"title": None},
        {"title": 7},
        {"uscc": "123"},
        {"uscc": USCC[:-1] + "8"},
        {"uscc": ["x"]},
        {"amount_fen": 1},
        {"status": "issued"},
    ],
)
def test_bad_body_is_refused(counter, body):
    me = counter.walk.make.resident()
    answer = counter.ask(counter.paid(me), me, **body)
    assert (answer.status_code, counter.rows()) == (422, []), answer.text
    assert answer.json["errors"]


def test_empty_code_is_none(counter):
    me = counter.walk.make.resident()
    assert counter.ask(counter.paid(me), me, uscc=" ").json["uscc"] is None


def test_asking_takes_at_most_seven_statements(counter):
    me = {**counter.walk.make.resident(), "Idempotency-Key": "k"}
    number = counter.paid(counter.walk.make.resident())
    with counted() as statements:
        counter.ask(number, me)
    assert 0 < len(statements) <= 7, statements
