"""Days of bills, the three queues of one, and what staff say about an item."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy import select, update

from models import AuditEntry, Payee, ReconItem, ReconStatus, Role
from tests.console.journeys import open_pledge, pay_pledge
from tests.fakes import MCHID
from tests.make import CITY, COUNTY, OTHER_COUNTY
from tests.payments.walk import Walk
from tests.reconciliation.desk import Desk
from tests.reconciliation.paper import ARBOR_DAY, flow, line_of, payment, refund
from tests.statements import counted
from wxbackend.core.db import reading, transaction
from wxbackend.core.wxpay import BillNotReady
from wxbackend.reconciliation.sheets import safe_cell

DAY = f"/console/reconciliation/{MCHID}/2026-03-12"
LIST = "/console/reconciliation"


@pytest.fixture
def desk(app, client, make, pay, clock) -> Desk:
    return Desk(Walk(app, client, make, pay, clock))


@pytest.fixture
def disputed(desk, office) -> Desk:
    """One payment that only we know, one that only WeChat knows, and one with another amount."""
    desk.unknown_here = desk.paid()  # type: ignore[attr-defined]
    other = desk.paid()
    desk.lay(
        payment("4200999", "=SHOP-1", 880), line_of(other, amount_fen=4999),
        flows=[flow("交易", 5879), flow("神秘业务", -1, number="B77")],
    )  # fmt: skip
    desk.morning()
    desk.run()
    return desk


def address(page: str, key: str) -> str:
    """Where the form of the item with this number goes."""
    found = re.search(rf"{re.escape(key)}.*?action=\"([^\"]+)\"", page, re.S)
    assert found, key
    return found.group(1)


def statuses() -> dict[str, str]:
    with reading() as session:
        return {item.key: str(item.status) for item in session.scalars(select(ReconItem))}


def test_days_are_listed_with_their_sums_and_how_they_stand(disputed, office):
    page = office.seat_new(Role.FINANCE).get(LIST).text
    assert all(text in page for text in ("2026-03-12", MCHID, "58.79", "有差异"))


@pytest.mark.parametrize(("filters", "seen"), [
    ("?state=open", True), ("?state=agreed", False), ("?state=waiting", False), (f"?mchid={MCHID}", True),
    ("?mchid=1900000222", False), ("?on_from=2026-03-13", False), ("?on_to=2026-03-12", True),
])  # fmt: skip
def test_filters_stand_in_the_url(disputed, office, filters, seen):
    page = office.seat_new(Role.FINANCE).get(LIST + filters).text
    assert ("58.79" in page) == seen
    assert ("没有符合条件的账单" in page) != seen


@pytest.mark.parametrize("query", ["?state=broken", "?on_from=x", "?cursor=x", "?cursor=WyJ4IiwieSJd"])
def test_filter_that_makes_no_sense_is_refused(disputed, office, query):
    assert office.seat_new(Role.FINANCE).get(LIST + query).status_code == 422


def test_days_are_paged_newest_first(desk, office):
    desk.walk.clock.forward(days=31)
    for back in range(25):
        desk.run(ARBOR_DAY + timedelta(days=back))
    browser = office.seat_new(Role.FINANCE)
    first = browser.get(LIST).text
    more = re.search(r'href="([^"]*cursor=[^"]*)"', first)
    second = browser.get(more.group(1).replace("&amp;", "&")).text
    days = [re.findall(r">(2026-\d\d-\d\d)</a>", page) for page in (first, second)]
    assert (len(days[0]), len(days[1])) == (20, 5)
    assert [*days[0], *days[1]] == sorted({*days[0], *days[1]}, reverse=True)


def test_day_that_waits_says_why(desk, office):
    desk.morning()
    desk.pay.failures = [BillNotReady(), BillNotReady()]
    desk.run()
    browser = office.seat_new(Role.AUDITOR)
    assert "账单未齐" in browser.get(LIST).text
    assert "bill-not-ready" in browser.get(DAY).text


def test_three_queues_checks_and_flows_of_a_day(disputed, office):
    page = office.seat_new(Role.FINANCE).get(DAY).text
    here, there, differs = (page.partition(f"<h2>{title}")[2].partition("</section>")[0]
                            for title in ("本系统缺", "微信账单缺", "金额不符"))  # fmt: skip
    assert "4200999" in here
    assert "B77" in here
    assert disputed.unknown_here.transaction_id in there
    assert "49.99" in differs
    assert "未知业务" in page.partition("<h2>资金流水")[2]
    assert page.partition("<h2>合计核对")[2].count("相符") >= 4


def test_payment_in_quarantine_is_shown_with_its_link(desk, office, client, make, pay):
    number = open_pledge(client, make, desk.base)
    pay_pledge(client, make, pay, number, total_fen=1)
    [(order, state)] = pay.states.items()
    desk.lay(line_of(state.paid))
    desk.morning()
    desk.run()
    page = office.seat_new(Role.FINANCE).get(DAY).text
    held = page.partition("<h2>已收到、未入项目专户")[2].partition("</section>")[0]
    assert order in held
    link = re.search(r'href="(/console/mismatches/[^"]+)"', held).group(1)
    assert order in office.seat_new(Role.FINANCE).get(link).text


def test_item_is_resolved_with_a_note_that_stays_in_the_trail(disputed, office):
    browser = office.seat_new(Role.FINANCE)
    to = address(browser.get(DAY).text, "4200999")
    answer = browser.post(to, reason="商户平台上的旧店订单")
    assert (answer.status_code, answer.location) == (303, DAY)
    assert statuses()["4200999"] == "resolved"
    assert "商户平台上的旧店订单" in browser.get(DAY).text
    with reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "reconciliation.resolve"))
    assert (entry.object_kind, entry.details["queue"]) == ("recon_item", "missing_here")
    disputed.run()
    assert statuses()["4200999"] == "resolved"


def test_resolved_item_whose_facts_change_opens_again(disputed, office):
    browser = office.seat_new(Role.FINANCE)
    browser.post(address(browser.get(DAY).text, "4200999"), reason="商户平台上的旧店订单")
    disputed.lay(payment("4200999", "=SHOP-1", 881), sha1="c")
    disputed.run()
    [item] = [item for item in disputed.rows(ReconItem) if item.key == "4200999"]
    assert (item.status, item.bill_fen, item.resolved_by, item.note) == (ReconStatus.OPEN, 881, None, None)


def test_item_is_resolved_once(disputed, office):
    browser, second = office.seat_new(Role.FINANCE), office.seat_new(Role.FINANCE)
    to = address(browser.get(DAY).text, "4200999")
    assert browser.post(to, reason="商户平台上的旧店订单").status_code == 303
    answer = second.post(to, reason="另一个说法也有")
    assert (answer.status_code, "该对账差异已处理" in answer.text) == (409, True)


def test_resolving_asks_for_a_reason_and_a_fresh_code(disputed, office):
    browser = office.seat_new(Role.FINANCE)
    to = address(browser.get(DAY).text, "4200999")
    assert browser.post(to, reason="短").status_code == 422
    assert office.seat_new(Role.FINANCE, confirmed=False).post(to, reason="商户平台上的旧店订单").status_code == 403
    assert statuses()["4200999"] == "open"


def test_who_only_reads_sees_no_form_and_may_not_resolve(disputed, office):
    to = address(office.seat_new(Role.FINANCE).get(DAY).text, "4200999")
    auditor = office.seat_new(Role.AUDITOR)
    assert "已查明</button>" not in auditor.get(DAY).text
    assert auditor.post(to, reason="商户平台上的旧店订单").status_code == 403


def test_merchant_is_seen_where_its_payees_are(disputed, office):
    to = address(office.seat_new(Role.FINANCE).get(DAY).text, "4200999")
    stranger = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert MCHID not in stranger.get(LIST).text.partition("<table")[2]
    assert [stranger.get(DAY).status_code, stranger.post(to, reason="不在我的县里").status_code] == [404, 404]
    assert stranger.post(f"{DAY}/trade").status_code == 404
    with transaction() as session:
        session.execute(update(Payee).values(county_code=OTHER_COUNTY))
    assert stranger.get(DAY).status_code == 200


@pytest.mark.parametrize("path", [
    f"{LIST}/{MCHID}/2026-03-11", f"{LIST}/{MCHID}/yesterday", f"{LIST}/1900000222/2026-03-12",
])  # fmt: skip
def test_day_that_is_none_is_not_found(disputed, office, path):
    assert office.seat_new(Role.FINANCE).get(path).status_code == 404


def test_lines_are_a_table_that_no_spreadsheet_runs(disputed, office):
    answer = office.seat_new(Role.AUDITOR).post(f"{DAY}/trade")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    header, *rows = csv.reader(StringIO(answer.text.removeprefix("\ufeff")))
    assert rows[0][header.index("商户订单号")] == "'=SHOP-1"
    assert [row[header.index("金额（元）")] for row in rows] == ["8.80", "49.99"]
    flows = office.seat_new(Role.AUDITOR).post(f"{DAY}/fund").text
    assert "-0.01" in flows
    with reading() as session:
        trail = session.execute(select(AuditEntry.action, AuditEntry.object_key)).all()
    assert ("reconciliation.download", f"{MCHID}:2026-03-12:trade") in [tuple(row) for row in trail]


@pytest.mark.parametrize(("text", "cell"), [
    ("=1+1", "'=1+1"), ("+86", "'+86"), ("-1+2", "'-1+2"), ("@SUM", "'@SUM"), ("\t=1", "'\t=1"),
    ("-0.30", "-0.30"), ("4200", "4200"), ("", ""),
])  # fmt: skip
def test_text_that_begins_like_a_formula_is_quoted(text, cell):
    assert safe_cell(text) == cell


def test_page_of_a_day_takes_as_many_statements_for_one_item_as_for_many(desk, office):
    desk.walk.clock.forward(days=4)
    browser, took = office.seat_new(Role.FINANCE), []
    for count, on in ((1, ARBOR_DAY), (1, ARBOR_DAY + timedelta(days=1)), (30, ARBOR_DAY + timedelta(days=2))):
        desk.lay(*(payment(f"4{on.day}{n}", f"S{on.day}-{n}", 100) for n in range(count)), on=on)
        desk.run(on)
        with counted() as statements:
            assert browser.get(f"{LIST}/{MCHID}/{on.isoformat()}").status_code == 200
        took.append(len(statements))
    assert took[1] == took[2]


def test_refund_item_names_its_subject(desk, office):
    desk.lay(refund("HAND-1", "4200777", 100))
    desk.morning()
    desk.run()
    assert "HAND-1" in office.seat_new(Role.COUNTY_ADMIN).get(DAY).text


@pytest.fixture
def shared(disputed, make) -> Desk:
    """The merchant collects for another county as well."""
    make.payee(county=OTHER_COUNTY)
    return disputed


def test_order_of_one_county_is_hidden_from_another_that_shares_the_merchant(shared, office):
    neighbour = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    page = neighbour.get(DAY).text
    mine = (shared.unknown_here.transaction_id, shared.unknown_here.out_trade_no, "49.99")
    assert [text in page for text in (*mine, "4200999", "B77")] == [False, False, False, True, True]
    assert "该商户号由几个县共用" in page
    assert all(text in office.seat_new(Role.FINANCE).get(DAY).text for text in mine)
    assert [sum_of_open(browser) for browser in (neighbour, office.seat_new(Role.FINANCE))] == ["2", "4"]


def sum_of_open(browser) -> str:
    return re.search(r'data-label="待处理">([^<]*)<', browser.get(LIST).text).group(1)


def test_order_of_one_county_is_resolved_there_alone(shared, office):
    finance = office.seat_new(Role.FINANCE)
    to = address(finance.get(DAY).text, shared.unknown_here.transaction_id)
    neighbour = office.seat_new(Role.FINANCE, region=OTHER_COUNTY)
    assert neighbour.post(to, reason="不在我的县里").status_code == 404
    assert statuses()[shared.unknown_here.transaction_id] == "open"
    assert finance.post(to, reason="核对后是测试单").status_code == 303


@pytest.mark.parametrize("kind", ["trade", "fund"])
def test_lines_of_a_shared_merchant_are_for_those_over_all_its_counties(shared, office, kind):
    for region in (COUNTY, OTHER_COUNTY):
        browser = office.seat_new(Role.FINANCE, region=region)
        assert "下载明细" not in browser.get(DAY).text
        answer = browser.post(f"{DAY}/{kind}")
        assert (answer.status_code, "几个县共用" in answer.text) == (404, True)
    above = office.seat_new(Role.FINANCE, region=CITY)
    assert "下载明细" in above.get(DAY).text
    assert above.post(f"{DAY}/{kind}").status_code == 200


def test_quarantined_payment_of_one_county_is_hidden_from_another(desk, office, client, make, pay):
    number = open_pledge(client, make, desk.base)
    pay_pledge(client, make, pay, number, total_fen=1)
    [(order, state)] = pay.states.items()
    desk.lay(line_of(state.paid))
    desk.morning()
    desk.run()
    make.payee(county=OTHER_COUNTY)
    assert order not in office.seat_new(Role.FINANCE, region=OTHER_COUNTY).get(DAY).text
