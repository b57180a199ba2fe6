"""The copy of everything that is stored about a person."""

import json

import pytest
from sqlalchemy import func, inspect, select

from models import (
    Avatar,
    Base,
    Certificate,
    ContentReview,
    InboxMessage,
    PaymentAttempt,
    Pledge,
    PointsDebt,
    ReceiptRequest,
    Refund,
    RefundDue,
    Resident,
    ResidentSession,
)
from tests.identity.people import (
    DEDICATION,
    DEVICE,
    EXPLANATION,
    HOLDER,
    NAME,
    NICKNAME,
    PHONE,
    SALT,
    TITLE,
    resident_id_of,
)
from tests.statements import counted
from wxbackend.content import exports as content_exports
from wxbackend.core.db import db, reading
from wxbackend.factory import create_app
from wxbackend.identity import exports
from wxbackend.portability import service as holdings


@pytest.fixture
def person(client, furnish, safe, texts):
    token = client.post("/v1/sessions", json={"code": "code-a"}, headers={"User-Agent": DEVICE}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    client.patch("/v1/me", json={"name": NAME}, headers=headers)
    client.post("/v1/me/phone", json={"code": f"phone-{PHONE}"}, headers=headers)
    client.post("/v1/me/consents", json={"text": "privacy", "version": "1.0"}, headers=headers)
    furnish.everything(resident_id_of(safe))
    return headers


def export(client, headers) -> dict:
    answer = client.get("/v1/me/export", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json["sections"]


def test_copy_has_every_section_filled(client, person):
    sections = export(client, person)
    assert list(sections) == [
        *("profile", "consents", "sessions", "deeds"),
        *("pledges", "payments", "refunds_due", "refunds", "receipts", "trees"),
        *("points", "points_debts", "certificates"),
        *("messages", "message_consents"),
        *("content_reviews", "avatars"),
    ]
    assert [name for name, section in sections.items() if not section] == []


def test_copy_lays_ones_own_sealed_fields_open(client, person):
    sections = export(client, person)
    profile = sections["profile"]
    assert (profile["name"], profile["phone"]) == (NAME, PHONE)
    assert (profile["nickname"], sections["content_reviews"][-1]["text"]) == (NICKNAME, NICKNAME)
    assert sections["avatars"][0]["status"] == "approved"
    assert (profile["openid"], profile["unionid"]) == ("openid-a", "unionid-a")
    assert sections["sessions"][0]["device"] == DEVICE
    assert sections["consents"][0]["version"] == "1.0"
    assert (sections["pledges"][0]["holder_name"], sections["pledges"][0]["dedication"]) == (HOLDER, DEDICATION)
    assert sections["pledges"][0]["history"][0]["to_status"] == "funded"
    assert [row["holder_name"] for row in sections["certificates"]] == [HOLDER, HOLDER]
    assert sections["payments"][0]["amount_fen"] == 5000
    assert (sections["refunds"][0]["explanation"], sections["receipts"][0]["title"]) == (EXPLANATION, TITLE)
    assert sections["refunds"][0]["history"][0]["to_status"] == "withdrawn"
    assert sections["trees"][0]["species"] == "荔枝"
    assert (sections["points"][0]["unit"], sections["points"][0]["amount"]) == ("green", 5)
    assert sections["points"][0]["pledge"] == sections["pledges"][0]["number"]
    assert {deed["action"] for deed in sections["deeds"]} == {"resident.bind_phone", "resident.consent"}


def test_copy_tells_what_one_was_told_and_what_one_agreed_to_be_told(client, person):
    sections = export(client, person)
    [message], [consent] = sections["messages"], sections["message_consents"]
    said = (message["kind"], message["title"], message["body"], message["page"], message["delivery"])
    assert said == ("paid", "支付成功", "您已认种", "pages/pledge/index", "none")
    assert (message["created_at"], message["read_at"]) == ("2026-03-12T12:00:00+08:00", None)
    assert (consent["kind"], consent["remaining"]) == ("paid", 1)


def test_copy_holds_no_token_no_salt_and_no_inner_key(client, person):
    text = json.dumps(export(client, person), ensure_ascii=False)
    assert person["Authorization"].removeprefix("Bearer ") not in text
    for inner in (SALT, "token_digest", "row_key", "resident_id", "_sealed", "openid_index", "payer_index", "dev:"):
        assert inner not in text


def test_copy_is_ones_own_only(client, person, make):
    sections = export(client, make.resident("b"))
    text = json.dumps(sections, ensure_ascii=False)
    for secret in (NAME, PHONE, HOLDER, DEDICATION, DEVICE, "openid-a"):
        assert secret not in text
    assert {name for name, section in sections.items() if section} == {"profile", "sessions"}


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_statement_is_whole_however_many_entries_are_read_at_once(make, furnish, safe, at_once):
    make.resident()
    resident_id = resident_id_of(safe)
    for _ in range(3):
        furnish.points(furnish.pledge(resident_id))
    with reading() as session:
        ids = [line.id for line in holdings.entries(session, resident_id=resident_id, at_once=at_once)]
    assert len(ids) == 3
    assert ids == sorted(set(ids), reverse=True)


def test_copy_takes_as_many_statements_for_ten_pledges_as_for_one(client, person, furnish, safe):
    with counted() as few:
        export(client, person)
    for _ in range(9):
        pledge = furnish.pledge(resident_id_of(safe))
        furnish.attempt(pledge)
        furnish.certificate(pledge)
    with counted() as many:
        export(client, person)
    assert len(many) == len(few) <= 24


HIDDEN = [
    (Resident, exports.PROFILE_HIDDEN),
    (ResidentSession, exports.SESSION_HIDDEN),
    (Pledge, holdings.PLEDGE_HIDDEN),
    (PaymentAttempt, holdings.PAYMENT_HIDDEN),
    (RefundDue, holdings.DUE_HIDDEN),
    (Refund, holdings.REFUND_HIDDEN),
    (ReceiptRequest, holdings.RECEIPT_HIDDEN),
    (PointsDebt, holdings.DEBT_HIDDEN),
    (Certificate, holdings.CERTIFICATE_HIDDEN),
    (InboxMessage, holdings.MESSAGE_HIDDEN),
    (ContentReview, content_exports.REVIEW_HIDDEN),
    (Avatar, content_exports.AVATAR_HIDDEN),
]


@pytest.mark.parametrize(("model", "hidden"), HIDDEN, ids=[model.__tablename__ for model, _ in HIDDEN])
def test_hidden_columns_exist(model, hidden):
    """A name that no column has hides nothing: it was renamed, and is shown."""
    assert hidden <= {column.name for column in inspect(model).columns}


#: In which section the rows of a table are.
SECTION_OF = {
    "resident_session": "sessions",
    "consent": "consents",
    "pledge": "pledges",
    "certificate": "certificates",
    "content_review": "content_reviews",
    "avatar": "avatars",
    "receipt_request": "receipts",
    "points_debt": "points_debts",
    "inbox_message": "messages",
    "message_consent": "message_consents",
}


def test_every_table_that_belongs_to_a_resident_is_in_the_copy(client, person):
    """A new table with a resident in it needs a section, or a reason; and the person with everything, a row of it."""
    owned = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table.name == "resident" for key in table.foreign_keys)
    }
    assert owned == set(SECTION_OF)
    sections = export(client, person)
    with reading() as session:
        rows = {name: session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) for name in owned}
    assert rows == {name: len(sections[section]) for name, section in SECTION_OF.items()}


def test_sixth_copy_within_an_hour_is_refused_to_that_person_only(app, settings, ports):
    strict = create_app(settings.model_copy(update={"rate_limits": True}), ports)
    client = strict.test_client()
    a, b = (client.post("/v1/sessions", json={"code": f"code-{person}"}).json["token"] for person in "ab")
    copies = [client.get("/v1/me/export", headers={"Authorization": f"Bearer {a}"}).status_code for _ in range(6)]
    assert copies == [200] * 5 + [429]
    assert client.get("/v1/me/export", headers={"Authorization": f"Bearer {b}"}).status_code == 200
    with strict.app_context():
        db.engine.dispose()
