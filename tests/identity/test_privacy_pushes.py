"""What WeChat tells of a person's will is done in the push's own transaction, and once."""

import pytest
from sqlalchemy import select

from models import (
    AttemptStatus,
    AuditEntry,
    Avatar,
    ContentReview,
    PledgeStatus,
    PushState,
    Resident,
    ResidentSession,
    ResidentStatus,
)
from tests.identity.people import NAME, NICKNAME, PHONE, SECRETS, dump, resident_id_of
from wxbackend.core.commands import this_worker
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxmini import PushEvent
from wxbackend.identity import privacy
from wxbackend.identity.jobs import finish_erasures

REVOKE, CANCEL, CHANGED = "user_authorization_revoke", "user_authorization_cancellation", "user_info_modified"


@pytest.fixture
def person(client, make, furnish, safe):
    headers = make.resident("a")
    client.patch("/v1/me", json={"name": NAME}, headers=headers)
    client.post("/v1/me/phone", json={"code": f"phone-{PHONE}"}, headers=headers)
    furnish.nickname(resident_id_of(safe))
    furnish.avatar(resident_id_of(safe))
    return headers


def push(clock, event: str, *, openid: str = "openid-a", **document):
    told = PushEvent("key", event, "the-platform", clock(), {"OpenID": openid, **document})
    with transaction() as session:
        return privacy.PUSHES[event](session, told, clock())


def me(client, headers):
    found = client.get("/v1/me", headers=headers).json
    return found["name"], found["nickname"], found["phone_masked"], found["avatar_url"] is not None


EVERYTHING = (NAME, NICKNAME, "138****1234", True)


@pytest.mark.parametrize(
    ("info", "left"),
    [
        ("2", EVERYTHING),
        ("13", EVERYTHING),
        ("6", (NAME, None, "138****1234", False)),
        ("8", (NAME, NICKNAME, None, True)),
        ("14", (NAME, NICKNAME, "138****1234", False)),
        ("19", (NAME, None, "138****1234", True)),
        ("20", (NAME, NICKNAME, "138****1234", False)),
        ("8,19", (NAME, None, None, True)),
        ("", EVERYTHING),
        ("garbage 8888888888", EVERYTHING),
        (8, (NAME, NICKNAME, None, True)),
        (None, EVERYTHING),
    ],
)
def test_what_is_taken_back_is_deleted_and_nothing_else(client, person, clock, info, left):
    assert me(client, person) == EVERYTHING
    assert push(clock, REVOKE, RevokeInfo=info).state is PushState.DONE
    assert push(clock, REVOKE, RevokeInfo=info).state is PushState.DONE
    assert me(client, person) == left


def test_phone_is_taken_back_with_its_index(person, clock):
    push(clock, REVOKE, RevokeInfo="8")
    with reading() as session:
        assert session.execute(select(Resident.phone_sealed, Resident.phone_index)).all() == [(None, None)]


def test_picture_is_taken_back_with_its_file_and_what_was_found_of_it(person, clock, storage):
    push(clock, REVOKE, RevokeInfo="6")
    this_worker().drain()
    with reading() as session:
        left = session.scalar(select(Avatar.id)), session.scalars(select(ContentReview.subject)).all()
    assert (storage.files, left) == ({}, (None, ["profile_name"]))


def test_changed_profile_is_forgotten(client, person, clock):
    assert push(clock, CHANGED).state is PushState.DONE
    assert me(client, person) == (NAME, None, "138****1234", False)


@pytest.mark.parametrize("event", [REVOKE, CANCEL, CHANGED])
def test_push_about_somebody_unknown_is_ignored(client, person, clock, event):
    assert push(clock, event, openid="openid-z", RevokeInfo="8").state is PushState.IGNORED
    assert me(client, person) == EVERYTHING


def test_sender_is_meant_where_no_openid_is_named(client, person, clock):
    told = PushEvent("key", REVOKE, "openid-a", clock(), {"RevokeInfo": "8"})
    with transaction() as session:
        privacy.take_revocation(session, told, clock())
    assert me(client, person)[2] is None


def test_facts_and_trail_name_nobody(person, clock, safe):
    taken = push(clock, REVOKE, RevokeInfo="8")
    with reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "resident.revoke")).one()
    assert (dict(taken.facts), noted.details) == ({"revoked": [8]}, {"revoked": [8]})
    assert noted.object_key == str(resident_id_of(safe))


def test_account_given_up_at_wechat_ends_here_at_once(client, person, furnish, safe, storage, clock):
    assert push(clock, CANCEL).facts == {"erased": True}
    assert push(clock, CANCEL).state is PushState.IGNORED
    this_worker().drain()
    after = dump(safe, storage)
    assert [secret for secret in SECRETS if secret in after] == []
    assert client.get("/v1/me", headers=person).status_code == 401


def test_open_payment_delays_the_end_of_the_account_and_nothing_else(client, person, furnish, safe, storage, clock):
    """All that names the person goes at once; the account ends when the money is settled."""
    pledge = furnish.pledge(resident_id_of(safe), PledgeStatus.EXPIRED, paid_at=None)
    attempt = furnish.attempt(pledge, AttemptStatus.PREPAY)
    assert push(clock, CANCEL).facts == {"erased": False}
    assert push(clock, CANCEL).state is PushState.IGNORED
    this_worker().drain()
    after = dump(safe, storage)
    assert [secret for secret in SECRETS if secret in after] == []
    assert client.get("/v1/me", headers=person).status_code == 401
    finish_erasures()
    with reading() as session:
        assert session.scalars(select(Resident.status)).all() == [ResidentStatus.ACTIVE]
    with transaction() as session:
        session.get_one(type(attempt), attempt.id).status = AttemptStatus.CLOSED
    finish_erasures()
    finish_erasures()
    with reading() as session:
        assert session.scalars(select(Resident.status)).all() == [ResidentStatus.ERASED]
        assert session.scalar(select(ResidentSession.id)) is None
        ended = session.scalars(select(AuditEntry.action).where(AuditEntry.object_kind == "resident")).all()
    assert [action for action in ended if action.startswith("resident.erase")] == [
        "resident.erase-begun",
        "resident.erase",
    ]


def test_person_who_comes_back_meanwhile_gets_an_account_of_their_own(client, person, furnish, safe, make, clock):
    furnish.pledge(resident_id_of(safe), PledgeStatus.PENDING)
    push(clock, CANCEL)
    headers = make.resident("a")
    assert client.get("/v1/me", headers=headers).json["name"] is None
    with reading() as session:
        assert len(session.scalars(select(Resident.id)).all()) == 2
