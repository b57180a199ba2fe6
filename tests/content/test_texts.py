"""What residents write: judged before anybody else reads it, and never in the way of a payment."""

import json

import pytest
from sqlalchemy import select

from models import AuditEntry, ContentReview, OutboxMessage, Pledge, ReviewStatus, Staff
from tests.content.conftest import DOUBTFUL, RISKY
from tests.statements import counted
from wxbackend.content import rechecks
from wxbackend.content import service as content
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxmini import TextScene

STAFF = Caller(kind="staff", id=1, session_id=1, name="cheng")
TEXTS = {"holder_name": "林小苗", "dedication": "愿春常在"}


@pytest.fixture
def base(walk):
    return walk.make.base()


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def reviewer(walk):
    """Somebody whose id stands in the trail."""
    with transaction() as session:
        session.add(Staff(id=1, row_key="s1", username="cheng", display_name="程审核", created_at=walk.clock()))


def decide(subject, desk, *, approve, note=None):
    found = desk.reviews()[subject].public_id
    with transaction() as session:
        content.decide(session, public_id=found, approve=approve, note=note, caller=STAFF, now=ports().now())


def test_each_text_is_judged_once_where_it_will_stand(walk, base, me, mini, desk):
    walk.open(base, me, **TEXTS)
    assert mini.checked == [("林小苗", TextScene.PROFILE), ("愿春常在", TextScene.COMMENT)]
    assert desk.states() == {"holder_name": ("approved", "pass"), "dedication": ("approved", "pass")}


def test_pledge_without_texts_asks_nobody(walk, base, me, mini):
    walk.open(base, me)
    assert mini.checked == []
    assert walk.all(ContentReview) == []


@pytest.mark.parametrize("field", TEXTS)
def test_risky_text_is_refused_with_its_field_and_nothing_is_held(walk, base, me, field):
    answer = walk.ask(base, me, **{**TEXTS, field: RISKY})
    assert (answer.status_code, answer.json["code"]) == (422, "content-risky")
    assert [fault["field"] for fault in answer.json["errors"]] == [f"/body/{field}"]
    assert RISKY not in answer.text
    assert (walk.stock(base)[0], walk.all(Pledge), walk.all(ContentReview)) == (0, [], [])


def test_repeated_request_gets_its_first_answer_whatever_wechat_says_now(walk, base, me, mini):
    key = {**me, "Idempotency-Key": "one"}
    first = walk.ask(base, key, **TEXTS)
    mini.verdicts = {"春": next(iter(mini.verdicts.values()))}
    second = walk.ask(base, key, **TEXTS)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.data == first.data


def test_doubtful_text_waits_for_a_person_and_is_kept_sealed_meanwhile(walk, base, me, desk):
    walk.open(base, me, dedication=f"{DOUBTFUL}的话")
    [found] = walk.all(ContentReview)
    assert (found.status, found.cause, found.label, found.next_check_at) == (
        ReviewStatus.PENDING,
        "review",
        20001,
        None,
    )
    assert DOUBTFUL not in found.text_sealed
    assert found.county_code == base.county_code


def test_text_that_was_decided_is_not_kept_twice(walk, base, me):
    walk.open(base, me, **TEXTS)
    assert [row.text_sealed for row in walk.all(ContentReview)] == [None, None]


def test_wechat_that_does_not_answer_is_no_fault_of_the_writer_and_publishes_nothing(walk, base, me, mini, desk):
    mini.failures = [UpstreamFailed(), UpstreamFailed()]
    number = walk.open(base, me, display="name", **TEXTS)
    assert desk.states() == {"holder_name": ("pending", "unavailable"), "dedication": ("pending", "unavailable")}
    pledge = walk.fulfilled(number, me)
    assert (pledge["status"], pledge["dedication_status"]) == ("allocated", "pending")
    seen = walk.client.get(f"/v1/trees/{walk.trees()[0].token}").json
    assert (seen["dedication"], seen["adopter"]) == (None, "热心人士")


def test_checks_of_one_request_take_four_seconds_in_all(walk, base, me, mini, desk):
    """What is left then is treated as unavailable."""
    answer = mini.check_text

    def slow(text, **asked):
        walk.clock.forward(seconds=4)
        return answer(text, **asked)

    mini.check_text = slow
    walk.open(base, me, **TEXTS)
    assert desk.states() == {"holder_name": ("approved", "pass"), "dedication": ("pending", "unavailable")}


@pytest.mark.parametrize(("minutes", "asked"), [(9, 0), (10, 1)])
def test_text_that_nobody_judged_is_shown_to_wechat_again(walk, base, me, mini, desk, minutes, asked):
    mini.failures = [UpstreamFailed()]
    walk.open(base, me, dedication="愿春常在")
    walk.clock.forward(minutes=minutes)
    desk.look_again()
    assert len(mini.checked) == asked
    assert desk.states()["dedication"][0] == ("approved" if asked else "pending")


def test_second_look_publishes_on_the_pledge_too(walk, base, me, mini, desk):
    mini.failures = [UpstreamFailed()]
    number = walk.open(base, me, dedication="愿春常在")
    walk.clock.forward(minutes=10)
    desk.look_again()
    assert walk.seen(number, me)["dedication_status"] == "approved"


def test_second_look_that_finds_a_risk_rejects(walk, base, me, mini, desk):
    mini.failures = [UpstreamFailed()]
    number = walk.open(base, me, dedication=RISKY)
    walk.clock.forward(minutes=10)
    desk.look_again()
    assert desk.states()["dedication"] == ("rejected", "risky")
    assert walk.seen(number, me)["dedication_status"] == "rejected"


def test_after_two_hours_wechat_is_asked_no_more_and_staff_have_it(walk, base, me, mini, desk):
    mini.failures = [UpstreamFailed() for _ in range(40)]
    walk.open(base, me, dedication="愿春常在")
    for _ in range(15):
        walk.clock.forward(minutes=10)
        desk.look_again()
    assert len(mini.failures) == 40 - 12  # at once, and every ten minutes while the writer counts as present
    [found] = walk.all(ContentReview)
    assert (found.status, found.cause, found.next_check_at) == (ReviewStatus.PENDING, "unavailable", None)


def test_two_workers_look_again_once(walk, base, me, mini, desk):
    mini.failures = [UpstreamFailed()]
    walk.open(base, me, dedication="愿春常在")
    walk.clock.forward(minutes=10)
    with reading() as session:
        [(public_id, seen)] = rechecks.due(session, now=walk.clock(), limit=9)
    with transaction() as session:
        first = rechecks.take(session, public_id=public_id, seen=seen, safe=vault(), now=walk.clock())
    with transaction() as session:
        second = rechecks.take(session, public_id=public_id, seen=seen, safe=vault(), now=walk.clock())
    assert (first.text, second) == ("愿春常在", None)


# ------------------------------------------------------------------------------------------------- certificates
def test_certificate_waits_for_a_doubtful_name_while_trees_and_payment_stand(walk, base, me, desk, reviewer):
    number = walk.open(base, me, holder_name=f"林{DOUBTFUL}")
    pledge = walk.fulfilled(number, me)
    assert (pledge["status"], len(pledge["trees"]), pledge["certificates"]) == ("allocated", 1, [])
    [certificate] = walk.certificates()
    assert (certificate.status, certificate.serial, certificate.missing_glyphs) == ("applied", None, None)
    decide("holder_name", desk, approve=True)
    walk.drain()
    assert walk.client.get("/v1/me/certificates", headers=me).json["items"][0]["holder_name"] == f"林{DOUBTFUL}"


def test_rejected_name_is_printed_nowhere_the_approved_one_of_the_profile_stands_in(walk, base, me, desk, reviewer):
    walk.client.patch("/v1/me", json={"name": "陈新叶"}, headers=me)
    walk.fulfilled(walk.open(base, me, holder_name=f"林{DOUBTFUL}"), me)
    decide("holder_name", desk, approve=False)
    walk.drain()
    assert walk.client.get("/v1/me/certificates", headers=me).json["items"][0]["holder_name"] == "陈新叶"


def test_rejected_name_without_another_leaves_a_kind_person(walk, base, me, desk, reviewer):
    walk.fulfilled(walk.open(base, me, holder_name=f"林{DOUBTFUL}"), me)
    decide("holder_name", desk, approve=False)
    walk.drain()
    assert walk.client.get("/v1/me/certificates", headers=me).json["items"][0]["holder_name"] == "热心人士"


def test_donation_waits_in_the_same_way_and_is_thanked_in_the_end(walk, base, me, desk, reviewer):
    number = walk.donate(base, me, holder_name=f"林{DOUBTFUL}")
    assert walk.fulfilled(number, me)["certificates"] == []
    decide("holder_name", desk, approve=True)
    walk.drain()
    assert [line["kind"] for line in walk.seen(number, me)["certificates"]] == ["JK"]


@pytest.mark.parametrize("then", [{"name": None}, {"name": "陈新叶"}])
def test_certificate_that_waits_for_the_profile_goes_on_when_the_name_changes(walk, base, me, then):
    walk.client.patch("/v1/me", json={"name": f"林{DOUBTFUL}"}, headers=me)
    walk.fulfilled(walk.open(base, me), me)
    assert walk.client.get("/v1/me/certificates", headers=me).json["items"] == []
    walk.client.patch("/v1/me", json=then, headers=me)
    walk.drain()
    printed = walk.client.get("/v1/me/certificates", headers=me).json["items"][0]["holder_name"]
    assert printed == (then["name"] or "热心人士")


def test_name_from_before_names_were_checked_waits_and_is_put_before_the_reviewers(walk, base, me, desk):
    number = walk.open(base, me, holder_name="林小苗")
    with transaction() as session:
        session.query(ContentReview).delete()
    walk.fulfilled(number, me)
    assert desk.states() == {"holder_name": ("pending", "unavailable")}
    assert [row.status for row in walk.certificates()] == ["applied"]
    walk.clock.forward(minutes=10)
    desk.look_again()
    assert [row.status for row in walk.certificates()] == ["issued"]


# ------------------------------------------------------------------------------------------------------- decisions
def test_decision_is_made_once(walk, base, me, desk, reviewer):
    walk.open(base, me, dedication=DOUBTFUL)
    decide("dedication", desk, approve=False, note="含有广告")
    with pytest.raises(content.AlreadyDecided):
        decide("dedication", desk, approve=True)
    assert desk.states()["dedication"] == ("rejected", "staff")


def test_what_was_approved_can_be_taken_down_and_not_put_up_again(walk, base, me, desk, reviewer):
    number = walk.open(base, me, display="name", **TEXTS)
    walk.fulfilled(number, me)
    token = walk.trees()[0].token
    assert walk.client.get(f"/v1/trees/{token}").json["dedication"] == "愿春常在"
    assert "愿春常在" in walk.client.get(f"/t/{token}").text
    for subject in ("dedication", "holder_name"):
        decide(subject, desk, approve=False)
        with pytest.raises(content.AlreadyDecided):
            decide(subject, desk, approve=True)
    seen = walk.client.get(f"/v1/trees/{token}").json
    assert (seen["dedication"], seen["adopter"]) == (None, "热心人士")


def test_decision_is_noted_without_the_text(walk, base, me, desk, reviewer):
    number = walk.open(base, me, dedication=DOUBTFUL)
    decide("dedication", desk, approve=True, note="没有问题")
    with reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "content.approve")).one()
    assert (noted.object_kind, noted.object_key, noted.details) == ("pledge", number, {"subject": "dedication"})


def test_decision_and_name_hold_no_text_in_outbox_or_log(walk, base, me, desk, reviewer, caplog):
    walk.fulfilled(walk.open(base, me, holder_name=f"林{DOUBTFUL}", dedication="愿春常在"), me)
    decide("holder_name", desk, approve=True)
    told = json.dumps([row.payload for row in walk.all(OutboxMessage)], ensure_ascii=False) + caplog.text
    assert DOUBTFUL not in told
    assert "愿春常在" not in told


# ------------------------------------------------------------------------------------------------------ statements
@pytest.mark.parametrize(("texts", "more"), [({}, 0), (TEXTS, 1)], ids=["nothing said", "two texts"])
def test_texts_cost_one_statement(walk, base, me, texts, more):
    key = {**me, "Idempotency-Key": "counted"}
    with counted() as statements:
        assert walk.ask(base, key, **texts).status_code == 201
    assert len(statements) <= 8 + more, statements


def test_what_is_said_is_shown_as_text_and_never_run(walk, base, me):
    said = "<script>alert(1)</script>"
    walk.fulfilled(walk.open(base, me, display="name", dedication=said), me)
    page = walk.client.get(f"/t/{walk.trees()[0].token}").text
    assert said not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
