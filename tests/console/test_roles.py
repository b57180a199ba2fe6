"""Every console page × every role × one's own county and another one, derived from the URL map."""

import pytest
from sqlalchemy import select

from models import AuditEntry, PaymentAttempt, PaymentMismatch, Pledge, ReceiptRequest, Role
from tests.console.refunding import Till
from tests.console.waiting import leave_waiting
from tests.make import COUNTY, OTHER_COUNTY
from wxbackend.console.handles import handle_of
from wxbackend.console.words import ACTIONS
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import policy_of
from wxbackend.staff.rules import PERMISSIONS

OPEN_TO_ALL = {
    "console.asset",
    "console.entrance.ask",
    "console.entrance.sign_in",
    "console.entrance.welcome",
    "console.entrance.choose_password",
    "console.entrance.prove_totp",
}


def console_rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")]


def filled(rule) -> str:
    """A path of the rule with names that belong to nothing."""
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<string:{name}>", "unknown")
    return path


def ask(browser, rule):
    if "GET" in rule.methods:
        return browser.get(filled(rule))
    return browser.post(filled(rule), reason="只是试一试", purpose="只是试一试", code="000000", note="")


def test_only_the_door_is_open_to_everybody(app):
    public = {rule.endpoint for rule in console_rules(app) if policy_of(app, rule.endpoint).kind == "public"}
    assert public == OPEN_TO_ALL


def test_every_permission_asked_for_is_one_that_some_role_has(app):
    asked = {policy_of(app, rule.endpoint).permission for rule in console_rules(app)} - {None}
    assert asked <= set(PERMISSIONS)
    assert set(PERMISSIONS) - asked == {"certificates.approve", "catalogue.approve"}  # asked by the wish decided


def test_anonymous_caller_is_sent_to_the_door_from_every_page(app, office):
    for rule in console_rules(app):
        if rule.endpoint in OPEN_TO_ALL:
            continue
        browser = office.door()
        method = browser.get if "GET" in rule.methods else lambda path, to=browser: to.send(path, {})
        answer = method(filled(rule))
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/console/login"), rule


@pytest.mark.parametrize("role", list(Role))
def test_role_opens_its_pages_and_no_others(app, office, role):
    browser = office.seat_new(role)
    for rule in console_rules(app):
        policy = policy_of(app, rule.endpoint)
        if policy.kind != "staff" or rule.endpoint == "console.entrance.sign_out":
            continue
        answer = ask(browser, rule)
        holds = policy.permission is None or role in PERMISSIONS[policy.permission]
        assert (answer.status_code == 403) == (not holds or rule.endpoint == "console.entrance.confirm"), rule
        assert answer.status_code < 500, (rule, answer.text)
        if holds and rule.arguments:
            assert answer.status_code == 404, rule


@pytest.mark.parametrize("garbage", ["", "x", "0" * 500, "é"])
def test_cookie_that_is_no_session_is_nobody(office, garbage):
    browser = office.door()
    browser.client.set_cookie("xs_staff", garbage)
    assert browser.get("/console").status_code == 303


def test_residents_token_opens_no_console_and_staff_cookie_no_api(client, make, office):
    headers = make.resident()
    assert office.door().get("/console", headers=headers).status_code == 303
    assert office.seat_new(*Role).get("/v1/sessions").status_code == 401


@pytest.mark.parametrize(("region", "status"), [(COUNTY, 200), (OTHER_COUNTY, 404)])
def test_county_admin_sees_objects_of_their_own_county_only(office, certified, region, status):
    browser = office.seat_new(Role.COUNTY_ADMIN, region=region)
    assert browser.get(f"/console/pledges/{certified.number}").status_code == status
    assert browser.get(f"/console/certificates/{certified.certificate_id}").status_code == status
    listed = [browser.get(path).text for path in ("/console/pledges", "/console/certificates")]
    assert [certified.number in page for page in listed] == [status == 200] * 2
    assert (certified.base_name in browser.get("/console/bases").text) == (status == 200)


def test_other_county_changes_nothing(office, certified):
    issuer = office.seat_new(Role.ISSUER, region=OTHER_COUNTY)
    admin = office.seat_new(Role.COUNTY_ADMIN, region=OTHER_COUNTY)
    refused = [
        issuer.post(f"/console/certificates/{certified.certificate_id}/revoke", reason="不在我的县里"),
        issuer.post(f"/console/certificates/{certified.certificate_id}/preview", purpose="不在我的县里"),
        issuer.post(f"/console/pledges/{certified.number}/reveal", reason="不在我的县里"),
        admin.post(f"/console/bases/{certified.base_id}/suspend"),
        admin.post(f"/console/campaigns/{certified.campaign_id}/suspend"),
        admin.post(f"/console/campaigns/{certified.campaign_id}/resume"),
    ]
    assert [answer.status_code for answer in refused] == [404] * 6
    assert nothing_in_the_trail()


@pytest.fixture
def disputed(certified, clock, app, client, make, pay) -> dict[str, str]:
    """One of everything that belongs to a county through a pledge: the part of its address after ``/console``."""
    refund = Till(app, make, pay, clock).ask(certified.number)
    review, item_id = leave_waiting(certified.number)
    with transaction() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == certified.number)).one()
        attempt = session.scalars(select(PaymentAttempt)).one()
        facts = {"out_trade_no": attempt.out_trade_no, "transaction_id": "4200-other", "field": "amount_fen"}
        mismatch = PaymentMismatch(**facts, expected="1", found="2", at=clock())
        names = {"public_id": "receipt-waiting", "row_key": "receipt-waiting", "county_code": pledge.county_code}
        owner = {"pledge_id": pledge.id, "resident_id": pledge.resident_id}
        session.add_all([mismatch, ReceiptRequest(**names, **owner, amount_fen=1, requested_at=clock())])
        session.flush()
        mismatch_id = mismatch.id
    return {
        "refunds": f"/refunds/{refund}",
        "refund_wishes": f"/pledges/{certified.number}/refund",
        "receipts": "/receipts/receipt-waiting",
        "content": f"/content/{review}",
        "mismatches": f"/mismatches/{handle_of('payment_mismatch', mismatch_id)}",
        "procurement": f"/bases/{certified.base_id}/procurement",
        "reconciliation": f"/reconciliation/items/{handle_of('recon_item', item_id)}",
    }


#: The features whose objects stand in ``disputed``; every page of theirs that changes one is tried.
COUNTYS_OWN = ("refunds", "refund_wishes", "receipts", "content", "mismatches", "procurement", "reconciliation")


@pytest.mark.parametrize("feature", COUNTYS_OWN)
def test_other_county_changes_nothing_about_money_names_and_stock(app, office, disputed, feature):
    """Every page that changes something, from the URL map: one that is added is tried as well."""
    stranger = office.seat_new(*Role, region=OTHER_COUNTY)
    rules = [rule for rule in console_rules(app) if rule.endpoint.startswith(f"console.{feature}.")]
    tried = [rule for rule in rules if "POST" in rule.methods and rule.endpoint != "console.reconciliation.download"]
    assert tried
    for rule in tried:
        last = rule.rule.rpartition(">")[2]
        fields = dict.fromkeys(("reason", "purpose", "refusal_reason", "settlement", "ending"), "不在我的县里")
        answer = stranger.post(f"/console{disputed[feature].removesuffix(last)}{last}", **fields)
        assert answer.status_code == 404, rule
    assert nothing_in_the_trail()


def nothing_in_the_trail() -> bool:
    with reading() as session:
        return session.scalars(select(AuditEntry.action).where(AuditEntry.actor_kind == "staff")).all() == []


#: What each page that changes something writes into the trail; the rows themselves are tested beside each page.
TRACES = {
    "console.entrance.sign_in": "staff.sign-in",
    "console.entrance.sign_out": "staff.sign-out",
    "console.entrance.confirm": "staff.confirm",
    "console.entrance.choose_password": "staff.choose-password",
    "console.entrance.prove_totp": "staff.activate",
    "console.entrance.end_session": "staff.end-session",
    "console.pledges.reveal": "pledge.reveal",
    "console.certificates.preview": "certificate.preview",
    "console.certificates.revoke": "approval.request",
    "console.certificates.reissue": "approval.request",
    "console.certificates.retry": "certificate.retry",
    "console.queues.retry": "outbox.retry",
    "console.refund_wishes.request": "refund.request",
    "console.refunds.approve": "refund.approve",
    "console.refunds.reject": "refund.reject",
    "console.refunds.retry": "refund.ask-again",
    "console.refunds.retry_abnormal": "refund.retry-abnormal",
    "console.refunds.settle": "refund.settle-offline",
    "console.refunds.give_up": "refund.give-up",
    "console.refunds.repay": "refund.repay",
    "console.receipts.reveal": "receipt.reveal",
    "console.receipts.issue": "receipt.issue",
    "console.receipts.reject": "receipt.reject",
    "console.receipts.reverse": "receipt.reverse",
    "console.procurement.mark": "base.procure",
    "console.content.reveal": "content.reveal",
    "console.content.approve": "content.approve",
    "console.content.reject": "content.reject",
    "console.mismatches.send_back": "mismatch.refund",
    "console.mismatches.dismiss": "mismatch.dismiss",
    "console.reconciliation.download": "reconciliation.download",
    "console.reconciliation.resolve": "reconciliation.resolve",
    "console.catalogue.move_campaign": "campaign.submit",
    "console.catalogue.move_base": "base.submit",
    "console.approvals.approve": "approval.approve",
    "console.approvals.reject": "approval.reject",
}


def test_everything_that_changes_something_names_its_trace(app):
    changing = {rule.endpoint for rule in console_rules(app) if "POST" in rule.methods}
    assert changing == set(TRACES)
    assert set(TRACES.values()) <= set(ACTIONS)


def test_acts_at_the_door_leave_their_traces(office, clock):
    who = office.hire(Role.AUDITOR)
    browser, second = office.door(), office.seat(who)
    office.sign_in(browser, who)
    clock.forward(seconds=30)
    browser.post("/console/confirm", form_on="/console/confirm", code=who.code())
    page = browser.get("/console/sessions").text
    browser.post("/console/sessions/" + page.partition('action="/console/sessions/')[2].partition('"')[0])
    browser.post("/console/logout")
    assert second.get("/console").status_code == 303
    with reading() as session:
        trail = session.execute(select(AuditEntry.action, AuditEntry.actor_id).order_by(AuditEntry.id)).all()
    acts = ("staff.sign-in", "staff.confirm", "staff.end-session", "staff.sign-out")
    assert [tuple(row) for row in trail] == [(act, who.id) for act in acts]
