"""What WeChat is told of a payment, when, and how often."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from models import (
    AuditEntry,
    OutboxMessage,
    OutboxStatus,
    Pledge,
    PledgeKind,
    PledgeStatus,
    PushMessage,
    PushState,
    Resident,
    ShippingReport,
)
from tests.fakes import ARBOR_DAY_NOON
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.health import ALARMS
from wxbackend.core.wxmini import PushEvent, ShippingState, ShippingTooEarly
from wxbackend.core.wxpay import OrderState, TradeState
from wxbackend.shipping import jobs, reporting
from wxbackend.shipping import service as shipping
from wxbackend.shipping.rules import DESCRIPTION_LENGTH, REPORT, description


@pytest.fixture
def me(make):
    return make.resident("a")


@pytest.fixture
def paid(walk, me):
    """(pledge number, transaction id) of a payment that we know of."""
    number = walk.open(walk.make.base(name="后山基地"), me, tree_count=2)
    return number, walk.pay_for(number, me).transaction_id


def reports():
    with reading() as session:
        return session.scalars(select(ShippingReport).order_by(ShippingReport.id)).all()


def standing():
    [report] = reports()
    return str(report.status), report.upload_count, report.last_error


def alarms(kind):
    return ALARMS.labels(kind)._value.get()


def errand(walk):
    [row] = [row for row in walk.all(OutboxMessage) if row.topic == REPORT]
    return row.status


def count_asked(mini):
    asked = []
    ask = mini.is_trade_managed

    def counting():
        asked.append(1)
        return ask()

    mini.is_trade_managed = counting
    return asked


# ------------------------------------------------------------------------------------------------ reporting
def test_a_managed_payment_is_reported_with_what_was_pledged(walk, mini, paid):
    number, transaction_id = paid
    walk.drain()
    shipment = mini.shipments[transaction_id]
    assert (shipment.openid, shipment.at) == ("openid-a", ARBOR_DAY_NOON)
    assert shipment.description == f"认种荔枝2棵，后山基地，编号{number}"
    assert standing() == ("shipped", 1, None)
    [report] = reports()
    assert (report.transaction_id, report.reported_at) == (transaction_id, ARBOR_DAY_NOON)


def test_a_donation_is_reported_by_its_campaign(walk, mini, me):
    number = walk.donate(walk.make.base(), me)
    paid = walk.pay_for(number, me)
    walk.drain()
    assert mini.shipments[paid.transaction_id].description == f"认捐我为家乡种棵树，编号{number}"


def test_where_trade_is_not_managed_nothing_is_sent_or_noted(walk, mini, paid):
    mini.managed = False
    walk.drain()
    assert (mini.shipments, reports(), errand(walk)) == ({}, [], OutboxStatus.DONE)


def test_whether_trade_is_managed_is_asked_once_a_day(walk, mini, me):
    asked = count_asked(mini)
    base = walk.make.base()
    for _ in range(3):
        walk.pay_for(walk.open(base, me), me)
        walk.drain()
    assert len(asked) == 1
    walk.clock.forward(days=1)
    walk.pay_for(walk.open(base, me), me)
    walk.drain()
    assert len(asked) == 2


def test_row_47_too_early_is_tried_again_later(walk, mini, paid):
    _, transaction_id = paid
    report, early = mini.report_shipping, [ShippingTooEarly()]

    def early_once(shipment):
        if early:
            raise early.pop()
        report(shipment)

    mini.report_shipping = early_once
    walk.drain()
    assert (standing(), errand(walk)) == (("waiting", 1, "shipping-too-early"), OutboxStatus.READY)
    walk.clock.forward(seconds=3)
    walk.drain()
    assert (standing(), errand(walk)) == (("shipped", 1, None), OutboxStatus.DONE)
    assert set(mini.shipments) == {transaction_id}


def test_row_47_what_wechat_has_finished_already_is_done(walk, mini, paid):
    _, transaction_id = paid
    reporting_fails_once(mini)
    walk.drain()
    mini.shipping[transaction_id] = ShippingState.SETTLED
    walk.clock.forward(seconds=3)
    walk.drain()
    assert (standing(), mini.shipments) == (("settled", 1, None), {})


def reporting_fails_once(mini):
    report, failures = mini.report_shipping, [UpstreamFailed()]

    def fail_once(shipment):
        if failures:
            raise failures.pop()
        report(shipment)

    mini.report_shipping = fail_once


def test_while_wechat_is_away_the_report_is_noted_as_failed_and_tried_again(walk, mini, paid):
    reporting_fails_once(mini)
    walk.drain()
    assert standing() == ("failed", 1, "upstream-failed")
    walk.clock.forward(seconds=3)
    walk.drain()
    assert standing() == ("shipped", 1, None)


def test_an_upload_whose_answer_was_lost_is_not_made_again(walk, mini, paid):
    """A second upload would be the one correction that WeChat allows."""
    report, uploads = mini.report_shipping, []

    def lose_answer(shipment):
        report(shipment)
        uploads.append(1)
        raise UpstreamFailed

    mini.report_shipping = lose_answer
    walk.drain()
    assert standing()[0] == "failed"
    walk.clock.forward(seconds=3)
    walk.drain()
    assert (standing(), uploads) == (("shipped", 1, None), [1])


def test_a_report_made_twice_is_sent_once(walk, mini, paid):
    _, transaction_id = paid
    walk.drain()
    mini.shipments.clear()
    reporting.report(transaction_id)
    assert (mini.shipments, len(reports())) == ({}, 1)


def test_a_payment_of_nobody_is_not_reported(mini, app):
    reporting.report("4200000000000000000000000000")
    assert (mini.shipments, reports()) == ({}, [])


def test_a_refunded_pledge_is_not_reported(walk, mini, paid):
    _, transaction_id = paid
    with transaction() as session:
        session.execute(update(Pledge).values(status=PledgeStatus.REFUNDED, refunded_fen=Pledge.amount_fen))
    reporting.report(transaction_id)
    assert (standing(), mini.shipments) == (("refunded", 0, None), {})


def test_trees_that_went_back_are_not_reported(walk, mini, paid):
    number, transaction_id = paid
    with transaction() as session:
        session.execute(update(Pledge).values(refunded_tree_count=1))
    reporting.report(transaction_id)
    assert mini.shipments[transaction_id].description == f"认种荔枝1棵，后山基地，编号{number}"


def test_a_payer_who_left_cannot_be_named_so_somebody_is_told(walk, mini, paid):
    _, transaction_id = paid
    with transaction() as session:
        session.execute(update(Resident).values(openid_sealed=None))
    before = alarms("shipping-payer-erased")
    reporting.report(transaction_id)
    assert (standing(), mini.shipments) == (("failed", 0, "payer-erased"), {})
    assert alarms("shipping-payer-erased") == before + 1
    reporting.report(transaction_id)
    assert alarms("shipping-payer-erased") == before + 1


def test_a_payer_who_left_is_told_of_once_and_chased_no_more(walk, mini, paid, run):
    with transaction() as session:
        session.execute(update(Resident).values(openid_sealed=None))
    reporting.report(paid[1])
    before = alarms("shipping-payer-erased"), alarms("shipping-unreported")
    for _ in range(3):
        walk.clock.forward(days=1)
        jobs.chase_reports()
    assert (alarms("shipping-payer-erased"), alarms("shipping-unreported")) == before
    assert "payer-erased" in run("waiting").output


def test_reports_that_are_refused_for_ever_starve_no_other(walk, mini, me):
    base = walk.make.base()
    ids = [walk.pay_for(walk.open(base, me), me).transaction_id for _ in range(3)]
    with transaction() as session:
        for transaction_id in ids:
            shipping.prepare(session, transaction_id=transaction_id, safe=vault_of(walk), now=walk.clock())
    walk.clock.forward(hours=2)
    with reading() as session:
        firsts = {
            shipping.unreported(session, before=walk.clock(), turn=turn, turns=jobs.TURNS, limit=1)[0]
            for turn in range(jobs.TURNS)
        }
        every = shipping.unreported(session, before=walk.clock(), turn=0, turns=jobs.TURNS, limit=50)
    assert firsts == set(every) == set(ids)


def test_a_second_payment_is_not_reported_for_it_goes_back(walk, mini, me):
    number = walk.open(walk.make.base(), me)
    first = walk.order(number, me)
    walk.pay.states[first] = OrderState(TradeState.CLOSED, None)
    walk.clock.forward(seconds=10)
    walk.poll()
    kept = walk.pay_for(number, me).transaction_id
    assert walk.notify(walk.pay.notice_of(walk.pay.pay(first))).status_code == 204
    walk.drain()
    assert [report.transaction_id for report in reports()] == list(mini.shipments) == [kept]


# ------------------------------------------------------------------------------------------------ words
@pytest.mark.parametrize("kind", PledgeKind)
def test_a_description_fits_and_ends_with_the_number(kind):
    words = description(
        kind=kind, species="树" * 80, tree_count=3, base="基" * 200, campaign="活" * 200, number="P2603120000000000"
    )
    assert len(words) <= DESCRIPTION_LENGTH
    assert words.endswith("，编号P2603120000000000")


# ------------------------------------------------------------------------------------------------ by the clock
def test_a_report_that_waits_is_chased_after_an_hour_and_alarms_after_a_day(walk, mini, paid):
    for _ in range(30):
        mini.failures.append(UpstreamFailed())
    with transaction() as session:
        session.execute(update(OutboxMessage).values(status=OutboxStatus.DONE))
    with pytest.raises(UpstreamFailed):
        reporting.report(paid[1])
    before = alarms("shipping-unreported")
    walk.clock.forward(minutes=59)
    jobs.chase_reports()
    assert len(mini.failures) == 29
    walk.clock.forward(minutes=2)
    jobs.chase_reports()
    assert (len(mini.failures), alarms("shipping-unreported")) == (28, before)
    walk.clock.forward(hours=24)
    mini.failures.clear()
    jobs.chase_reports()
    assert (standing()[0], alarms("shipping-unreported")) == ("shipped", before + 1)
    jobs.chase_reports()
    assert alarms("shipping-unreported") == before + 1


def test_a_fault_of_one_report_stops_no_other(walk, mini, me):
    base = walk.make.base()
    ids = [walk.pay_for(walk.open(base, me), me).transaction_id for _ in range(2)]
    report = mini.report_shipping
    mini.report_shipping = lambda shipment: (_ for _ in ()).throw(UpstreamFailed())
    walk.drain()
    walk.clock.forward(hours=2)

    def refuse_first(shipment):
        if shipment.transaction_id == ids[0]:
            raise ValueError("broken")
        report(shipment)

    mini.report_shipping = refuse_first
    jobs.chase_reports()
    assert [str(row.status) for row in reports()] == ["failed", "shipped"]


def test_what_became_of_a_report_is_asked_within_a_day(walk, mini, paid):
    walk.drain()
    mini.shipping[paid[1]] = ShippingState.CONFIRMED
    for _ in range(jobs.TURNS):
        walk.clock.forward(hours=1)
        jobs.refresh_states()
    assert standing()[0] == "confirmed"
    mini.shipping[paid[1]] = ShippingState.REFUNDED
    for _ in range(jobs.TURNS):
        walk.clock.forward(hours=1)
        jobs.refresh_states()
    assert standing()[0] == "refunded"


@pytest.mark.parametrize("state", [ShippingState.UNKNOWN, ShippingState.WAITING])
def test_wechat_forgetting_an_order_takes_nothing_back(walk, mini, paid, state):
    walk.drain()
    reporting.keep_state(paid[1], state)
    assert standing()[0] == "shipped"


# ------------------------------------------------------------------------------------------------ pushes
@pytest.fixture
def push(client, ports):
    def send(event, **document):
        key = f"{event}{document}"
        ports.push.events[key.encode()] = PushEvent(key, event, "openid-wechat", ARBOR_DAY_NOON, document)
        answer = client.post("/wx/push", data=key.encode())
        assert (answer.status_code, answer.text) == (200, "success")

    return send


SETTLED_AT = int((ARBOR_DAY_NOON + timedelta(days=2)).timestamp())


def test_settlement_is_told_by_push_in_three_stages(walk, mini, paid, push):
    name, transaction_id = "trade_manage_order_settlement", paid[1]
    with transaction() as session:
        shipping.prepare(session, transaction_id=transaction_id, safe=vault_of(walk), now=walk.clock())
    push(name, transaction_id=transaction_id, estimated_settlement_time=SETTLED_AT)
    assert standing()[0] == "shipped"
    push(name, transaction_id=transaction_id, confirm_receive_time=SETTLED_AT - 60)
    assert standing()[0] == "confirmed"
    push(name, transaction_id=transaction_id, confirm_receive_time=SETTLED_AT - 60, settlement_time=SETTLED_AT)
    assert standing()[0] == "settled"
    assert reports()[0].settled_at == ARBOR_DAY_NOON + timedelta(days=2)
    push(name, transaction_id=transaction_id, estimated_settlement_time=SETTLED_AT + 1)
    assert standing()[0] == "settled"


def vault_of(walk):
    return walk.app.extensions["xiangshu.vault"]


def test_a_settlement_of_nobodys_payment_is_ignored(walk, mini, push):
    push("trade_manage_order_settlement", transaction_id="42", settlement_time=SETTLED_AT)
    assert [(row.state, row.facts["transaction_id"]) for row in walk.all(PushMessage)] == [(PushState.IGNORED, "42")]


def test_a_settlement_without_a_readable_moment_is_taken_at_its_arrival(walk, mini, paid, push):
    walk.drain()
    push("trade_manage_order_settlement", transaction_id=paid[1], settlement_time="soon")
    assert (standing()[0], reports()[0].settled_at) == ("settled", ARBOR_DAY_NOON)


def test_a_reminder_reports_at_once_whatever_is_remembered_of_management(walk, mini, paid, push):
    mini.managed = False
    walk.drain()
    assert mini.shipments == {}
    before = alarms("shipping-reminded")
    push("trade_manage_remind_shipping", transaction_id=paid[1], msg="请尽快处理")
    walk.drain()
    assert (standing(), alarms("shipping-reminded")) == (("shipped", 1, None), before)


def test_a_reminder_of_what_was_reported_alarms(walk, mini, paid, push):
    walk.drain()
    before = alarms("shipping-reminded")
    push("trade_manage_remind_shipping", transaction_id=paid[1])
    walk.drain()
    assert (standing()[1], alarms("shipping-reminded")) == (1, before + 1)


def test_a_reminder_of_nobodys_payment_is_ignored(walk, mini, push):
    push("trade_manage_remind_shipping", transaction_id="42")
    assert [row.state for row in walk.all(PushMessage)] == [PushState.IGNORED]
    assert walk.all(OutboxMessage) == []


def test_a_demand_for_access_alarms(mini, push):
    before = alarms("shipping-access")
    push("trade_manage_remind_access_api", msg="请接入发货信息管理")
    assert alarms("shipping-access") == before + 1


def test_what_is_kept_of_a_push_names_nobody(walk, mini, paid, push):
    push("trade_manage_order_settlement", transaction_id=paid[1], openid="openid-a", settlement_time=SETTLED_AT)
    [row] = walk.all(PushMessage)
    assert row.facts == {"transaction_id": paid[1], "settlement_time": SETTLED_AT}


# ------------------------------------------------------------------------------------------------ commands
@pytest.fixture
def run(app):
    def invoke(*words):
        return app.test_cli_runner().invoke(args=["shipping", *words])

    return invoke


def test_what_waits_is_listed_by_command(walk, mini, paid, run):
    assert run("waiting").output == "共 0 笔待录入\n"
    reporting_fails_once(mini)
    walk.drain()
    output = run("waiting").output
    assert f"{paid[0]}  {paid[1]}  upstream-failed" in output
    assert output.endswith("共 1 笔待录入\n")


def test_a_report_is_corrected_once(walk, mini, paid, run):
    number, transaction_id = paid
    walk.drain()
    with transaction() as session:
        session.execute(update(Pledge).values(refunded_tree_count=1))
    first, second = run("correct", number), run("correct", number)
    assert (first.exit_code, first.output) == (0, f"{number} 的发货信息已更正。\n")
    assert mini.shipments[transaction_id].description == f"认种荔枝1棵，后山基地，编号{number}"
    assert second.exit_code == 1
    assert standing() == ("shipped", 2, None)
    assert [(row.action, row.object_key) for row in walk.all(AuditEntry)][-1:] == [("shipping.correct", number)]


def test_a_correction_that_did_not_get_through_may_be_tried_again(walk, mini, paid, run):
    walk.drain()
    mini.failures = [UpstreamFailed()]
    assert run("correct", paid[0]).exit_code == 1
    assert standing() == ("shipped", 1, None)
    assert run("correct", paid[0]).exit_code == 0


@pytest.mark.parametrize("reported", [False, True])
def test_what_was_not_reported_or_is_settled_cannot_be_corrected(walk, mini, paid, run, reported):
    if reported:
        walk.drain()
        reporting.keep_state(paid[1], ShippingState.SETTLED)
    answer = run("correct", paid[0])
    assert (answer.exit_code, "没有可更正的发货信息" in answer.output) == (1, True)
