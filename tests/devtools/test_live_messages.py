"""Push, subscribe message and mini-program code: our backend and the simulator, with nothing faked in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models import MessageKind, MiniCode, PushMessage, PushState
from tests.payments.walk import Walk
from wxbackend.codes.minting import mint
from wxbackend.codes.rules import CodeWish
from wxbackend.core.db import db, transaction
from wxbackend.core.wxmini import WxIdentity
from wxbackend.factory import create_app
from wxbackend.identity import service as identity
from wxbackend.messages.templates import Template
from wxbackend.wechat.live import live_mini, live_push

FIELDS = {"thing1": "base", "amount2": "amount", "time3": "paid_at"}


@pytest.fixture
def app(settings, ports, simulator, running):
    program, push = simulator.world.app, simulator.world.mini.push.settings
    mini = live_mini(appid=program.appid, secret=program.secret, base_url=running.origin)
    opener = live_push(appid=program.appid, token=push.token, aes_key=push.aes_key)
    app = create_app(settings, replace(ports, mini=mini, push=opener))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    mini.disconnect()


@pytest.fixture
def walk(app, client, make, pay, clock):
    return Walk(app, client, make, pay, clock)


@pytest.fixture
def me(app, openid, clock):
    """Signed in as somebody whom the simulator knows."""
    new = identity.NewSession(token="t" * 43, public_id="phone", device="", expires_at=clock() + timedelta(days=1))
    with transaction() as session:
        identity.sign_in(
            session,
            appid=app.extensions["xiangshu.ports"].mini.appid,
            who=WxIdentity(openid),
            new=new,
            safe=app.extensions["xiangshu.vault"],
            now=clock(),
        )
    return {"Authorization": f"Bearer {new.token}"}


def test_a_paid_pledge_is_told_by_a_message_that_uses_up_the_consent(walk, app, client, simulator, openid, me):
    simulator.control("POST", "templates", {"template_id": "T1", "fields": list(FIELDS), "title": "支付成功"})
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1"})
    page = "pages/pledge/index?number={document}"
    app.extensions["xiangshu.templates"] = {MessageKind.PAID: Template("T1", FIELDS, page)}
    for _ in range(2):
        client.post("/v1/me/message-consents", json={"accepted": ["paid"]}, headers=me)
    base, numbers = walk.make.base(name="后山基地"), []
    for _ in range(2):
        numbers.append(walk.open(base, me))
        paid = walk.pay.pay(walk.order(numbers[-1], me), appid=simulator.world.app.appid)
        assert walk.notify(walk.pay.notice_of(paid)).status_code == 204
        walk.drain()
    [sent] = simulator.control("GET", f"messages?openid={openid}")["messages"]
    assert sent["fields"] == {"thing1": "后山基地", "amount2": "¥50.00", "time3": "2026年3月12日 12:00"}
    assert sent["page"] == f"pages/pledge/index?number={numbers[0]}"
    listed = client.get("/v1/me/export", headers=me).json["sections"]
    told = [row["delivery"] for row in listed["messages"] if row["kind"] == "paid"]
    assert (told, listed["message_consents"][0]["remaining"]) == (["sent", "refused"], 0)


def test_a_push_of_the_simulator_is_opened_noted_once_and_forgeries_are_refused(client, simulator, receiver, walk):
    walk.clock.moment = datetime.fromtimestamp(simulator.world.clock.now(), UTC)
    simulator.control("POST", "shipping/remind-access", {})
    simulator.control("POST", "flush", {"until": "end"})
    came = receiver.posts[0]
    answers = [client.post("/wx/push", query_string=came.query, data=came.body) for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "success")] * 2
    [noted] = walk.all(PushMessage)
    assert (noted.event, noted.state) == ("trade_manage_remind_access_api", PushState.DONE)
    forged = client.post("/wx/push", query_string={**came.query, "msg_signature": "0" * 40}, data=came.body)
    assert (forged.status_code, len(walk.all(PushMessage))) == (401, 1)


def test_a_code_that_the_simulator_draws_is_kept_as_a_png(app, walk, storage):
    mint(CodeWish("TREE0000000001", "pages/index/index", 430))
    [code] = walk.all(MiniCode)
    assert storage.files[code.storage_key].startswith(b"\x89PNG")
