"""Looking up a pledge by any number, its history, and the holder's name."""

import pytest
from sqlalchemy import select

from models import AuditEntry, PaymentAttempt, Pledge, PledgeTree, Role, Tree
from tests.console.journeys import open_pledge, pay_pledge
from tests.make import OTHER_COUNTY
from wxbackend.core.db import reading, transaction

NAME, MASK = "陈新叶", "陈*"


def names_of(number: str) -> dict[str, str]:
    """Everything by which somebody on the telephone may name the pledge."""
    with reading() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == number)).one()
        attempt = session.scalars(select(PaymentAttempt).where(PaymentAttempt.pledge_id == pledge.id)).one()
        bound = select(Tree).join(PledgeTree, PledgeTree.tree_id == Tree.id)
        tree = session.scalars(bound.where(PledgeTree.pledge_id == pledge.id).order_by(Tree.id)).first()
    return {
        "number": number,
        "out_trade_no": attempt.out_trade_no,
        "transaction_id": attempt.transaction_id,
        "tree number": tree.number,
        "tree token": tree.token,
        "lower case": tree.token.lower(),
    }


def test_any_number_on_paper_or_screen_opens_the_pledge(office, certified):
    browser = office.seat_new(Role.FINANCE)
    for what, text in {**names_of(certified.number), "serial": certified.serial}.items():
        answer = browser.get("/console/pledges", query_string={"q": text})
        assert (answer.status_code, answer.location) == (303, f"/console/pledges/{certified.number}"), what


def test_unknown_number_finds_nothing_and_says_so(office, certified):
    page = office.seat_new(Role.FINANCE).get("/console/pledges?q=P0000000000000000")
    assert (page.status_code, "没有符合条件" in page.text) == (200, True)


def test_number_of_another_county_finds_nothing(office, certified):
    browser = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    for text in names_of(certified.number).values():
        assert browser.get("/console/pledges", query_string={"q": text}).status_code == 200


def test_whole_history_stands_on_one_page(office, certified):
    page = office.seat_new(Role.FINANCE).get(f"/console/pledges/{certified.number}").text
    names = names_of(certified.number)
    for fact in (
        *(names[key] for key in ("out_trade_no", "transaction_id", "tree number", "tree token")),
        certified.serial,
        "TRANSACTION.SUCCESS",
        "wx:1900000109",
        "100.00 元",
        "10 绿色积分",
        "微信支付成功",
        "系统分配",
        "愿家乡常绿",
    ):
        assert fact in page, fact


def test_mismatch_of_its_payment_stands_there_too(office, client, make, pay):
    number = open_pledge(client, make, make.base())
    pay_pledge(client, make, pay, number, total_fen=1)
    assert "支付差异" in office.seat_new(Role.FINANCE).get(f"/console/pledges/{number}").text.split("<main")[1]


@pytest.mark.parametrize("role", [Role.COUNTY_ADMIN, Role.ISSUER, Role.FINANCE, Role.AUDITOR])
def test_name_is_masked_for_everybody(office, certified, role):
    page = office.seat_new(role).get(f"/console/pledges/{certified.number}").text
    assert MASK in page
    assert NAME not in page
    assert ("查看完整姓名" in page) == (role in {Role.COUNTY_ADMIN, Role.ISSUER})


def test_name_is_shown_once_for_a_reason_that_stays(office, certified):
    browser = office.seat_new(Role.ISSUER)
    shown = browser.post(f"/console/pledges/{certified.number}/reveal", reason="核对来电人身份")
    assert (shown.status_code, NAME in shown.text) == (200, True)
    assert NAME not in browser.get(f"/console/pledges/{certified.number}").text
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "pledge.reveal")).one()
    assert (entry.object_key, entry.details) == (certified.number, {"reason": "核对来电人身份"})


@pytest.mark.parametrize("reason", ["", "   ", "嗯", "长" * 201])
def test_name_stays_hidden_without_a_real_reason(office, certified, reason):
    answer = office.seat_new(Role.ISSUER).post(f"/console/pledges/{certified.number}/reveal", reason=reason)
    assert (answer.status_code, NAME in answer.text) == (422, False)
    with reading() as session:
        assert session.scalar(select(AuditEntry.id).where(AuditEntry.action == "pledge.reveal")) is None


def test_pages_follow_one_another_without_gap_or_repetition(office, client, make):
    base = make.base()
    numbers = [open_pledge(client, make, base, person=f"p{n // 8}", tree_count=1) for n in range(23)]
    browser, seen, path = office.seat_new(Role.FINANCE), [], "/console/pledges?kind=plant"
    while path:
        page = browser.get(path).text
        seen += [number for number in reversed(numbers) if f">{number}<" in page]
        following = page.partition('<div class="more"><a class="btn btn-sm btn-outline-secondary" href="')[2]
        path = following.partition('"')[0].replace("&amp;", "&")
    assert seen == numbers[::-1]


def test_list_is_filtered_by_kind_and_state(office, client, make, certified):
    waiting = open_pledge(client, make, make.base())
    browser = office.seat_new(Role.FINANCE)
    for query, expected in {
        "status=pending": {waiting},
        "status=allocated": {certified.number},
        "kind=donate": set(),
        "kind=plant": {waiting, certified.number},
    }.items():
        page = browser.get(f"/console/pledges?{query}").text
        assert {number for number in (waiting, certified.number) if number in page} == expected, query


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def test_hostile_texts_are_shown_as_text(office, certified):
    """What people type passes a length check only; pages must not believe it."""
    with transaction() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == certified.number)).one()
        pledge.dedication = HOSTILE
    who = office.hire(*Role, name=HOSTILE)
    browser = office.seat(who)
    browser.post(f"/console/pledges/{certified.number}/reveal", reason=HOSTILE)
    for path in (f"/console/pledges/{certified.number}", "/console/audit", "/console", f"/console/pledges?q={HOSTILE}"):
        page = browser.get(path).text
        assert "&lt;script&gt;" in page, path
        assert "<script>" not in page, path
        assert "<img src=x" not in page, path
