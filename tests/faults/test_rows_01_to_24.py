"""What goes wrong with payments: duplicates, loss, disorder, forgery, doubt. One county, one simulated WeChat."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from models import Certificate, CertificateFile, PaymentMismatch, PaymentNotice, Refund, RefundDue
from tests.faults.county import MCHID, OTHER_MCHID, County

FUNDED = ("funded", "allocated")


@pytest.fixture
def me(county):
    return county.resident()


@pytest.fixture
def base(county):
    return county.base()


@pytest.fixture
def number(county, base, me):
    return county.open(base, me)


@pytest.fixture
def order(county, number, me):
    return county.order(number, me)


def once(county: County, number: str, order: str) -> None:
    """Paid once, whatever came: one success, one set of postings, one place sold, a clean audit."""
    county.drain()
    assert county.status(number) in FUNDED
    assert county.transfers(order) == ["payment", "points-for-payment", "points-for-payment"]
    county.assert_clean()


def test_row_01_a_notice_that_comes_again_under_its_own_and_under_a_second_id_changes_nothing(county, number, order):
    county.plan(copies=3, second_id=True)
    assert county.pay(order) == [204, 204, 204]
    county.control("POST", "deliveries/1/resend")
    assert county.deliver() == [204]
    once(county, number, order)


def test_row_02_twenty_copies_at_once_book_one_payment(county, number, order):
    county.plan(copies=20)
    county.control("POST", "pay", {"out_trade_no": order})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: county.simulator.office.deliver_due(), range(4)))
    assert set(county.post.statuses) <= {204, 503, 500}
    county.deliver(until="end")
    once(county, number, order)


def test_row_03_an_order_is_committed_before_wechat_hears_of_it(county, number, me):
    """So a notice can never come first: where prepay itself fails, the attempt stands already."""
    county.fault("/v3/pay/transactions/jsapi", times=3, status=500)
    assert county.ask_to_pay(number, me).status_code == 502
    [attempt] = county.attempts()
    assert str(attempt.status) == "created"


def test_row_04_a_notice_that_never_comes_is_made_up_for_by_the_poller(county, number, order):
    county.plan(drop=True)
    assert county.pay(order) == []
    county.forward(seconds=11)
    county.work()
    once(county, number, order)


def test_row_04_and_by_the_person_who_asks(county, number, order, me):
    county.plan(drop=True)
    county.pay(order)
    assert county.client.post(f"/v1/pledges/{number}/sync", headers=me).json["status"] == "allocated"
    once(county, number, order)


def test_row_05_a_notice_and_a_query_of_one_payment_book_it_once(county, number, order, me):
    county.plan(hold=True)
    county.pay(order)
    county.client.post(f"/v1/pledges/{number}/sync", headers=me)
    county.control("POST", "release", {})
    assert county.deliver() == [204]
    once(county, number, order)


def test_row_08_another_amount_is_kept_apart_and_books_nothing(county, number, order):
    county.plan(override={"amount.total": 1})
    assert county.pay(order) == [204]
    assert county.status(number) == "pending"
    assert [row.field for row in county.all(PaymentMismatch)] == ["amount_fen"]
    assert county.booked_fen() == 0


@pytest.mark.parametrize("override", [{"mchid": OTHER_MCHID}, {"appid": "wx9999999999999999"}])
def test_row_09_a_notice_for_somebody_else_is_a_bad_request(county, number, order, override):
    county.plan(override=override)
    assert county.pay(order) == [400]
    assert (county.status(number), county.all(PaymentNotice)) == ("pending", [])


def test_row_10_a_replayed_notice_is_refused_and_its_order_asked_about(county, number, order):
    county.plan(forge="stale-timestamp")
    assert county.pay(order) == [401]
    assert county.status(number) == "pending"
    county.work()
    once(county, number, order)


@pytest.mark.parametrize("forge", ["random-signature", "unknown-serial", "unknown-public-key", "tampered-body"])
def test_row_11_a_flood_of_forgeries_calls_nobody_and_the_genuine_notice_is_still_taken(county, number, order, forge):
    county.plan(copies=20, forge=forge)
    before = county.hits("/v3/")
    assert set(county.pay(order)) == {401}
    assert (county.hits("/v3/"), county.status(number)) == (before, "pending")
    county.control("POST", "notify", {"out_trade_no": order})
    assert county.deliver() == [204]
    once(county, number, order)


def test_what_came_and_what_was_asked_is_counted_by_its_end(county, number, order):
    before = counted(county)
    county.plan(forge="random-signature")
    county.pay(order)
    county.control("POST", "notify", {"out_trade_no": order})
    county.deliver()
    after = counted(county)
    changes = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert changes == {
        'xiangshu_wechat_notices_total{door="pay",outcome="bad-notification"}': 1,
        'xiangshu_wechat_notices_total{door="pay",outcome="funded"}': 1,
    }
    assert after['xiangshu_wechat_calls_total{host="pay",outcome="ok"}'] >= 1


def counted(county: County) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in county.client.get("/metrics").text.splitlines()]
    return {name: float(value) for name, value in lines if re.match(r"xiangshu_wechat_(notices|calls)_total", name)}


def test_row_12_wechats_own_probe_is_refused_and_its_repetition_taken(county, number, order):
    county.plan(forge="signtest")
    assert county.pay(order) == [401]
    assert county.deliver(until="end") == [204]
    once(county, number, order)


@pytest.mark.parametrize("mode", ["public_key", "platform_certificate", "alternate"])
def test_row_13_while_keys_change_a_notice_signed_by_either_is_taken(county, number, order, mode):
    county.control("POST", f"merchants/{MCHID}", {"sign_mode": mode})
    assert county.pay(order) == [204]
    once(county, number, order)


def test_row_14_the_days_that_a_platform_certificate_has_left_are_measured(county):
    told = county.client.get("/metrics").text
    days = re.findall(rf'xiangshu_platform_certificate_days{{mchid="{MCHID}",serial="[0-9A-F]+"}} ([0-9.]+)', told)
    assert [float(left) > 0 for left in days] == [True]


def test_row_15_a_notice_sealed_with_another_key_is_refused(county, number, order):
    county.plan(forge="wrong-apiv3-key")
    assert county.pay(order) == [401]
    assert county.status(number) == "pending"


def test_row_16_while_the_database_is_away_a_notice_is_refused_at_once_and_taken_later(county, order, number):
    with county.without_database():
        assert county.pay(order) == [500]
    assert county.deliver(until="end") == [204]
    once(county, number, order)


def test_row_17_a_notice_is_answered_without_drawing_and_without_calling_anybody(county, order, number):
    before = county.hits("/")
    county.control("POST", "pay", {"out_trade_no": order})
    county.deliver()
    assert county.hits("/") == before
    assert county.all(CertificateFile) == county.all(Certificate) == []
    once(county, number, order)


def test_row_18_a_prepay_without_answer_is_asked_again_under_its_number(county, number, me):
    county.fault("/v3/pay/transactions/jsapi", times=1, drop=True, after=True)
    order = county.order(number, me)
    assert (order[-2:], county.hits("/v3/pay/transactions/jsapi")) == ("01", 2)
    county.pay(order)
    once(county, number, order)


def test_row_19_an_open_order_gives_its_means_to_pay_again(county, number, order, me):
    """A prepay_id lives two hours, and the places fifteen minutes: it is never older than what it pays for."""
    county.forward(minutes=13)
    assert county.order(number, me) == order
    county.pay(order)
    once(county, number, order)


@pytest.mark.parametrize("code", ["OUT_TRADE_NO_USED", "ORDER_CLOSED"])
def test_row_20_a_spent_number_gets_a_successor_once_the_old_one_is_unpaid_for_certain(county, number, me, code):
    county.fault("/v3/pay/transactions/jsapi", times=1, status=400, code=code)
    order = county.order(number, me)
    assert order[-2:] == "02"
    county.pay(order)
    once(county, number, order)


def test_row_21_an_order_that_wechat_calls_paid_is_applied_as_paid(county, number, order, me):
    county.plan(drop=True)
    county.pay(order)
    answer = county.client.post(f"/v1/pledges/{number}/cancel", headers=me)
    assert (answer.status_code, answer.json["code"]) == (409, "already-paid")
    once(county, number, order)


def test_row_22_an_order_whose_payer_is_typing_the_password_keeps_its_places(county, base, number, order, me):
    county.control("POST", "pay", {"out_trade_no": order, "step": "begin"})
    answer = county.client.post(f"/v1/pledges/{number}/cancel", headers=me)
    assert (answer.status_code, answer.json["code"]) == (409, "payment-in-progress")
    assert county.stock(base) == (1, 0)
    county.pay(order)
    once(county, number, order)


def test_row_23_only_what_wechat_closed_gives_its_places_back(county, base, number, order):
    county.fault("/close$", times=3, status=500)
    county.forward(minutes=17)
    county.work()
    assert county.stock(base) == (1, 0)
    county.forward(minutes=2)
    county.work()
    assert (county.stock(base), county.status(number)) == ((0, 0), "expired")


def test_row_23_money_at_the_last_second_takes_its_place_again(county, base, number, order, me):
    county.plan(hold=True)
    county.pay(order)
    county.fault(f"out-trade-no/{order}$", times=6, json={"code": "ORDER_NOT_EXIST", "message": ""}, status=404)
    county.forward(minutes=20)
    county.control("POST", "release", {})
    county.deliver()
    once(county, number, order)
    assert county.stock(base) == (0, 1)


def test_row_24_a_second_paid_order_of_one_pledge_goes_back_by_itself(county, base, number, me):
    first = county.order(number, me)
    county.plan(hold=True)
    county.pay(first)
    [known] = county.control("GET", f"orders?out_trade_no={first}")["orders"]
    lie = {**known, "trade_state": "CLOSED"}
    county.fault(f"out-trade-no/{first}$", times=1, json=lie)
    county.forward(seconds=11)
    county.work()  # it is told that nobody paid, and nobody can any more
    second = county.order(number, me)
    assert second[-2:] == "02"
    assert county.pay(second) == [204]
    county.control("POST", "release", {})
    assert county.deliver() == [204]
    county.work()
    [due] = county.all(RefundDue)
    [refund] = county.all(Refund)
    assert (str(due.reason), refund.due_id, refund.amount_fen) == ("second_payment", due.id, 5000)
    assert county.refunded(first) == 5000
    assert county.stock(base) == (0, 1)
    county.assert_clean()
