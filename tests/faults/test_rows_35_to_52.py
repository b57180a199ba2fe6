"""What goes wrong with the platform: tokens, limits, codes, content, messages, hosts, clocks."""

from io import BytesIO

import pytest
from PIL import Image

from models import (
    ContentReview,
    InboxMessage,
    MessageConsent,
    MessageKind,
    MiniCode,
    Pledge,
    Resident,
    ShippingReport,
)
from tests.faults.county import MCHID, County
from wxbackend.core.ports import ports
from wxbackend.messages.templates import Template
from wxbackend.wechat.transport import Hosts, Link

TEMPLATE = "template-of-payments"


@pytest.fixture
def me(county):
    return county.resident()


def sign_in(county: County, code: str):
    return county.client.post("/v1/sessions", json={"code": code})


@pytest.fixture
def person(county):
    """(openid, headers) of somebody with a phone."""
    user = county.control("POST", "users", {"phone": "13800001234"})
    return user["openid"], county.sign_in(user["code"])


def phone(county: County, person):
    openid, headers = person
    code = county.control("POST", "phone-codes", {"openid": openid})["code"]
    return county.client.post("/v1/me/phone", json={"code": code}, headers=headers)


def test_row_35_a_token_made_void_elsewhere_is_renewed_once(county, person):
    assert phone(county, person).status_code == 200
    county.control("POST", "tokens/invalidate")
    before = county.hits("stable_token")
    assert phone(county, person).status_code == 200
    assert county.hits("stable_token") == before + 1


def test_row_36_a_secret_that_was_reset_stops_the_calls_and_turns_readiness_red(county, person):
    phone(county, person)
    county.control("POST", "app", {"secret": "another secret of thirty-two chars"})
    for _ in range(5):
        assert phone(county, person).status_code == 502
    assert county.hits("stable_token") <= 4
    ready = county.client.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["wechat"]) == (503, False)


def test_row_37_a_busy_wechat_is_asked_again_twice_and_then_let_be(county, person):
    county.fault("getuserphonenumber", times=2, json={"errcode": -1, "errmsg": "system error"})
    assert phone(county, person).status_code == 200
    county.fault("getuserphonenumber", times=9, json={"errcode": -1, "errmsg": "system error"})
    before = county.hits("getuserphonenumber")
    assert phone(county, person).status_code == 502
    assert county.hits("getuserphonenumber") == before + 3


@pytest.mark.parametrize("errcode", [45009, 45011])
def test_row_38_a_spent_quota_is_not_asked_again(county, person, errcode):
    county.fault("getuserphonenumber", times=9, json={"errcode": errcode, "errmsg": "reach max api limit"})
    before = county.hits("getuserphonenumber")
    answer = phone(county, person)
    assert (answer.status_code, answer.json["code"]) == (502, "wechat-rate-limited")
    assert county.hits("getuserphonenumber") == before + 1


@pytest.mark.parametrize("errcode", [40029, 40163])
def test_row_39_a_bad_login_code_asks_for_another_sign_in(county, errcode):
    county.fault("jscode2session", json={"errcode": errcode, "errmsg": ""})
    answer = sign_in(county, "anything")
    assert (answer.status_code, answer.json["code"]) == (401, "bad-login-code")


def test_row_39_a_person_whom_wechat_blocks_is_told_so(county):
    code = county.control("POST", "users", {"blocked": True})["code"]
    answer = sign_in(county, code)
    assert (answer.status_code, answer.json["code"]) == (403, "login-blocked")


def test_row_40_a_login_code_works_once(county):
    code = county.control("POST", "users", {})["code"]
    assert [sign_in(county, code).status_code for _ in range(2)] == [201, 401]


def test_row_41_a_phone_code_of_somebody_else_is_refused(county, person):
    other = county.control("POST", "users", {"phone": "13900005678"})["openid"]
    answer = phone(county, (other, person[1]))
    assert (answer.status_code, answer.json["code"]) == (409, "bad-phone-code")


def pledge_with(county: County, me, **texts):
    base = county.base()
    body = {"kind": "plant", "base_id": base.public_id, "tree_count": 1, "display": "name", **texts}
    return county.client.post("/v1/pledges", json=body, headers=me)


def reviews(county: County) -> list[tuple[str, str, str]]:
    return [(str(row.subject), str(row.status), row.cause) for row in county.all(ContentReview)]


def test_row_42_words_that_wechat_cannot_judge_now_wait_for_a_person(county, me):
    county.fault("msg_sec_check", times=9, status=500)
    assert pledge_with(county, me, dedication="愿此树常青").status_code == 201
    assert reviews(county) == [("dedication", "pending", "unavailable")]


def test_row_42_words_of_a_person_who_was_away_for_two_hours_wait_as_well(county, me):
    county.forward(hours=2, minutes=1)
    assert pledge_with(county, me, dedication="愿此树常青").status_code == 201
    assert reviews(county) == [("dedication", "pending", "unavailable")]


def test_row_42_risky_words_change_nothing(county, me):
    answer = pledge_with(county, me, dedication="这是违规内容")
    assert (answer.status_code, answer.json["code"]) == (422, "content-risky")
    assert county.all(Pledge) == county.all(ContentReview) == []


def picture() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (64, 64), "green").save(drawn, "PNG")
    return drawn.getvalue()


def put_avatar(county: County, me) -> None:
    answer = county.client.put("/v1/me/avatar", data=picture(), headers={**me, "Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text


def test_row_43_a_verdict_that_never_comes_is_asked_for_once_more_and_then_left_to_a_person(county, me):
    county.control("POST", "media-rules", {"lost": True, "times": 9})
    put_avatar(county, me)
    county.drain()
    before = county.hits("media_check_async")
    for _ in range(4):
        county.forward(minutes=31)
        county.work()
    assert (before, county.hits("media_check_async")) == (1, 2)
    [(subject, status, _)] = reviews(county)
    assert (subject, status) == ("avatar", "pending")


def subscribed(county: County, person, *, consents: int):
    """Somebody who accepted one message about a payment; WeChat remembers ``consents``."""
    openid, headers = person
    county.control("POST", "templates", {"template_id": TEMPLATE, "fields": ["thing1", "amount2"]})
    fields = {"thing1": "base", "amount2": "amount"}
    told = {MessageKind.PAID: Template(TEMPLATE, fields, "pages/pledge/index?number={document}")}
    county.app.extensions["xiangshu.templates"] = told
    county.control("POST", "pages", {"pages": ["pages/pledge/index"]})
    county.control("POST", "consents", {"openid": openid, "template_id": TEMPLATE, "count": consents})
    county.client.post("/v1/me/message-consents", json={"accepted": ["paid"]}, headers=headers)
    return headers


def deliveries(county: County) -> list[str]:
    return [str(row.delivery) for row in county.all(InboxMessage) if row.kind is MessageKind.PAID]


def test_row_44_a_message_that_is_refused_stands_in_the_inbox_and_uses_up_the_consent(county, person):
    me = subscribed(county, person, consents=0)
    county.paid(county.open(county.base(), me), me)
    assert deliveries(county) == ["refused"]
    assert [row.remaining for row in county.all(MessageConsent)] == [0]


def test_row_45_fields_are_cut_to_wechats_rules(county, person):
    """A base has a name longer than the twenty characters of a thing."""
    me = subscribed(county, person, consents=1)
    base = county.base(name="示范村一号义务植树基地" * 5)
    county.paid(county.open(base, me), me)
    assert deliveries(county) == ["sent"]
    [sent] = county.control("GET", f"messages?openid={person[0]}")["messages"]
    assert len(sent["fields"]["thing1"]) <= 20


def test_row_46_a_page_that_is_not_published_falls_back_to_the_plain_code(county, me):
    county.control("POST", "pages", {"pages": []})
    number = county.open(county.base(), me)
    county.paid(number, me)
    [tree] = county.client.get(f"/v1/pledges/{number}", headers=me).json["trees"]
    for _ in range(2):
        answer = county.client.get(f"/v1/trees/{tree['token']}/mini-code.png")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        county.drain()
    assert county.all(MiniCode) == []


def test_row_47_an_order_that_cannot_be_shipped_yet_is_reported_later(county, me):
    county.control("POST", "shipping", {"managed": True, "known_after_s": 600})
    number = county.open(county.base(), me)
    order = county.paid(number, me)
    [report] = county.all(ShippingReport)
    assert str(report.status) in {"waiting", "failed"}
    for _ in range(3):
        county.forward(minutes=20)
        county.work()
    [report] = county.all(ShippingReport)
    assert (str(report.status), report.upload_count) == ("shipped", 1)
    assert report.transaction_id == county.attempt(order).transaction_id


def push(county: County, event: str, openid: str, **fields) -> None:
    with county.served() as origin:
        county.control("POST", "push/settings", {"url": f"{origin}/wx/push"})
        county.control("POST", "push", {"event": event, "openid": openid, "fields": {"OpenID": openid, **fields}})
        county.deliver()


def test_row_48_a_withdrawn_phone_is_deleted_and_nothing_else(county, person):
    phone(county, person)
    push(county, "user_authorization_revoke", person[0], RevokeInfo="8")
    [resident] = county.all(Resident)
    assert (resident.phone_sealed, resident.phone_index, str(resident.status)) == (None, None, "active")


def test_row_48_a_cancelled_authorization_forgets_the_person_and_keeps_the_money(county, person):
    me = person[1]
    number = county.open(county.base(), me)
    county.paid(number, me)
    push(county, "user_authorization_cancellation", person[0])
    county.work()
    [resident] = county.all(Resident)
    assert (str(resident.status), resident.openid_sealed) == ("erased", None)
    assert county.booked_fen() == 5000
    county.assert_clean()


def test_row_49_a_host_that_cannot_be_reached_is_replaced_by_its_stand_in(county, me):
    """Two failed connects, and the second address takes over; the simulator is the stand-in."""
    number = county.open(county.base(), me)
    gateway = ports().pay
    core = gateway._core(MCHID)
    link, alive = core._link, core._link._hosts.current()
    core._link = Link(Hosts("http://127.0.0.1:9", alive), timeout_s=(1.0, 2.0))
    try:
        assert county.ask_to_pay(number, me).status_code in {201, 502}
        assert county.ask_to_pay(number, me).status_code == 201
    finally:
        core._link.close()
        core._link = link


def test_row_50_a_clock_that_is_off_turns_readiness_red(county):
    county.control("POST", "clock", {"skew_s": 400})
    base = county.base()
    me = county.resident()
    assert county.ask_to_pay(county.open(base, me), me).status_code == 502
    county.work()
    ready = county.client.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["clock"]) == (503, False)


def test_row_51_a_person_belongs_to_the_mini_program_they_signed_in_to(county):
    """The openid of another appid is another person: WeChat refuses their order, and nothing is paid."""
    other = county.control("POST", "users", {"appid": "wx9999999999999999"})
    answer = sign_in(county, other["code"])
    assert answer.status_code == 401


@pytest.mark.parametrize("number", ["../refunds/R1", "P%2F..%2Fx", "a b", "x" * 41])
def test_row_52_a_number_that_is_a_path_reaches_no_address(county, me, number):
    before = county.hits("/v3/")
    answer = county.client.post(f"/v1/pledges/{number}/payments", headers=me)
    assert answer.status_code in {404, 405, 422}
    assert county.hits("/v3/") == before
