"""Fetching a bill: an unsigned file is believed by its hash and its sums alone."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.wechat.paper import MCHID, NOON, PayWorld
from tests.wechat.stub import DROP, Answer, Reply, Seen, Stub
from tests.wechat.test_bills import fund_file, fund_row, paid_row, refund_row, trade_file
from tests.wechat.test_pay_gateway import gateway_of, refusing
from wxbackend.core.wxpay import BillNotReady
from wxbackend.wechat.bill_files import unpacked
from wxbackend.wechat.bills import DamagedBill
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRateLimited, WxRejected, WxUnavailable

Serve = Callable[[Answer], Stub]

DAY = date(2026, 3, 11)
FILE = trade_file(paid_row(), refund_row())
FILE_PATH = "/v3/billdownload/file"


def sha1(file: bytes) -> str:
    return hashlib.sha1(file, usedforsecurity=False).hexdigest()


def ticket(file: bytes = FILE, **changes: str) -> dict[str, str]:
    address = f"https://api.mch.weixin.qq.com{FILE_PATH}?token=AbC-1_2&tartype=gzip"
    return {"hash_type": "SHA1", "hash_value": sha1(file), "download_url": address, **changes}


def packed(file: bytes = FILE) -> Reply:
    return Reply(200, gzip.compress(file), {"Content-Type": "application/x-gzip"})


class Office:
    """Hands out tickets, and what ``files`` holds next (the last one again and again)."""

    def __init__(self, world: PayWorld, *files: Reply, **changes: str) -> None:
        self._world, self._files, self._changes = world, list(files), changes

    def __call__(self, seen: Seen) -> Reply:
        if seen.path != FILE_PATH:
            return self._world.answer(ticket(**self._changes))
        return self._files.pop(0) if len(self._files) > 1 else self._files[0]


def trade_bill(world: PayWorld, stub: Stub) -> Any:
    return gateway_of(world, stub.url).trade_bill(mchid=MCHID, on=DAY)


def test_a_bill_is_asked_for_fetched_and_read(world: PayWorld, serve: Serve) -> None:
    stub = serve(Office(world, packed()))
    bill = trade_bill(world, stub)
    asked, fetched = stub.seen()
    assert asked.target == "/v3/bill/tradebill?bill_date=2026-03-11&bill_type=ALL&tar_type=GZIP"
    assert fetched.target == f"{FILE_PATH}?token=AbC-1_2&tartype=gzip"  # at our address, whatever its host
    assert fetched.headers["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")
    assert (len(bill.lines), bill.total_fen, bill.sha1) == (2, 9900, sha1(FILE))


def test_the_fund_bill_is_that_of_the_basic_account(world: PayWorld, serve: Serve) -> None:
    file = fund_file(fund_row())
    stub = serve(Office(world, packed(file), hash_value=sha1(file)))
    bill = gateway_of(world, stub.url).fund_bill(mchid=MCHID, on=DAY)
    assert bill is not None
    assert bill.income_fen == 9900
    assert stub.seen()[0].target == "/v3/bill/fundflowbill?bill_date=2026-03-11&account_type=BASIC&tar_type=GZIP"


@pytest.mark.parametrize(
    "reply",
    [Reply(200, FILE), Reply(200, gzip.compress(FILE), {"Content-Encoding": "gzip"})],
    ids=["plain", "unpacked on the way"],
)
def test_a_file_that_is_not_packed_any_more_is_read_as_well(world: PayWorld, serve: Serve, reply: Reply) -> None:
    assert len(trade_bill(world, serve(Office(world, reply))).lines) == 2


def test_a_hash_in_capitals_is_the_same(world: PayWorld, serve: Serve) -> None:
    assert trade_bill(world, serve(Office(world, packed(), hash_value=sha1(FILE).upper()))) is not None


BAD_COPIES = {
    "another hash": packed(trade_file(paid_row())),
    "truncated": Reply(200, gzip.compress(FILE)[:-9]),
    "not GZIP": Reply(200, b"\x1f\x8b and no more"),
    "an error page": Reply(200, b"<html>"),
    "empty": Reply(200, b""),
    "address run out": Reply(400, b'{"code":"PARAM_ERROR","message":"token expired"}'),
}


@pytest.mark.parametrize("copy", BAD_COPIES.values(), ids=BAD_COPIES.keys())
def test_fault_34_a_damaged_copy_is_fetched_again_from_a_new_address(
    world: PayWorld, serve: Serve, copy: Reply
) -> None:
    stub = serve(Office(world, copy, packed()))
    assert len(trade_bill(world, stub).lines) == 2
    assert [seen.path for seen in stub.seen()] == ["/v3/bill/tradebill", FILE_PATH] * 2


@pytest.mark.parametrize("copy", BAD_COPIES.values(), ids=BAD_COPIES.keys())
def test_fault_34_three_damaged_copies_are_no_bill(world: PayWorld, serve: Serve, copy: Reply) -> None:
    stub = serve(Office(world, copy))
    with pytest.raises(BillNotReady):
        trade_bill(world, stub)
    assert len(stub.seen()) == 6


def test_a_bill_whose_sums_are_wrong_is_no_bill_even_with_the_right_hash(world: PayWorld, serve: Serve) -> None:
    file = trade_file(paid_row(), 订单总金额="99.01")
    with pytest.raises(BillNotReady):
        trade_bill(world, serve(Office(world, packed(file), hash_value=sha1(file))))


def test_the_bill_of_another_merchant_is_no_bill(world: PayWorld, serve: Serve) -> None:
    file = trade_file(paid_row(商户号="1999999999"))
    with pytest.raises(BillNotReady):
        trade_bill(world, serve(Office(world, packed(file), hash_value=sha1(file))))


def test_a_fetch_cut_off_is_tried_again_at_the_same_address(world: PayWorld, serve: Serve) -> None:
    stub = serve(Office(world, DROP, Reply(200, gzip.compress(FILE), cut=True), packed()))
    assert len(trade_bill(world, stub).lines) == 2
    assert len(stub.seen("/v3/bill/tradebill")) == 1


def test_a_day_without_trade_has_no_bill(world: PayWorld, serve: Serve) -> None:
    gateway = refusing(world, serve, 400, "NO_STATEMENT_EXIST")
    assert gateway.trade_bill(mchid=MCHID, on=DAY) is None
    assert gateway.fund_bill(mchid=MCHID, on=DAY) is None


def test_a_bill_that_is_still_being_made_is_asked_for_later(world: PayWorld, serve: Serve) -> None:
    with pytest.raises(BillNotReady):
        refusing(world, serve, 400, "STATEMENT_CREATING").trade_bill(mchid=MCHID, on=DAY)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "PARAM_ERROR", WxRejected),
        (403, "NO_AUTH", WxMisconfigured),
        (429, "RATELIMIT_EXCEEDED", WxRateLimited),
        (500, "SYSTEM_ERROR", WxUnavailable),
    ],
)
def test_a_refused_bill_is_not_an_empty_day(
    world: PayWorld, serve: Serve, status: int, code: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        refusing(world, serve, status, code).trade_bill(mchid=MCHID, on=DAY)


@pytest.mark.parametrize("status", [200, 400])
def test_an_address_nobody_signed_is_not_fetched(world: PayWorld, serve: Serve, status: int) -> None:
    stub = serve(lambda _: Reply(status, str(ticket()).encode()))
    with pytest.raises((WxForged, WxRejected)):
        trade_bill(world, stub)
    assert stub.seen(FILE_PATH) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"hash_type": "MD5"},
        {"hash_value": "abc"},
        {"hash_value": ""},
        {"download_url": ""},
        {"download_url": "https://api.mch.weixin.qq.com/v3/../x"},
        {"download_url": "https://api.mch.weixin.qq.com/other?token=1"},
        {"download_url": f"https://api.mch.weixin.qq.com{FILE_PATH}?token=中文"},
    ],
)
def test_a_ticket_that_makes_no_sense_is_refused(world: PayWorld, serve: Serve, changes: dict[str, str]) -> None:
    stub = serve(Office(world, packed(), **changes))
    with pytest.raises(WxRejected, match="MALFORMED"):
        trade_bill(world, stub)
    assert stub.seen(FILE_PATH) == []


def test_a_bomb_is_not_unpacked() -> None:
    bill = gzip.compress(FILE)
    assert unpacked(bill, longest_bytes=len(FILE) + 1) == FILE
    with pytest.raises(DamagedBill):
        unpacked(bill, longest_bytes=len(FILE) - 1)


def test_a_bill_beyond_a_hundred_megabytes_is_a_bomb() -> None:
    with pytest.raises(DamagedBill):
        unpacked(gzip.compress(bytes(100_000_001), compresslevel=1))


def test_the_skew_of_our_clock_is_that_of_the_last_answer(world: PayWorld, serve: Serve) -> None:
    stub = serve(lambda _: world.refusal(400, "NO_STATEMENT_EXIST"))
    gateway = gateway_of(world, stub.url)
    assert gateway.clock_skew_s() is None
    for offset_s in (-400, 400, 0):
        stub.then(world.answer({"code": "NO_STATEMENT_EXIST"}, status=400, at=NOON + timedelta(seconds=offset_s)))
        gateway.trade_bill(mchid=MCHID, on=DAY)
        assert gateway.clock_skew_s() == -offset_s


def test_a_refusal_for_a_wrong_clock_tells_the_skew_by_its_date(world: PayWorld, serve: Serve) -> None:
    """WeChat's 401 may carry no signature; its date is all there is."""
    stub = serve(lambda _: Reply(401, b'{"code":"SIGN_ERROR"}', {"Date": "Thu, 12 Mar 2026 04:10:00 GMT"}))
    gateway = gateway_of(world, stub.url)
    with pytest.raises(WxMisconfigured):
        gateway.trade_bill(mchid=MCHID, on=DAY)
    assert gateway.clock_skew_s() == -600
