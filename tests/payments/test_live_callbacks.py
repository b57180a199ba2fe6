"""Callbacks through the live gateway: real signatures and sealed documents, and nobody to call."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from models import PaymentAttempt, PaymentMismatch, PaymentNotice, Pledge
from tests.make import Make
from tests.payments.walk import Walk
from tests.wechat.paper import APPID, MCHID, NOON, ORDER, OTHER_MCHID, PayWorld, envelope, seal, transaction
from wxbackend.core.db import db
from wxbackend.core.db import transaction as writing
from wxbackend.factory import create_app
from wxbackend.wechat.live import live_gateway
from wxbackend.wechat.pay import LiveGateway

UNREACHABLE = "http://127.0.0.1:9"  # a call would fail, and the answer would not be 401


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> PayWorld:
    return PayWorld.made(Path(tmp_path_factory.mktemp("merchants")))


@pytest.fixture
def gateway(paper: PayWorld):
    gateway = live_gateway(appid=APPID, merchants_file=paper.merchants_file, base_url=UNREACHABLE)
    yield gateway
    gateway.disconnect()


@pytest.fixture
def app(settings, ports, gateway: LiveGateway, clock):
    clock.moment = NOON
    app = create_app(settings, replace(ports, pay=gateway))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def number(walk: Walk, make: Make) -> str:
    """A pledge whose order is known to WeChat as ``ORDER``, for the payer and the amount of the documents."""
    base = make.base(campaign=make.campaign(payee_id=make.payee(mchid=MCHID).id), price_fen=9900)
    number = walk.open(base, make.resident())
    index = walk.app.extensions["xiangshu.vault"].index
    [pledge] = walk.all(Pledge)
    with writing() as session:
        session.add(
            PaymentAttempt(
                pledge_id=pledge.id,
                ordinal=1,
                out_trade_no=ORDER,
                mchid=MCHID,
                appid=APPID,
                amount_fen=9900,
                payer_index=index.of("o-resident", purpose="payer"),
                status="prepay",
                prepay_id="wx-prepay",
                expires_at=pledge.hold_expires_at,
                created_at=NOON,
                next_query_at=NOON + timedelta(minutes=5),
            )
        )
    return number


def tell(walk, paper, body, *, mchid=MCHID, **signing):
    return walk.client.post(f"/wx/pay/notify/{mchid}", data=body, headers=paper.sign(body, **signing))


@pytest.mark.parametrize("by_certificate", [False, True])
def test_a_genuine_notice_funds_its_pledge(walk, paper, number, by_certificate):
    answer = tell(walk, paper, envelope(seal(transaction())), by_certificate=by_certificate)
    assert (answer.status_code, walk.status(number)) == (204, "funded")
    [notice] = walk.all(PaymentNotice)
    assert "o-resident" not in notice.body  # kept as it came: sealed


def test_row_8_a_genuine_notice_over_another_amount_is_kept_apart(walk, paper, number):
    changed = transaction(amount={"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"})
    assert tell(walk, paper, envelope(seal(changed))).status_code == 204
    assert (walk.status(number), [m.field for m in walk.all(PaymentMismatch)]) == ("pending", ["amount_fen"])


@pytest.mark.parametrize("change", [{"mchid": OTHER_MCHID}, {"appid": "wx9999999999999999"}])
def test_row_9_a_genuine_notice_for_others_is_a_bad_request(walk, paper, number, change):
    answer = tell(walk, paper, envelope(seal(transaction(**change))))
    assert (answer.status_code, answer.json["code"], walk.status(number)) == (400, "FAIL", "pending")
    assert walk.all(PaymentNotice) == walk.all(PaymentMismatch) == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_row_10_a_genuine_notice_outside_the_window_is_refused_and_its_order_asked_about(walk, paper, number, minutes):
    answer = tell(walk, paper, envelope(seal(transaction())), at=NOON + timedelta(minutes=minutes))
    assert (answer.status_code, walk.status(number), walk.all(PaymentNotice)) == (401, "pending", [])
    [attempt] = walk.attempts()
    assert attempt.next_query_at == NOON


def forged(paper, body):
    return {**paper.sign(body + b" ")}


def unknown_serial(paper, body):
    return {**paper.sign(body), "Wechatpay-Serial": "5A" * 20}


def signtest(paper, body):
    return {**paper.sign(body), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/abcdefgh"}


@pytest.mark.parametrize("headers", [forged, unknown_serial, signtest, lambda _paper, _body: {}])
def test_rows_11_and_12_a_flood_of_bad_signatures_is_refused_and_the_genuine_one_still_taken(
    walk, paper, number, headers
):
    body = envelope(seal(transaction()))
    for _ in range(20):
        answer = walk.client.post(f"/wx/pay/notify/{MCHID}", data=body, headers=headers(paper, body))
        assert (answer.status_code, answer.json["code"]) == (401, "FAIL")
    [attempt] = walk.attempts()
    assert (walk.status(number), attempt.next_query_at) == ("pending", NOON + timedelta(minutes=5))
    assert tell(walk, paper, body).status_code == 204
    assert walk.status(number) == "funded"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"id":"x"}'])
def test_a_signed_body_that_is_no_notice_is_refused(walk, paper, number, body):
    answer = tell(walk, paper, body)
    assert (answer.status_code, answer.json["code"], walk.status(number)) == (401, "FAIL", "pending")
