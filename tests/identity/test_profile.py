"""What a resident sees and says of themselves."""

import pytest
from sqlalchemy import select, update

from models import AuditEntry, Resident
from tests.fakes import FakeMini, FakePush
from tests.statements import counted
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.ports import Ports
from wxbackend.core.wxmini import Suggestion
from wxbackend.factory import create_app
from wxbackend.identity.rules import mask_phone


def rename(client, headers, name):
    return client.patch("/v1/me", json={"name": name}, headers=headers)


def test_newcomer_has_neither_name_nor_phone(client, make):
    me = client.get("/v1/me", headers=make.resident()).json
    nothing = dict.fromkeys(
        ("name", "name_status", "nickname", "nickname_status", "phone_masked", "avatar_url", "avatar_status")
    )
    assert me == {**nothing, "created_at": "2026-03-12T12:00:00+08:00", "consents": []}


def test_name_is_kept_sealed_and_shown_to_its_owner_only(client, make):
    mine, theirs = make.resident("a"), make.resident("b")
    assert rename(client, mine, "林小苗").json["name"] == "林小苗"
    assert client.get("/v1/me", headers=mine).json["name"] == "林小苗"
    assert client.get("/v1/me", headers=theirs).json["name"] is None
    with reading() as session:
        sealed = session.scalars(select(Resident.name_sealed).order_by(Resident.id)).first()
    assert sealed.startswith("dev:")
    assert "林小苗" not in sealed


def test_next_sign_in_tells_name_and_masked_phone(client, make):
    headers = make.resident()
    rename(client, headers, "林小苗")
    client.post("/v1/me/phone", json={"code": "phone-13800001234"}, headers=headers)
    user = client.post("/v1/sessions", json={"code": "code-a"}).json["user"]
    assert (user["name"], user["phone_masked"]) == ("林小苗", "138****1234")


def test_null_forgets_the_name(client, make):
    headers = make.resident()
    rename(client, headers, "林小苗")
    assert rename(client, headers, None).json["name"] is None
    with reading() as session:
        assert session.scalars(select(Resident.name_sealed)).one() is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  林  小苗 ", "林 小苗"),
        ("阿依•古丽", "阿依·古丽"),
        ("阿依・古丽", "阿依·古丽"),
        ("𬭎㛃龘", "𬭎㛃龘"),
        ("木" * 30, "木" * 30),
        ("Lin Xiaomiao", "Lin Xiaomiao"),
    ],
)
def test_name_is_kept_as_it_will_be_printed(client, make, typed, kept):
    assert rename(client, make.resident(), typed).json["name"] == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "内容过短"),
        ("   ", "内容过短"),
        ("木" * 31, "不能超过 30 个字"),
        ("木" * 101, "内容过长"),
        ("·", "应有文字"),
        ("林\u200b苗", "U+200B"),
        ("林\U000323af苗", "\U000323af（U+323AF）"),
        ("林🌳苗", "🌳（U+1F333）"),
        (5, "应为文字"),
        (True, "应为文字"),
        (["林小苗"], "应为文字"),
        ("林\0苗", "无法保存的字符"),
    ],
)
def test_unprintable_name_is_refused_with_its_field_and_reason(client, make, typed, words):
    answer = rename(client, make.resident(), typed)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    fault = answer.json["errors"][0]
    assert fault["field"] in {"/body/name", "/body"}
    assert words in fault["message"]


def test_every_character_without_a_glyph_is_named(client, make):
    answer = rename(client, make.resident(), "🫠林🌳")
    assert answer.json["errors"][0]["field"] == "/body/name"
    assert "🫠（U+1FAE0）、🌳（U+1F333）" in answer.json["errors"][0]["message"]


def test_phone_that_wechat_vouches_for_is_bound_sealed_and_noted(client, make, safe):
    headers = make.resident()
    answer = client.post("/v1/me/phone", json={"code": "phone-13800001234"}, headers=headers)
    assert (answer.status_code, answer.json) == (200, {"phone_masked": "138****1234"})
    assert client.get("/v1/me", headers=headers).json["phone_masked"] == "138****1234"
    with reading() as session:
        row = session.scalars(select(Resident)).one()
        assert safe.open(row.phone_sealed, place=f"resident.phone:{row.row_key}") == "13800001234"
        noted = session.scalars(select(AuditEntry)).one()
    assert (noted.action, noted.actor_id, noted.details) == ("resident.bind_phone", row.id, {})


def test_second_phone_takes_the_place_of_the_first(client, make):
    headers = make.resident()
    for number in ("13800001234", "13900005678"):
        client.post("/v1/me/phone", json={"code": f"phone-{number}"}, headers=headers)
    assert client.get("/v1/me", headers=headers).json["phone_masked"] == "139****5678"


def test_refused_phone_code_changes_nothing(client, make):
    headers = make.resident()
    answer = client.post("/v1/me/phone", json={"code": "stolen"}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, "bad-phone-code")
    assert client.get("/v1/me", headers=headers).json["phone_masked"] is None


def test_wechat_is_asked_for_the_phone_outside_any_transaction_and_for_this_person(app, settings, ports, make):
    asked = []

    class WatchingMini(FakeMini):
        def phone(self, code, *, openid):
            asked.append((openid, db.session().in_transaction()))
            return super().phone(code, openid=openid)

    headers = make.resident()
    watched = create_app(
        settings, Ports(mini=WatchingMini(), pay=ports.pay, storage=ports.storage, push=FakePush(), now=ports.now)
    )
    watched.test_client().post("/v1/me/phone", json={"code": "phone-13800001234"}, headers=headers)
    assert asked == [("openid-a", False)]
    with watched.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("13800001234", "138****1234"), ("+8613800001234", "+86138****1234"), ("61234567", "****67"), ("1", "****1")],
)
def test_masked_phone_never_shows_more_than_its_ends(phone, masked):
    assert mask_phone(phone) == masked


def test_reading_me_takes_five_statements(client, make, texts):
    headers = make.resident()
    with counted() as statements:
        assert client.get("/v1/me", headers=headers).status_code == 200
    assert len(statements) <= 5, statements


def test_reading_my_sessions_takes_two_statements(client, make):
    headers = make.resident()
    for _ in range(3):
        make.resident()
    with counted() as statements:
        client.get("/v1/sessions", headers=headers)
    assert len(statements) == 2, statements


# ----------------------------------------------------------------------------------------- nickname, phone's index
def test_nickname_is_judged_as_one_and_shown_to_its_owner(client, make, ports):
    headers = make.resident()
    answer = client.patch("/v1/me", json={"nickname": "  小 叶子🌱 "}, headers=headers).json
    assert (answer["nickname"], answer["nickname_status"], answer["name"]) == ("小 叶子🌱", "approved", None)
    assert client.get("/v1/me", headers=headers).json["nickname"] == "小 叶子🌱"


def test_only_what_is_sent_is_changed(client, make):
    headers = make.resident()
    client.patch("/v1/me", json={"name": "林小苗", "nickname": "叶子"}, headers=headers)
    kept = client.patch("/v1/me", json={"nickname": None}, headers=headers).json
    assert (kept["name"], kept["name_status"]) == ("林小苗", "approved")
    assert (kept["nickname"], kept["nickname_status"]) == (None, None)


@pytest.mark.parametrize("nickname", ["\u202e\u200b", "\u200d", "木" * 33, "\u0007"])
def test_nickname_that_cannot_be_seen_or_is_too_long_is_refused(client, make, nickname):
    answer = client.patch("/v1/me", json={"nickname": nickname}, headers=make.resident())
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/body/nickname")


def test_letters_that_turn_a_line_around_are_left_out(client, make):
    answer = client.patch("/v1/me", json={"nickname": "\u202eabc\u2066d"}, headers=make.resident()).json
    assert answer["nickname"] == "abcd"


def test_risky_profile_changes_nothing(client, make, ports):
    headers = make.resident()
    client.patch("/v1/me", json={"name": "林小苗", "nickname": "叶子"}, headers=headers)
    ports.mini.verdicts = {"违规": Suggestion.RISKY}
    answer = client.patch("/v1/me", json={"name": "陈新叶", "nickname": "违规"}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "content-risky")
    assert [fault["field"] for fault in answer.json["errors"]] == ["/body/nickname"]
    mine = client.get("/v1/me", headers=headers).json
    assert (mine["name"], mine["nickname"]) == ("林小苗", "叶子")


def test_phone_is_found_again_by_its_index(client, make, safe):
    client.post("/v1/me/phone", json={"code": "phone-13800001234"}, headers=make.resident())
    with reading() as session:
        assert session.scalars(select(Resident.phone_index)).all() == [safe.index.of("13800001234", purpose="phone")]


def test_phones_of_before_get_their_index_by_a_command(app, client, make, safe):
    for person in ("a", "b", "c"):
        body = {"code": f"phone-1380000{ord(person):04d}"}
        client.post("/v1/me/phone", json=body, headers=make.resident(person))
    with reading() as session:
        wanted = session.scalars(select(Resident.phone_index).order_by(Resident.id)).all()
    with transaction() as session:
        session.execute(update(Resident).values(phone_index=None))
    said = [app.test_cli_runner().invoke(args=["keys", "index-phones", "--batch", "2"]).output for _ in range(2)]
    with reading() as session:
        assert session.scalars(select(Resident.phone_index).order_by(Resident.id)).all() == wanted
    assert ["3" in said[0], "0" in said[1]] == [True, True]
