"""What waits for a person: mismatches, refunds due, work that failed for good."""

import re
from pathlib import Path

import pytest
from sqlalchemy import insert, select

import wxbackend
from models import (
    AuditEntry,
    OutboxMessage,
    OutboxStatus,
    PaymentMismatch,
    Role,
)
from tests.console.journeys import open_pledge, pay_pledge
from tests.console.waiting import leave_waiting
from tests.make import COUNTY, OTHER_COUNTY
from wxbackend.console.words import FIELDS
from wxbackend.core.db import reading, transaction


@pytest.fixture
def mismatched(client, make, pay) -> str:
    """A pledge for which WeChat vouches for another amount; the number."""
    number = open_pledge(client, make, make.base())
    pay_pledge(client, make, pay, number, total_fen=1)
    return number


@pytest.fixture
def dead(app, clock) -> None:
    with transaction() as session:
        row = {
            "topic": "certificate.draw",
            "key": "RZ-EXAMPLE",
            "payload": {},
            "status": OutboxStatus.DEAD,
            "attempts": 8,
            "run_after": clock(),
            "last_error": "OSError: disk full",
            "created_at": clock(),
        }
        session.execute(insert(OutboxMessage).values(row))


def test_mismatch_is_listed_for_its_county_only(office, mismatched):
    page = office.seat_new(Role.FINANCE).get("/console/mismatches").text
    assert mismatched in page
    other = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert mismatched not in other.get("/console/mismatches").text
    assert ">1</div>" not in other.get("/console").text.partition("支付差异</div>")[2][:60]


def test_mismatch_of_an_order_nobody_knows_is_everybodys(office, clock):
    with transaction() as session:
        row = {
            "out_trade_no": "PUNKNOWN01",
            "transaction_id": "4200000001",
            "field": "out_trade_no",
            "expected": "",
            "found": "PUNKNOWN01",
            "at": clock(),
        }
        session.execute(insert(PaymentMismatch).values(row))
    for region in (OTHER_COUNTY, "445281000000"):
        assert "无此订单" in office.seat_new(Role.FINANCE, region=region).get("/console/mismatches").text


def test_dead_letter_gets_another_round_and_leaves_a_trace(office, dead):
    browser = office.seat_new(Role.SYSTEM)
    page = browser.get("/console/dead-letters").text
    assert "OSError: disk full" in page
    path = "/console/dead-letters" + page.partition('action="/console/dead-letters')[2].partition('"')[0]
    assert browser.post(path).status_code == 303
    assert browser.post(path).status_code == 404
    with reading() as session:
        assert session.scalar(select(OutboxMessage.status)) is OutboxStatus.READY
        assert session.scalars(select(AuditEntry.action)).all() == ["outbox.retry"]


def test_auditor_reads_dead_letters_without_touching_them(office, dead):
    page = office.seat_new(Role.AUDITOR).get("/console/dead-letters").text
    assert "RZ-EXAMPLE" in page
    assert "<form" not in page.partition("<tbody>")[2]


def test_workbench_counts_what_the_reader_may_see(office, mismatched, dead, certified):
    def number(browser, label: str) -> str | None:
        part = browser.get("/console").text.partition(f'<div class="label">{label}</div>')[2]
        return part.partition('<div class="number">')[2].partition(" ")[0] or None

    finance, system = office.seat_new(Role.FINANCE), office.seat_new(Role.SYSTEM)
    stranger = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert [number(b, "支付差异") for b in (finance, system, stranger)] == ["1", None, "0"]
    assert [number(b, "未完成的后台任务") for b in (finance, system)] == [None, "1"]
    assert [number(b, "已支付认种认捐") for b in (finance, system, stranger)] == ["1", "1", "0"]
    assert [number(b, "实收金额") for b in (finance, stranger)] == ["100.00", "0.00"]
    assert [number(b, "待种植树位") for b in (finance, stranger)] == ["2", "0"]
    assert [number(b, "有效证书") for b in (finance, stranger)] == ["1", "0"]


def test_workbench_counts_differences_and_reviews_that_wait(office, certified):
    def number(role: Role, label: str, region: str = COUNTY) -> str | None:
        page = office.seat_new(role, region=region).get("/console").text
        part = page.partition(f'<div class="label">{label}</div>')[2]
        return part.partition('<div class="number">')[2].partition(" ")[0] or None

    leave_waiting(certified.number)
    labels = ("对账差异", "待审核内容")
    assert [number(Role.COUNTY_ADMIN, label) for label in labels] == ["1", "1"]
    assert [number(Role.FINANCE, label) for label in labels] == ["1", None]
    assert [number(Role.ISSUER, label) for label in labels] == [None, "1"]
    assert [number(Role.COUNTY_ADMIN, label, OTHER_COUNTY) for label in labels] == ["0", "0"]


def test_everything_that_may_not_fit_has_its_word():
    compared = set(FIELDS)
    for source in ("payments/service.py", "refunds/outcome.py"):
        text = (Path(wxbackend.__file__).parent / source).read_text()
        assert set(re.findall(r'"((?:refund_|wx_|trade_)\w+|currency|transaction_id|payer_index)", ', text)) <= compared
