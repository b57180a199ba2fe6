"""Sign-in and sessions."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select

from models import Resident, ResidentSession
from tests.fakes import FakeMini, FakePush
from tests.identity.people import dump
from wxbackend.core.db import db, reading
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app


def count(model) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_resident_signs_in_and_out(client, make):
    headers = make.resident()
    assert len(client.get("/v1/sessions", headers=headers).json["items"]) == 1
    assert client.delete("/v1/sessions/current", headers=headers).status_code == 204
    assert client.get("/v1/sessions", headers=headers).status_code == 401


def test_bad_login_code_is_refused(client):
    answer = client.post("/v1/sessions", json={"code": "stolen"})
    assert (answer.status_code, answer.json["code"]) == (401, "bad-login-code")


def test_second_sign_in_opens_a_second_session_of_the_same_account(client, make):
    make.resident()
    headers = make.resident()
    assert count(Resident) == 1
    assert [device["current"] for device in client.get("/v1/sessions", headers=headers).json["items"]] == [True, False]


def test_two_people_have_two_accounts(make):
    make.resident("a")
    make.resident("b")
    assert count(Resident) == 2


def test_first_sign_ins_at_once_make_one_account(app):
    """Eight phones of one person, none of them known yet."""
    start = Barrier(8)

    def sign_in(_turn: int) -> int:
        start.wait(timeout=10)
        return app.test_client().post("/v1/sessions", json={"code": "code-a"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(sign_in, range(8))) == [201] * 8
    assert (count(Resident), count(ResidentSession)) == (1, 8)


def test_one_openid_in_two_programs_is_two_accounts(app, make, ports, settings):
    """Openids are given per program, so equal ones say nothing about equal persons."""

    class OtherMini(FakeMini):
        appid = "wxfedcba9876543210"

    make.resident("a")
    other_ports = Ports(mini=OtherMini(), pay=ports.pay, storage=ports.storage, push=FakePush(), now=ports.now)
    other = create_app(settings, other_ports)
    assert other.test_client().post("/v1/sessions", json={"code": "code-a"}).status_code == 201
    assert count(Resident) == 2
    with other.app_context():
        db.engine.dispose()


def test_token_is_never_stored(make, safe, storage):
    token = make.resident()["Authorization"].removeprefix("Bearer ")
    assert token not in dump(safe, storage)


def test_expired_token_opens_nothing(client, make, clock, settings):
    headers = make.resident()
    clock.forward(days=settings.session_days, seconds=-1)
    assert client.get("/v1/me", headers=headers).status_code == 200
    clock.forward(seconds=1)
    assert client.get("/v1/me", headers=headers).status_code == 401


def test_no_header_no_bearer_and_a_stranger_are_asked_to_sign_in(client, make):
    token = make.resident()["Authorization"].removeprefix("Bearer ")
    for headers in ({}, {"Authorization": token}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {token}x"}):
        answer = client.get("/v1/me", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in")


def test_token_in_a_cookie_is_ignored(client, make):
    token = make.resident()["Authorization"]
    client.set_cookie("Authorization", token)
    assert client.get("/v1/me").status_code == 401


def test_resident_signs_another_phone_out(client, make):
    old = make.resident()
    new = make.resident()
    other = client.get("/v1/sessions", headers=new).json["items"][1]["id"]
    assert client.delete(f"/v1/sessions/{other}", headers=new).status_code == 204
    assert client.get("/v1/me", headers=old).status_code == 401
    assert client.get("/v1/me", headers=new).status_code == 200


def test_session_of_another_person_is_not_found(client, make):
    mine, theirs = make.resident("a"), make.resident("b")
    session_id = client.get("/v1/sessions", headers=theirs).json["items"][0]["id"]
    assert client.delete(f"/v1/sessions/{session_id}", headers=mine).status_code == 404
    assert client.get("/v1/me", headers=theirs).status_code == 200


def test_session_ended_once_is_not_found_again(client, make):
    make.resident()
    headers = make.resident()
    other = client.get("/v1/sessions", headers=headers).json["items"][1]["id"]
    assert client.delete(f"/v1/sessions/{other}", headers=headers).status_code == 204
    assert client.delete(f"/v1/sessions/{other}", headers=headers).status_code == 404


def test_device_is_what_the_phone_says_cut_to_size(client):
    token = client.post("/v1/sessions", json={"code": "code-a"}, headers={"User-Agent": "x" * 500}).json["token"]
    items = client.get("/v1/sessions", headers={"Authorization": f"Bearer {token}"}).json["items"]
    assert items[0]["device"] == "x" * 200


def limited(settings: Settings, ports: Ports):
    """The same application with its rate limits on, counting in the process."""
    return create_app(settings.model_copy(update={"rate_limits": True}), ports)


def test_eleventh_sign_in_of_one_person_within_a_minute_is_refused(app, settings, ports):
    strict = limited(settings, ports)
    client = strict.test_client()
    answers = [client.post("/v1/sessions", json={"code": "code-a"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [201] * 10 + [429]
    assert answers[-1].json["code"] == "too-many-requests"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert client.post("/v1/sessions", json={"code": "code-b"}).status_code == 201
    with strict.app_context():
        db.engine.dispose()


def test_thirty_first_sign_in_from_one_address_within_a_minute_is_refused(app, settings, ports):
    strict = limited(settings, ports)
    client = strict.test_client()
    statuses = [client.post("/v1/sessions", json={"code": f"code-{n}"}).status_code for n in range(31)]
    assert statuses == [201] * 30 + [429]
    with strict.app_context():
        db.engine.dispose()
