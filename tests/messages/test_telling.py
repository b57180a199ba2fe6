"""Residents are told once what happened: the inbox always, WeChat's message while there is a consent."""

import pytest
from sqlalchemy import select, update

from models import InboxMessage, MessageConsent, MessageDelivery, MessageKind, OutboxMessage, OutboxStatus, Resident
from tests.messages.conftest import PAID_TEMPLATE
from tests.statements import counted
from wxbackend.core import outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.health import ALARMS
from wxbackend.core.news import TELL, news
from wxbackend.core.wxmini import Delivery
from wxbackend.messages import jobs
from wxbackend.messages import service as messages

pytestmark = pytest.mark.usefixtures("templates")


@pytest.fixture
def me(make):
    return make.resident("a")


@pytest.fixture
def paid(walk, me):
    """A pledge whose payment is known and whose consequences wait in the outbox."""
    number = walk.open(walk.make.base(), me, tree_count=2)
    walk.pay_for(number, me)
    return number


def inbox():
    with reading() as session:
        return session.scalars(select(InboxMessage).order_by(InboxMessage.id)).all()


def deliveries():
    return {row.kind: row.delivery for row in inbox()}


def consents():
    with reading() as session:
        return {row.kind: row.remaining for row in session.scalars(select(MessageConsent))}


def tell(number):
    jobs.tell({"kind": "paid", "document": number})


def alarms(kind):
    return ALARMS.labels(kind)._value.get()


def test_a_payment_and_a_certificate_are_told_in_the_inbox(walk, paid):
    walk.drain()
    [serial] = [certificate.serial for certificate in walk.certificates()]
    assert [(row.kind, row.key, row.title) for row in inbox()] == [
        (MessageKind.PAID, paid, "支付成功"),
        (MessageKind.CERTIFICATE_ISSUED, serial, "证书已颁发"),
    ]
    first, second = inbox()
    assert first.body == "您已为“示范村3号义务植树基地”认种，金额 ¥100.00。感谢您为家乡添绿。"
    assert (first.page, first.delivery) == (f"pages/pledge/index?number={paid}", MessageDelivery.NONE)
    assert second.body == f"您在“示范村3号义务植树基地”的认种认养证书已颁发，编号 {serial}。"


def test_without_a_consent_nothing_is_sent(paid, mini):
    tell(paid)
    assert (mini.sent, deliveries()) == ([], {MessageKind.PAID: MessageDelivery.NONE})


def test_a_consent_is_used_up_by_one_message(paid, mini, accept, me):
    accept(me, "paid")
    tell(paid)
    fields = {"thing1": "示范村3号义务植树基地", "amount2": "¥100.00", "time3": "2026-03-12T12:00:00+08:00"}
    assert mini.sent == [("openid-a", PAID_TEMPLATE, fields, f"pages/pledge/index?number={paid}")]
    assert (deliveries(), consents()) == ({MessageKind.PAID: MessageDelivery.SENT}, {MessageKind.PAID: 0})


def test_a_consent_without_a_template_is_not_touched(paid, app, mini, accept, me):
    accept(me, "paid")
    app.extensions["xiangshu.templates"] = {}
    tell(paid)
    assert (mini.sent, consents()) == ([], {MessageKind.PAID: 1})
    assert deliveries() == {MessageKind.PAID: MessageDelivery.NONE}


def test_news_told_twice_is_one_row_and_one_message(paid, mini, accept, me):
    accept(me, "paid")
    accept(me, "paid", **{"Idempotency-Key": "second"})
    tell(paid)
    tell(paid)
    assert (len(inbox()), len(mini.sent), consents()) == (1, 1, {MessageKind.PAID: 1})


def test_while_wechat_is_away_the_outbox_tries_again_without_a_second_consent_or_row(walk, paid, mini, accept, me):
    accept(me, "paid")
    accept(me, "paid")
    mini.failures = [UpstreamFailed()]
    walk.drain()
    [waiting] = [row for row in walk.all(OutboxMessage) if row.topic == TELL and row.status is OutboxStatus.READY]
    assert (waiting.key, waiting.attempts) == (f"paid:{paid}", 1)
    assert (deliveries()[MessageKind.PAID], consents()) == (MessageDelivery.WAITING, {MessageKind.PAID: 1})
    walk.clock.forward(seconds=2)
    walk.drain()
    assert (deliveries()[MessageKind.PAID], consents()) == (MessageDelivery.SENT, {MessageKind.PAID: 1})
    assert (len(mini.sent), len(inbox())) == (1, 2)


def test_a_crash_between_sending_and_noting_sends_once_more_and_loses_nothing(app, paid, mini, accept, me):
    accept(me, "paid")

    class Crash(Exception):
        pass

    send = mini.send_message

    def send_and_die(**letter):
        send(**letter)
        raise Crash

    mini.send_message = send_and_die
    with pytest.raises(Crash):
        tell(paid)
    del mini.send_message
    tell(paid)
    tell(paid)
    assert (len(mini.sent), len(inbox()), consents()) == (2, 1, {MessageKind.PAID: 0})
    assert deliveries() == {MessageKind.PAID: MessageDelivery.SENT}


def test_row_44_a_refusal_ends_the_consents_of_its_kind_and_leaves_the_inbox(walk, paid, mini, accept, me):
    for _ in range(3):
        accept(me, "paid", "refund")
    mini.delivery = Delivery.REFUSED
    walk.drain()
    assert deliveries()[MessageKind.PAID] is MessageDelivery.REFUSED
    assert consents() == {MessageKind.PAID: 0, MessageKind.REFUND: 3}
    assert [row.status for row in walk.all(OutboxMessage)] == [OutboxStatus.DONE] * 5
    tell(paid)
    assert len(mini.sent) == 1


def test_row_45_a_template_that_wechat_refuses_alarms_once_a_day(walk, mini, accept, me):
    base, before = walk.make.base(), alarms("message-template")
    mini.delivery = Delivery.INVALID
    for _ in range(3):
        accept(me, "paid")
    for _ in range(2):
        walk.pay_for(walk.open(base, me), me)
    walk.drain()
    assert [row.delivery for row in inbox() if row.kind is MessageKind.PAID] == [MessageDelivery.INVALID] * 2
    assert alarms("message-template") == before + 1
    walk.clock.forward(days=1)
    walk.pay_for(walk.open(base, me), me)
    walk.drain()
    assert alarms("message-template") == before + 2


def test_the_last_consent_is_taken_by_one_of_two_messages(walk, mini, accept, me):
    accept(me, "paid")
    base = walk.make.base()
    for _ in range(2):
        walk.pay_for(walk.open(base, me), me)
    walk.drain()
    told = sorted(row.delivery for row in inbox() if row.kind is MessageKind.PAID)
    assert (told, consents()) == ([MessageDelivery.NONE, MessageDelivery.SENT], {MessageKind.PAID: 0})


def test_whoever_has_left_is_told_nothing(walk, client, paid, mini, accept, me):
    accept(me, "paid")
    assert client.delete("/v1/me", headers=me).status_code == 204
    walk.drain()
    assert (inbox(), mini.sent, consents()) == ([], [], {})


def test_an_account_without_an_openid_is_told_nothing(paid, mini, accept, me):
    accept(me, "paid")
    with transaction() as session:
        session.execute(update(Resident).values(openid_sealed=None))
    tell(paid)
    assert (inbox(), mini.sent) == ([], [])


def test_what_is_not_paid_is_not_told(walk, me):
    tell(walk.open(walk.make.base(), me))
    tell("P000000NOBODY")
    assert inbox() == []


def test_a_certificate_revoked_meanwhile_is_not_told(walk, paid):
    walk.drain()
    [certificate] = walk.certificates()
    with transaction() as session:
        session.execute(InboxMessage.__table__.delete())
    jobs.tell({"kind": "certificate_issued", "document": "RZ" + "0" * 18})
    assert (inbox(), certificate.status) == ([], "issued")


def test_the_outbox_names_a_document_and_nobody(walk, paid):
    rows = [row for row in walk.all(OutboxMessage) if row.topic == TELL]
    assert [(row.key, row.payload) for row in rows] == [(f"paid:{paid}", {"kind": "paid", "document": paid})]


def test_all_consequences_of_a_payment_are_put_in_with_one_statement(walk, me):
    paid = walk.pay.pay(walk.order(walk.open(walk.make.base(), me), me))
    body = walk.pay.notice_of(paid)
    with counted() as statements:
        assert walk.notify(body).status_code == 204
    assert len([one for one in statements if "INTO outbox_message" in one]) == 1
    assert len(statements) <= 12
    assert [row.topic for row in walk.all(OutboxMessage)] == ["pledge.fulfil", "message.tell", "shipping.report"]


def test_telling_costs_five_statements_with_a_consent(paid, accept, me):
    accept(me, "paid")
    with counted() as statements:
        tell(paid)
    assert len(statements) == 6  # facts, person, row, consent, its mark; after the call: the outcome


def test_news_is_put_in_once_however_often_it_happens(app, clock):
    with transaction() as session:
        outbox.enqueue_all(session, works=[news(MessageKind.PLANTED, "P1")], now=clock())
        outbox.enqueue_all(session, works=[news(MessageKind.PLANTED, "P1"), news(MessageKind.PAID, "P1")], now=clock())
    with reading() as session:
        assert session.scalars(select(OutboxMessage.key).order_by(OutboxMessage.key)).all() == ["paid:P1", "planted:P1"]


def test_an_outcome_is_noted_once(paid, accept, me, clock):
    accept(me, "paid")
    accept(me, "paid")
    tell(paid)
    [row] = inbox()
    with transaction() as session:
        messages.note_delivery(session, message_id=row.id, outcome=Delivery.REFUSED, now=clock())
    assert (deliveries(), consents()) == ({MessageKind.PAID: MessageDelivery.SENT}, {MessageKind.PAID: 1})
