"""The inbox over HTTP, templates to ask for, consents that are counted."""

from datetime import UTC, datetime

import pytest

from models import InboxMessage, MessageConsent, MessageKind, Resident
from tests.messages.conftest import PAID_TEMPLATE
from tests.statements import counted
from wxbackend.core.db import reading, transaction
from wxbackend.messages.rules import CONSENTS_KEPT


@pytest.fixture
def me(make):
    return make.resident("a")


@pytest.fixture
def told(app, clock, me):
    """Three messages for the first resident; their public ids, the oldest first."""
    with transaction() as session:
        whose = session.query(Resident.id).order_by(Resident.id).first()[0]
        for n in range(3):
            clock.forward(minutes=1)
            session.add(
                InboxMessage(
                    public_id=f"message-{n}",
                    resident_id=whose,
                    kind=MessageKind.PAID,
                    key=f"P{n}",
                    title="支付成功",
                    body=f"第 {n} 条",
                    page="pages/pledge/index",
                    created_at=clock(),
                )
            )
            session.flush()
    return [f"message-{n}" for n in range(3)]


def listed(client, me, **query):
    answer = client.get("/v1/me/messages", query_string=query, headers=me)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_messages_come_newest_first_page_by_page_with_the_count_of_unread(client, me, told):
    first = listed(client, me, limit=2)
    assert ([item["id"] for item in first["items"]], first["unread"]) == (["message-2", "message-1"], 3)
    last = listed(client, me, limit=2, cursor=first["next_cursor"])
    assert ([item["id"] for item in last["items"]], last["next_cursor"], last["unread"]) == (["message-0"], None, 3)
    assert first["items"][0] == {
        "id": "message-2",
        "kind": "paid",
        "title": "支付成功",
        "body": "第 2 条",
        "page": "pages/pledge/index",
        "created_at": "2026-03-12T12:03:00+08:00",
        "read_at": None,
    }


def test_a_message_is_read_once_and_says_when(client, me, told, clock):
    assert client.post("/v1/me/messages/message-1/read", headers=me).status_code == 204
    clock.forward(hours=1)
    assert client.post("/v1/me/messages/message-1/read", headers=me).status_code == 204
    found = {item["id"]: item["read_at"] for item in listed(client, me)["items"]}
    assert found == {"message-0": None, "message-1": "2026-03-12T12:03:00+08:00", "message-2": None}
    assert listed(client, me)["unread"] == 2


def test_all_messages_are_read_at_once(client, me, told):
    assert client.post("/v1/me/messages/read-all", headers=me).status_code == 204
    assert listed(client, me)["unread"] == 0


def test_somebody_elses_message_is_not_there(client, me, make, told):
    other = make.resident("b")
    assert client.post("/v1/me/messages/message-1/read", headers=other).status_code == 404
    client.post("/v1/me/messages/read-all", headers=other)
    assert (listed(client, other)["items"], listed(client, me)["unread"]) == ([], 3)


@pytest.mark.parametrize("path", ["/v1/me/messages", "/v1/message-templates"])
def test_strangers_have_no_inbox(client, path):
    assert client.get(path).status_code == 401


def test_a_list_of_fifty_costs_three_statements(client, me, told):
    with counted() as statements:
        listed(client, me, limit=50)
    assert len(statements) <= 3


def test_the_templates_to_ask_consent_for_are_told(client, me, templates):
    answer = client.get("/v1/message-templates", headers=me)
    assert answer.json == {
        "items": [
            {"kind": "paid", "template_id": PAID_TEMPLATE},
            {"kind": "refund", "template_id": "template-refund"},
        ]
    }


def test_without_a_file_there_is_nothing_to_ask_for(client, me):
    assert client.get("/v1/message-templates", headers=me).json == {"items": []}


def test_consents_add_up_by_kind(me, templates, accept):
    accept(me, "paid")
    answer = accept(me, "refund", "paid")
    assert answer.status_code == 201
    assert answer.json == {"items": [{"kind": "paid", "remaining": 2}, {"kind": "refund", "remaining": 1}]}


def test_a_consent_sent_twice_with_one_key_counts_once(me, templates, accept):
    answers = [accept(me, "paid", **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json["items"][0]["remaining"] for answer in answers] == [1, 1]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_consents_are_counted_up_to_a_limit(me, templates, accept):
    accept(me, "paid")
    with transaction() as session:
        session.query(MessageConsent).update({"remaining": CONSENTS_KEPT})
    assert accept(me, "paid").json["items"] == [{"kind": "paid", "remaining": CONSENTS_KEPT}]


@pytest.mark.parametrize("kinds", [[], ["paid", "paid"], ["unheard_of"], ["planted"], [1], "paid"])
def test_consents_to_nothing_known_are_refused(client, me, templates, kinds):
    answer = client.post("/v1/me/message-consents", json={"accepted": kinds}, headers=me)
    assert answer.status_code == 422
    with reading() as session:
        assert session.query(MessageConsent).count() == 0


def test_the_copy_of_ones_data_has_messages_and_consents(client, me, told, templates, accept):
    accept(me, "paid")
    copy = client.get("/v1/me/export", headers=me).json["sections"]
    assert [row["body"] for row in copy["messages"]] == ["第 0 条", "第 1 条", "第 2 条"]
    assert [(row["kind"], row["remaining"]) for row in copy["message_consents"]] == [("paid", 1)]
    assert set(copy["messages"][0]) == {
        "public_id", "kind", "title", "body", "page", "created_at", "read_at", "delivery"
    }  # fmt: skip


def test_an_erasure_leaves_neither_messages_nor_consents(client, me, told, templates, accept):
    accept(me, "paid")
    assert client.delete("/v1/me", headers=me).status_code == 204
    with reading() as session:
        assert (session.query(InboxMessage).count(), session.query(MessageConsent).count()) == (0, 0)


def test_moments_are_kept_in_utc(told):
    with reading() as session:
        assert session.query(InboxMessage).first().created_at == datetime(2026, 3, 12, 4, 1, tzinfo=UTC)
