"""Refunds in the console: asked for by one, decided by another, watched to their end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import AuditEntry, RefundStatus, Role
from tests.console.journeys import certified_pledge, open_pledge, pay_pledge
from tests.console.refunding import Till, approve, finance
from tests.make import OTHER_COUNTY
from wxbackend.core.db import reading
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxpay import NotEnoughBalance, RefundRefused, RefundState


@pytest.fixture
def till(app, make, pay, clock) -> Till:
    return Till(app, make, pay, clock)


@pytest.fixture
def asked(till, certified) -> str:
    """A refund of the whole pledge that its owner asked for."""
    return till.ask(certified.number, explanation="家里临时有事")


def trail() -> list[str]:
    with reading() as session:
        acts = select(AuditEntry.action).where(AuditEntry.actor_kind == "staff").order_by(AuditEntry.id)
        return list(session.scalars(acts))


def test_page_says_what_is_asked_by_which_rule_and_what_goes_back(office, certified, asked):
    page = finance(office).get(f"/console/refunds/{asked}").text
    for fact in (
        *(
            "待审批",
            "100.00 元",
            "2 棵",
            "改变主意",
            "付款后 7 天内",
            "申请时付款已 0 天",
            "苗木未采购",
            "家里临时有事",
        ),
        *(certified.number, certified.serial, certified.base_name, "10 绿色积分", "100 荣誉值", "吊销", "本人申请"),
    ):
        assert fact in page, fact


def test_partial_refund_says_that_the_certificate_is_issued_anew(office, till, certified):
    number = till.ask(certified.number, tree_count=1)
    page = finance(office).get(f"/console/refunds/{number}").text
    assert "换发为剩余棵数" in page
    assert "5 绿色积分" in page
    assert "50.00 元" in page


def test_approved_refund_is_submitted_by_the_worker_and_ends_with_wechat(office, till, certified, asked):
    browser = finance(office)
    assert approve(browser, asked).status_code == 303
    assert (till.row(asked).status, till.pay.refunds) == (RefundStatus.APPROVED, {})
    assert "后台正在提交微信支付" in browser.get(f"/console/refunds/{asked}").text
    till.work()
    assert till.row(asked).status is RefundStatus.SUBMITTED
    till.answers(asked, RefundState.SUCCESS)
    page = browser.get(f"/console/refunds/{asked}").text
    assert till.pledge_status(certified.number) == "refunded"
    for fact in ("已退款", "退款备付", "微信已受理", "微信已退回", "核实无误", "没有欠分"):
        assert fact in page, fact
    assert trail() == ["refund.approve"]


def test_rejected_refund_leaves_the_pledge_as_it_was(office, till, certified, asked):
    browser = finance(office)
    answer = browser.post(f"/console/refunds/{asked}/reject", refusal_reason="苗木已装车，无法退款")
    assert answer.status_code == 303
    assert (till.row(asked).status, till.pledge_status(certified.number)) == (RefundStatus.REJECTED, "allocated")
    assert till.row(asked).decision_note == "苗木已装车，无法退款"
    assert "没有退款，不收回" in browser.get(f"/console/refunds/{asked}").text
    assert trail() == ["refund.reject"]


@pytest.mark.parametrize("reason", ["", "不行", "长" * 201])
def test_refusal_needs_words(office, till, asked, reason):
    answer = finance(office).post(f"/console/refunds/{asked}/reject", refusal_reason=reason)
    assert (answer.status_code, till.row(asked).status) == (422, RefundStatus.REQUESTED)


def test_staff_ask_on_behalf_and_somebody_else_decides(office, till, certified):
    first, second = office.hire(Role.FINANCE), office.hire(Role.FINANCE, name="方新叶")
    mine, theirs = office.seat(first), office.seat(second)
    path = f"/console/pledges/{certified.number}/refund"
    asked = mine.post(path, form_on=path, reason="mistake", tree_count="1", explanation="来电核实，多付了一棵")
    assert asked.status_code == 303, asked.text
    number = asked.location.rpartition("/")[2]
    own = mine.get(f"/console/refunds/{number}").text
    assert "须由另一位财务同事审批" in own
    assert "/approve" not in own
    refused = approve(mine, number)
    assert (refused.status_code, "申请人不能复核自己的申请" in refused.text) == (403, True)
    assert till.row(number).status is RefundStatus.REQUESTED
    assert approve(theirs, number).status_code == 303
    assert (till.row(number).decided_by, till.row(number).tree_count) == (second.id, 1)
    assert trail() == ["refund.request", "refund.approve"]


def test_county_admin_asks_and_may_not_decide(office, till, certified):
    admin = office.seat_new(Role.COUNTY_ADMIN)
    path = f"/console/pledges/{certified.number}/refund"
    number = admin.post(path, form_on=path, reason="minor", explanation="家长来电，已核实").location.rpartition("/")[2]
    assert approve(admin, number).status_code == 403
    assert till.row(number).status is RefundStatus.REQUESTED


def test_only_reasons_that_are_heard_can_be_chosen(office, till, certified, clock):
    path = f"/console/pledges/{certified.number}/refund"
    assert "改变主意" in finance(office).get(path).text
    clock.forward(days=8)
    browser = finance(office)
    assert "改变主意" not in browser.get(path).text
    answer = browser.post(path, form_on=path, reason="change_of_mind", explanation="想退了，谢谢")
    assert answer.status_code == 422


def test_pledge_that_cannot_be_refunded_offers_no_form(office, client, make, asked, certified):
    browser = finance(office)
    unpaid = open_pledge(client, make, make.base())
    for number in (unpaid, certified.number):
        page = browser.get(f"/console/pledges/{number}/refund").text
        assert "该单当前不能退款" in page
        assert "提交申请" not in page
    assert "代为申请退款" not in browser.get(f"/console/pledges/{certified.number}").text


def test_pledge_page_lists_its_refunds(office, certified, asked):
    page = finance(office).get(f"/console/pledges/{certified.number}").text
    assert asked in page
    assert "退款中" in page


def test_decision_asks_for_a_fresh_code(office, till, asked):
    browser = finance(office, confirmed=False)
    answer = approve(browser, asked)
    assert (answer.status_code, "输入新的动态码" in answer.text) == (403, True)
    assert till.row(asked).status is RefundStatus.REQUESTED


def test_second_decision_is_refused(office, till, asked):
    browser = finance(office)
    approve(browser, asked)
    again = browser.post(f"/console/refunds/{asked}/reject", refusal_reason="改变主意了")
    assert (again.status_code, "已处理" in again.text) == (409, True)
    assert till.row(asked).status is RefundStatus.APPROVED


ACTS = {
    "approve": {"note": ""},
    "reject": {"refusal_reason": "不在我的县里"},
    "retry": {},
    "retry-abnormal": {},
    "settle": {"settlement": "不在我的县里"},
    "give-up": {"ending": "不在我的县里"},
    "repay": {},
}


def test_refund_of_another_county_does_not_exist(office, till, certified, asked):
    stranger = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert stranger.get(f"/console/refunds/{asked}").status_code == 404
    assert asked not in stranger.get("/console/refunds").text
    tried = [stranger.post(f"/console/refunds/{asked}/{act}", **fields) for act, fields in ACTS.items()]
    assert [answer.status_code for answer in tried] == [404] * len(ACTS)
    wish = {"reason": "mistake", "explanation": "不在我的县里"}
    assert stranger.post(f"/console/pledges/{certified.number}/refund", **wish).status_code == 404
    assert (till.row(asked).status, trail()) == (RefundStatus.REQUESTED, [])


@pytest.mark.parametrize("act", ACTS)
def test_forged_decision_is_refused(office, till, asked, act):
    answer = finance(office).send(f"/console/refunds/{asked}/{act}", ACTS[act])
    assert (answer.status_code, till.row(asked).status) == (400, RefundStatus.REQUESTED)


@pytest.mark.parametrize("role", [Role.COUNTY_ADMIN, Role.AUDITOR])
def test_readers_read_and_decide_nothing(office, asked, role):
    browser = office.seat_new(role)
    page = browser.get(f"/console/refunds/{asked}")
    assert (page.status_code, "/approve" in page.text) == (200, False)
    assert {browser.post(f"/console/refunds/{asked}/{act}", **f).status_code for act, f in ACTS.items()} == {403}


def test_empty_merchant_balance_is_told_and_tried_again_at_once(office, till, asked):
    browser = finance(office)
    approve(browser, asked)
    till.pay.failures.append(NotEnoughBalance())
    till.work()
    page = browser.get(f"/console/refunds/{asked}").text
    assert "可用余额不足" in page
    assert asked in browser.get("/console/refunds?stuck=true").text
    assert browser.post(f"/console/refunds/{asked}/retry").status_code == 303
    till.follow()
    assert till.row(asked).status is RefundStatus.SUBMITTED
    assert trail() == ["refund.approve", "refund.ask-again"]


def test_refund_that_wechat_refused_is_given_up(office, till, certified, asked):
    browser = finance(office)
    approve(browser, asked)
    till.pay.failures.append(RefundRefused("NO_AUTH"))
    till.work()
    assert "NO_AUTH" in browser.get(f"/console/refunds/{asked}").text
    answer = browser.post(f"/console/refunds/{asked}/give-up", ending="商户号无退款权限")
    assert answer.status_code == 303, answer.text
    assert (till.row(asked).status, till.pledge_status(certified.number)) == (RefundStatus.CLOSED, "allocated")
    assert trail()[-1] == "refund.give-up"


def test_nothing_is_given_up_while_the_outcome_is_unknown(office, till, asked):
    browser = finance(office)
    approve(browser, asked)
    till.pay.failures.append(UpstreamFailed())
    till.work()
    page = browser.get(f"/console/refunds/{asked}").text
    assert "没有明确答复" in page
    assert "give-up" not in page
    answer = browser.post(f"/console/refunds/{asked}/give-up", ending="等不及了先停")
    assert (answer.status_code, till.row(asked).status) == (409, RefundStatus.APPROVED)


@pytest.fixture
def abnormal(office, till, asked) -> str:
    approve(finance(office), asked)
    till.work()
    till.answers(asked, RefundState.ABNORMAL)
    assert till.row(asked).status is RefundStatus.ABNORMAL
    return asked


def test_abnormal_refund_goes_to_the_merchant_account(office, till, abnormal):
    browser = finance(office)
    assert "微信无法退至原账户" in browser.get(f"/console/refunds/{abnormal}").text
    assert browser.post(f"/console/refunds/{abnormal}/retry-abnormal").status_code == 303
    assert till.row(abnormal).status is RefundStatus.SUBMITTED
    assert "retry_abnormal_refund" in till.pay.calls
    assert trail()[-1] == "refund.retry-abnormal"


def test_abnormal_refund_is_settled_by_other_means(office, till, certified, abnormal):
    answer = finance(office).post(f"/console/refunds/{abnormal}/settle", settlement="商户账户转账，凭证号〔2026〕7号")
    assert answer.status_code == 303, answer.text
    assert (till.row(abnormal).status, till.pledge_status(certified.number)) == (RefundStatus.SUCCESS, "refunded")
    assert trail()[-1] == "refund.settle-offline"


def test_failed_call_about_an_abnormal_refund_is_shown(office, till, abnormal):
    till.pay.failures.append(UpstreamFailed())
    answer = finance(office).post(f"/console/refunds/{abnormal}/retry-abnormal")
    assert (answer.status_code, "微信服务暂不可用" in answer.text) == (502, True)
    assert till.row(abnormal).status is RefundStatus.ABNORMAL


@pytest.mark.parametrize("act", ["retry", "retry-abnormal", "settle", "give-up", "repay"])
def test_what_the_state_forbids_is_refused(office, till, asked, act):
    fields = dict.fromkeys(ACTS[act], "等一等再说吧")
    answer = finance(office).post(f"/console/refunds/{asked}/{act}", **fields)
    assert (answer.status_code, till.row(asked).status) == (409, RefundStatus.REQUESTED)


def test_money_in_suspense_that_wechat_closed_is_sent_again_under_a_new_number(office, till, client, pay):
    first = till.in_suspense(client)
    till.work()
    till.answers(first, RefundState.CLOSED)
    browser = finance(office)
    assert "再次退回" in browser.get(f"/console/refunds/{first}").text
    assert browser.post(f"/console/refunds/{first}/repay").status_code == 303
    again = browser.post(f"/console/refunds/{first}/repay")
    assert (again.status_code, "另行退回" in again.text) == (409, True)
    till.clock.forward(minutes=2)  # two refunds of one payment are a minute apart
    till.work()
    assert len(pay.refunds) == 2
    assert trail() == ["refund.repay"]


def test_exact_number_opens_the_refund(office, till, certified, asked):
    browser = finance(office)
    for text in (asked, asked.lower(), certified.number, next(iter(till.pay.orders))):
        answer = browser.get("/console/refunds", query_string={"q": text})
        assert (answer.status_code, answer.location) == (303, f"/console/refunds/{asked}"), text


def test_list_is_filtered_by_state(office, app, client, make, pay, clock, till, asked):
    other = certified_pledge(app, client, make, pay, clock)
    done = till.ask(other)
    browser = finance(office)
    browser.post(f"/console/refunds/{done}/reject", refusal_reason="苗木已装车")
    for query, expected in {
        "status=requested": {asked},
        "status=rejected": {done},
        "status=success": set(),
        "stuck=true": {asked},
        "": {asked, done},
    }.items():
        page = browser.get(f"/console/refunds?{query}").text
        assert {number for number in (asked, done) if number in page} == expected, query


def test_refund_that_wechat_has_for_more_than_a_day_waits_for_somebody(office, till, asked, clock):
    approve(finance(office), asked)
    till.work()
    for hours, is_shown in ((23, False), (2, True)):
        clock.forward(hours=hours)
        assert (asked in finance(office).get("/console/refunds?stuck=true").text) is is_shown


def test_workbench_counts_what_waits_for_somebody(office, asked):
    page = finance(office).get("/console").text
    assert page.partition("待处理退款</div>")[2].partition('"number">')[2].startswith("1 ")


def test_live_receipt_is_told_before_the_decision(office, till, client, make, pay):
    number = open_pledge(client, make, make.base(), reward="receipt")
    pay_pledge(client, make, pay, number)
    till.work()
    asked = client.post(f"/v1/pledges/{number}/receipt", json={"title": "陈新叶"}, headers=make.resident())
    assert asked.status_code == 201
    path = f"/console/pledges/{number}/refund"
    answer = finance(office).post(path, form_on=path, reason="mistake", explanation="来电核实，付错了")
    assert (answer.status_code, "捐赠票据" in answer.text) == (409, True)


def test_hostile_explanation_is_shown_as_text(office, till, certified):
    number = till.ask(certified.number, explanation="<script>alert(1)</script>")
    page = finance(office).get(f"/console/refunds/{number}").text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_days_are_counted_in_china(office, till, certified, clock):
    clock.moment += timedelta(days=6, hours=11, minutes=59)  # 23:59 on the sixth day after
    number = till.ask(certified.number)
    assert "申请时付款已 6 天" in finance(office).get(f"/console/refunds/{number}").text
