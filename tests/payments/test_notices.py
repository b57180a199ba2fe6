"""What WeChat sends, and what it is answered: each fault that really happens, by its sentence."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from models import (
    AttemptStatus,
    LedgerTransfer,
    Lot,
    NoticeState,
    OutboxMessage,
    PaymentMismatch,
    PaymentNotice,
    PledgeMove,
    PledgeStatus,
    RefundDue,
)
from tests.fakes import MCHID
from tests.statements import counted
from wxbackend.core.errors import Busy
from wxbackend.core.news import TELL
from wxbackend.core.wxpay import BadNotification, Notice, OrderState, PaidTransaction, TradeState, WrongRecipient
from wxbackend.fulfilment.service import FULFIL
from wxbackend.payments.cashier import cashier
from wxbackend.shipping.rules import REPORT


@pytest.fixture
def base(walk):
    return walk.make.base()


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def number(walk, base, me):
    return walk.open(base, me, tree_count=2)


@pytest.fixture
def paid(walk, number, me) -> PaidTransaction:
    """Paid in WeChat; we have not heard of it."""
    return walk.pay.pay(walk.order(number, me))


def booked(walk):
    return {transfer.idem.rpartition(":")[2]: transfer.amount for transfer in walk.all(LedgerTransfer)}


def assert_funded_once(walk, number, base):
    assert (walk.status(number), walk.stock(base)) == ("funded", (0, 2, "online"))
    assert booked(walk) == {"money": 10_000, "green": 10, "honour": 100}
    assert [str(move.to_status) for move in walk.all(PledgeMove)] == ["funded"]
    assert [message.topic for message in walk.all(OutboxMessage)] == [FULFIL, TELL, REPORT]
    assert walk.all(RefundDue) == walk.all(PaymentMismatch) == []


def assert_nothing_happened(walk, number, base):
    assert (walk.status(number), walk.stock(base)) == ("pending", (2, 0, "online"))
    assert booked(walk) == {}
    assert walk.all(OutboxMessage) == walk.certificates() == []


def is_wechats_dialect(answer):
    return answer.mimetype == "application/json" and answer.json["code"] == "FAIL" and bool(answer.json["message"])


def test_a_notice_funds_the_pledge_and_books_money_and_points(walk, base, number, me, paid):
    answer = walk.notify(walk.pay.notice_of(paid))
    assert (answer.status_code, answer.data) == (204, b"")
    assert_funded_once(walk, number, base)
    [attempt] = walk.attempts()
    assert (attempt.status, attempt.transaction_id, attempt.next_query_at) == (
        AttemptStatus.SUCCESS, paid.transaction_id, None,
    )  # fmt: skip
    assert walk.seen(number, me)["paid_at"] == "2026-03-12T12:00:00+08:00"


def test_nothing_is_drawn_and_nobody_called_while_wechat_waits(walk, number, paid):
    before = list(walk.pay.calls)
    walk.notify(walk.pay.notice_of(paid))
    assert (walk.pay.calls, walk.certificates()) == (before, [])


def test_row_1_a_repeated_notice_changes_nothing(walk, base, number, paid):
    body = walk.pay.notice_of(paid)
    assert [walk.notify(body).status_code for _ in range(3)] == [204] * 3
    assert_funded_once(walk, number, base)


def test_row_1_a_second_notice_with_an_id_of_its_own_changes_nothing(walk, base, number, paid):
    for notice_id in ("first", "second"):
        assert walk.notify(walk.pay.notice_of(paid, notice_id=notice_id)).status_code == 204
    assert_funded_once(walk, number, base)


@pytest.mark.parametrize("ids", [["same"] * 20, [f"id{n}" for n in range(20)]], ids=["one id", "20 ids"])
def test_row_2_twenty_copies_at_once_are_applied_once(walk, base, number, paid, ids):
    bodies = [walk.pay.notice_of(paid, notice_id=notice_id) for notice_id in ids]
    tellers = [(walk.app.test_client(), body) for body in bodies]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda told: told[0].post(f"/wx/pay/notify/{MCHID}", data=told[1]), tellers))
    assert [answer.status_code for answer in answers] == [204] * 20
    assert_funded_once(walk, number, base)


def test_row_3_a_notice_for_an_order_not_committed_yet_is_asked_for_again(walk, base, number, paid):
    early = replace(paid, out_trade_no="P260312NOTYETHERE01")
    body = walk.pay.notice_of(early)
    answer = walk.notify(body)
    assert (answer.status_code, is_wechats_dialect(answer)) == (404, True)
    assert walk.all(PaymentNotice) == []  # or the repetition would count as seen
    assert_nothing_happened(walk, number, base)


def test_row_3_the_attempt_is_committed_before_wechat_is_asked(walk, number, me):
    walk.pay.failures = [Busy()]
    assert walk.post(number, "payments", me).status_code == 503
    assert len(walk.attempts()) == 1


def test_row_4_a_lost_notice_is_made_good_by_asking(walk, base, number, me, paid):
    pledge = walk.post(number, "sync", me).json
    assert (pledge["status"], len(pledge["certificates"])) == ("allocated", 1)
    assert booked(walk)["money"] == 10_000


def test_row_4_a_lost_notice_is_made_good_by_the_poller(walk, base, number, paid):
    walk.clock.forward(seconds=10)
    walk.poll()
    assert_funded_once(walk, number, base)


def test_row_5_notice_poller_and_sync_apply_one_payment_once(walk, base, number, me, paid):
    walk.clock.forward(seconds=10)
    walk.poll()
    assert walk.notify(walk.pay.notice_of(paid)).status_code == 204
    assert_funded_once(walk, number, base)
    walk.post(number, "sync", me)
    assert booked(walk) == {"money": 10_000, "green": 10, "honour": 100}


def test_row_7_an_order_refunded_before_we_heard_of_it_is_left_to_staff(walk, base, number, paid):
    walk.pay.states[paid.out_trade_no] = OrderState(TradeState.REFUND, paid)
    walk.clock.forward(seconds=10)
    walk.poll()
    assert (walk.status(number), booked(walk)) == ("pending", {})
    assert [(one.field, one.found) for one in walk.all(PaymentMismatch)] == [("trade_state", "REFUND")]


def test_row_7_an_order_refunded_since_we_booked_it_stays_booked(walk, base, number, paid):
    assert walk.notify(walk.pay.notice_of(paid)).status_code == 204
    walk.pay.states[paid.out_trade_no] = OrderState(TradeState.REFUND, paid)
    cashier().apply_late(mchid=paid.mchid, out_trade_no=paid.out_trade_no)
    assert_funded_once(walk, number, base)
    assert walk.all(PaymentMismatch) == []


FALSE_FIELDS = [
    ("total_fen", 9_999, "amount_fen"),
    ("total_fen", 10_001, "amount_fen"),
    ("appid", "wxffffffffffffffff", "appid"),
    ("mchid", "1900000110", "mchid"),
    ("currency", "HKD", "currency"),
    ("payer_openid", "openid-b", "payer_index"),
]


@pytest.mark.parametrize(("field", "value", "named"), FALSE_FIELDS)
def test_row_8_a_payment_that_does_not_fit_its_order_is_kept_apart(walk, base, number, paid, field, value, named):
    body = walk.pay.notice_of(replace(paid, **{field: value}))
    assert [walk.notify(body).status_code for _ in range(2)] == [204, 204]
    assert_nothing_happened(walk, number, base)
    [mismatch] = walk.all(PaymentMismatch)
    assert (mismatch.field, mismatch.transaction_id) == (named, paid.transaction_id)
    assert "openid" not in mismatch.expected + mismatch.found
    [notice] = walk.all(PaymentNotice)
    assert notice.state is NoticeState.QUARANTINED


@pytest.mark.parametrize(("field", "value", "named"), FALSE_FIELDS)
def test_row_8_the_same_found_by_the_poller_is_kept_apart_and_not_asked_again(
    walk, base, number, me, field, value, named
):
    walk.pay.pay(walk.order(number, me), **{field: value})
    for _ in range(3):
        walk.clock.forward(seconds=10)
        walk.poll()
    assert walk.pay.calls.count("query") == 1
    assert_nothing_happened(walk, number, base)
    assert [mismatch.field for mismatch in walk.all(PaymentMismatch)] == [named]


def test_row_8_sync_books_nothing_that_does_not_fit(walk, base, number, me):
    walk.pay.pay(walk.order(number, me), total_fen=1)
    assert walk.post(number, "sync", me).json["status"] == "pending"
    assert_nothing_happened(walk, number, base)


def test_row_8_who_paid_what_does_not_fit_is_not_asked_to_pay_again(walk, base, number, me):
    walk.pay.pay(walk.order(number, me), total_fen=1)
    walk.post(number, "sync", me)
    again = walk.client.post(f"/v1/pledges/{number}/payments", headers=me)
    assert (again.status_code, again.json["code"]) == (409, "pledge-not-payable")
    assert_nothing_happened(walk, number, base)


def test_row_8_what_does_not_fit_waits_for_staff_but_its_places_do_not(walk, base, number, me):
    walk.pay.pay(walk.order(number, me), total_fen=1)
    walk.clock.forward(hours=1)
    walk.poll()
    walk.expire()
    assert (walk.status(number), walk.stock(base)) == ("expired", (0, 0, "online"))
    assert [mismatch.status for mismatch in walk.all(PaymentMismatch)] == ["open"]
    assert booked(walk) == {}


def test_one_order_paid_by_two_transactions_is_kept_apart(walk, base, number, paid):
    walk.notify(walk.pay.notice_of(paid))
    twin = replace(paid, transaction_id="4200000000999999999999999999")
    assert walk.notify(walk.pay.notice_of(twin)).status_code == 204
    assert [mismatch.field for mismatch in walk.all(PaymentMismatch)] == ["transaction_id"]
    assert booked(walk) == {"money": 10_000, "green": 10, "honour": 100}


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (WrongRecipient(), 400),
        (BadNotification("forged"), 401),
        (BadNotification("unknown", serial_unknown=True), 401),
    ],
    ids=["row 9: for somebody else", "row 11: forged", "row 11: unknown serial"],
)
def test_what_is_not_genuine_or_not_for_us_changes_nothing_and_calls_nobody(walk, base, number, paid, refusal, status):
    body = walk.pay.notice_of(paid)
    walk.pay.notices[body] = refusal
    before = list(walk.pay.calls)
    for _ in range(5):
        answer = walk.notify(body)
        assert (answer.status_code, is_wechats_dialect(answer)) == (status, True)
    assert walk.pay.calls == before
    assert walk.all(PaymentNotice) == []
    assert_nothing_happened(walk, number, base)


def test_row_10_a_genuine_notice_that_comes_too_late_is_refused_and_its_order_asked_about(walk, base, number, paid):
    body = walk.pay.notice_of(paid)
    walk.pay.notices[body] = BadNotification("stale", stale_order=paid.out_trade_no)
    answer = walk.notify(body)
    assert (answer.status_code, is_wechats_dialect(answer)) == (401, True)
    assert_nothing_happened(walk, number, base)
    walk.poll()
    assert_funded_once(walk, number, base)


def test_row_10_a_late_notice_about_a_paid_order_asks_nobody(walk, number, paid):
    walk.notify(walk.pay.notice_of(paid))
    late = walk.pay.notice_of(paid, notice_id="late")
    walk.pay.notices[late] = BadNotification("stale", stale_order=paid.out_trade_no)
    walk.notify(late)
    before = list(walk.pay.calls)
    walk.poll()
    assert walk.pay.calls == before


def test_a_notice_to_a_merchant_we_do_not_know_is_not_found(walk, paid):
    answer = walk.notify(walk.pay.notice_of(paid), mchid="1900009999")
    assert (answer.status_code, is_wechats_dialect(answer)) == (404, True)


def test_an_event_that_is_no_payment_is_taken_note_of(walk, base, number, paid):
    body = b"combine"
    walk.pay.notices[body] = Notice("x", "OTHER.EVENT", MCHID, paid.out_trade_no, None, {})
    assert walk.notify(body).status_code == 204
    assert_nothing_happened(walk, number, base)


def test_a_forged_refund_is_refused(walk):
    answer = walk.notify(b"nonsense", about="refund")
    assert (answer.status_code, is_wechats_dialect(answer), walk.all(PaymentNotice)) == (401, True, [])


def test_a_coupon_does_not_make_the_gift_smaller(walk, base, number, me):
    walk.notify(walk.pay.notice_of(walk.pay.pay(walk.order(number, me), payer_total_fen=9_500)))
    assert_funded_once(walk, number, base)
    [attempt] = walk.attempts()
    assert attempt.payer_total_fen == 9_500


def test_the_gift_is_one_lot_of_its_fund(walk, base, number, paid):
    walk.notify(walk.pay.notice_of(paid))
    assert ("pledge", f"campaign:{base.campaign_id}", 10_000) in [
        (lot.source, lot.purpose, lot.amount) for lot in walk.all(Lot)
    ]


def test_who_wanted_a_receipt_gets_honour_and_nothing_to_spend(walk, base, me):
    walk.pay_for(walk.open(base, me, reward="receipt"), me)
    assert booked(walk) == {"money": 5000, "honour": 50}


@pytest.mark.parametrize("kind", ["plant", "donate", "adopt"])
def test_the_first_payment_of_a_fund_takes_at_most_twelve_statements(walk, base, me, kind):
    walk.make.trees(base, 3)
    number = walk.donate(base, me) if kind == "donate" else walk.open(base, me, kind=kind, tree_count=3)
    body = walk.pay.notice_of(walk.pay.pay(walk.order(number, me)))
    with counted() as statements:
        assert walk.notify(body).status_code == 204
    assert walk.status(number) == PledgeStatus.FUNDED
    assert 0 < len(statements) <= 12, statements


def test_a_payment_told_to_the_address_of_refunds_is_applied(walk, base, number, paid):
    assert walk.notify(walk.pay.notice_of(paid), about="refund").status_code == 204
    assert_funded_once(walk, number, base)
