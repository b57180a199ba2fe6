"""What residents ask of refunds over HTTP, and what every pledge says of them."""

from datetime import timedelta

import pytest

from models import Refund
from tests.statements import counted


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def number(walk, me):
    """Two trees at ¥50, paid and numbered."""
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.fulfilled(number, me)
    return number


def ask(walk, number, me, **body):
    sent = {"reason": "change_of_mind", **body}
    return walk.client.post(f"/v1/pledges/{number}/refunds", json=sent, headers=me)


def seen(walk, number, me):
    return walk.client.get(f"/v1/refunds/{number}", headers=me)


def test_refund_is_asked_for_and_shown(walk, number, me):
    answer = ask(walk, number, me, tree_count=1, explanation="家里临时有事")
    assert answer.status_code == 201, answer.text
    refund = answer.json["number"]
    assert (refund[0], len(refund)) == ("R", 17)
    assert answer.headers["Location"] == f"/v1/refunds/{refund}"
    assert answer.json == {
        "number": refund,
        "pledge_number": number,
        "status": "requested",
        "reason": "change_of_mind",
        "amount_fen": 5000,
        "tree_count": 1,
        "explanation": "家里临时有事",
        "requested_by": "resident",
        "note": None,
        "requested_at": "2026-03-12T12:00:00+08:00",
        "decided_at": None,
        "succeeded_at": None,
        "moves": [{"status": "requested", "at": "2026-03-12T12:00:00+08:00"}],
    }
    assert seen(walk, refund, me).json == answer.json
    listed = walk.client.get(f"/v1/pledges/{number}/refunds", headers=me).json
    assert listed == {"items": [answer.json]}


def test_pledge_tells_of_its_refund_and_asks_nothing_more(walk, number, me):
    refund = ask(walk, number, me).json["number"]
    pledge = walk.seen(number, me)
    assert pledge["status"] == "refunding"
    assert pledge["refund"] == {"number": refund, "status": "requested", "amount_fen": 10000}
    assert pledge["refund_policy"] == {"until": None, "grace_days": 0, "reasons": []}
    again = ask(walk, number, me)
    assert (again.status_code, again.json["code"]) == (409, "refund-open")


def test_withdrawn_wish_leaves_everything_as_it_was(walk, number, me):
    before = walk.seen(number, me)
    refund = ask(walk, number, me).json["number"]
    answer = walk.client.post(f"/v1/refunds/{refund}/withdraw", headers=me)
    assert (answer.status_code, answer.json["status"]) == (200, "withdrawn")
    assert [move["status"] for move in answer.json["moves"]] == ["requested", "withdrawn"]
    told = {"number": refund, "status": "withdrawn", "amount_fen": 10000}
    assert walk.seen(number, me) == {**before, "refund": told}
    again = walk.client.post(f"/v1/refunds/{refund}/withdraw", headers=me)
    assert (again.status_code, again.json["code"]) == (409, "refund-decided")


def test_same_key_asks_once(walk, number, me):
    keyed = {**me, "Idempotency-Key": "refund-1"}
    first, again = ask(walk, number, keyed), ask(walk, number, keyed)
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(walk.all(Refund)) == 1


def test_another_persons_refund_is_not_found(walk, number, me):
    other = walk.make.resident("b")
    refund = ask(walk, number, me).json["number"]
    tried = [
        ask(walk, number, other),
        seen(walk, refund, other),
        walk.client.get(f"/v1/pledges/{number}/refunds", headers=other),
        walk.client.post(f"/v1/refunds/{refund}/withdraw", headers=other),
    ]
    assert [answer.status_code for answer in tried] == [404] * 4
    assert walk.seen(number, me)["status"] == "refunding"


@pytest.mark.parametrize(
    "body",
    [
        {"reason": None},
        {"reason": "no_stock"},
        {"reason": "second_payment"},
        {"reason": "because"},
        {"tree_count": 0},
        {"tree_count": 101},
        {"tree_count": "1"},
        {"tree_count": 1.5},
        {"explanation": "长" * 201},
        {"explanation": "零\0"},
        {"amount_fen": 1},
    ],
)
def test_bad_body_is_refused(walk, number, me, body):
    answer = ask(walk, number, me, **body)
    assert (answer.status_code, walk.all(Refund)) == (422, []), answer.text


def test_policy_is_stated_before_payment(walk, me):
    reasons = ["change_of_mind", "duplicate", "mistake", "project_failure", "minor"]
    opened = walk.ask(walk.make.base(), me).json
    assert opened["refund_policy"] == {"until": None, "grace_days": 7, "reasons": reasons}
    assert walk.seen(opened["number"], me)["refund_policy"] == opened["refund_policy"]
    bought = walk.ask(walk.make.base(procured_at=walk.clock()), me).json
    assert bought["refund_policy"] == {"until": None, "grace_days": 0, "reasons": reasons[1:]}


@pytest.mark.parametrize(
    ("days", "until", "reasons"),
    [
        (0, "2026-03-19", 5),
        (7, "2026-03-19", 5),
        (8, None, 4),
        (365, None, 4),
        (366, None, 0),
    ],
)
def test_policy_of_a_paid_pledge_shrinks_with_time(walk, number, days, until, reasons):
    walk.clock.moment += timedelta(days=days)
    policy = walk.seen(number, walk.make.resident())["refund_policy"]
    assert (policy["until"], len(policy["reasons"])) == (until, reasons)


def test_every_reason_that_the_policy_names_is_heard_and_no_other(walk, me):
    for days in (0, 7, 8):
        base = walk.make.base()
        number = walk.open(base, me)
        walk.fulfilled(number, me)
        walk.clock.moment += timedelta(days=days)
        now = walk.make.resident()
        named = set(walk.seen(number, now)["refund_policy"]["reasons"])
        for reason in ("change_of_mind", "duplicate", "mistake", "project_failure", "minor"):
            answer = ask(walk, number, now, reason=reason)
            assert (answer.status_code == 201) == (reason in named), (days, reason, answer.text)
            if answer.status_code == 201:
                walk.client.post(f"/v1/refunds/{answer.json['number']}/withdraw", headers=now)


def test_unpaid_pledge_has_no_refund(walk, me):
    number = walk.open(walk.make.base(), me)
    assert ask(walk, number, me).json["code"] == "not-refundable"
    walk.post(number, "cancel", me)
    assert walk.seen(number, me)["refund_policy"]["reasons"] == []


def test_refund_is_refused_while_a_receipt_lives(walk, me):
    number = walk.donate(walk.make.base(), me, reward="receipt")
    walk.fulfilled(number, me)
    receipt = f"/v1/pledges/{number}/receipt"
    assert walk.client.post(receipt, json={"title": "陈新叶"}, headers=me).status_code == 201
    assert ask(walk, number, me).json["code"] == "receipt-live"
    walk.client.post(f"{receipt}/withdraw", headers=me)
    assert ask(walk, number, me).status_code == 201
    assert walk.client.post(receipt, json={"title": "陈新叶"}, headers=me).json["code"] == "refund-under-way"


def test_reading_a_refund_takes_at_most_three_statements(walk, number, me):
    refund = ask(walk, number, me).json["number"]
    with counted() as statements:
        seen(walk, refund, me)
    assert 0 < len(statements) <= 3, statements


def test_pledge_with_a_refund_is_still_read_in_four_statements(walk, number, me):
    ask(walk, number, me)
    with counted() as statements:
        walk.seen(number, me)
    assert 0 < len(statements) <= 4, statements


def test_person_whose_money_is_on_its_way_is_not_erased(walk, number, me):
    refund = ask(walk, number, me, explanation="家里临时有事").json["number"]
    refused = walk.client.delete("/v1/me", headers=me)
    assert (refused.status_code, refused.json["code"]) == (409, "refund-unfinished")
    assert walk.client.get("/v1/me", headers=me).status_code == 200
    walk.client.post(f"/v1/refunds/{refund}/withdraw", headers=me)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    assert walk.all(Refund)[0].explanation is None


def test_commands_list_what_is_under_way_and_ask_wechat_again(walk, number, me):
    run = walk.app.test_cli_runner().invoke
    refund = ask(walk, number, me).json["number"]
    listed = run(args=["refunds", "waiting"])
    assert (listed.exit_code, refund in listed.output, "100.00 元" in listed.output) == (0, True, True)
    assert "共 1 笔" in listed.output
    early = run(args=["refunds", "retry", refund])
    assert (early.exit_code, "不是已同意" in early.output) == (1, True)
    assert run(args=["refunds", "retry", "R0"]).exit_code == 1
    assert walk.pay.refunds == {}


def test_command_has_an_approved_refund_taken(walk, counter, number, me):
    refund = counter.approved(number)
    ran = walk.app.test_cli_runner().invoke(args=["refunds", "retry", refund])
    assert (ran.exit_code, f"{refund}  submitted" in ran.output) == (0, True), ran.output
    assert list(walk.pay.refunds) == [refund]
    again = walk.app.test_cli_runner().invoke(args=["refunds", "retry", refund])
    assert (again.exit_code, walk.pay.calls.count("refund")) == (0, 1)


def test_partly_refunded_pledge_shows_what_is_left(walk, counter, number, me):
    counter.refunded(number, trees=1)
    seen_now = walk.seen(number, me)
    assert (seen_now["status"], seen_now["amount_fen"], seen_now["tree_count"]) == ("allocated", 10000, 2)
    assert (seen_now["refunded_fen"], seen_now["refunded_tree_count"], len(seen_now["trees"])) == (5000, 1, 1)
    assert (seen_now["points"], seen_now["refund"]["status"]) == ({"green": 5, "honour": 50}, "success")
    wallet = walk.client.get("/v1/me/points", headers=me).json
    assert (wallet["green"], wallet["honour"], wallet["debt_green"]) == (5, 50, 0)


def test_spent_points_are_shown_as_a_debt(walk, counter, number, me):
    counter.spend(number, 8)
    counter.refunded(number)
    wallet = walk.client.get("/v1/me/points", headers=me).json
    assert (wallet["green"], wallet["debt_green"]) == (0, 8)
