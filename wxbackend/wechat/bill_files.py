"""A merchant's bills: ask for the address, fetch the file, believe it when its hash and its sums are right."""

import hmac
import logging
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import urlsplit

from wxbackend.core.wxpay import BillNotReady, FundBill, TradeBill
from wxbackend.wechat.bills import DamagedBill, read_fund_bill, read_trade_bill, sha1_of
from wxbackend.wechat.documents import Document, Malformed, text_at
from wxbackend.wechat.errors import WxMisconfigured, WxRejected
from wxbackend.wechat.pay_core import PayCore, read_answer

NO_STATEMENT = frozenset({"NO_STATEMENT_EXIST"})
CREATING = frozenset({"STATEMENT_CREATING"})
FETCHES = 3  # an address lives for five minutes; each fetch asks for a new one
LONGEST_BILL_BYTES = 100_000_000
GZIP_BEGINS, GZIP_WBITS = b"\x1f\x8b", 31
DOWNLOAD_PATH = re.compile(r"/v3/[0-9A-Za-z_/\-]+")
DOWNLOAD_QUERY = re.compile(r"[0-9A-Za-z_\-.~%=&+/*]*")  # what is sent as it is signed
SHA1_HEX = re.compile(r"[0-9a-f]{40}")

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where the file is, for some minutes, and the SHA-1 of its content before it was compressed."""

    path: str
    sha1: str


def trade_bill(core: PayCore, on: date) -> TradeBill | None:
    question = f"/v3/bill/tradebill?bill_date={on.isoformat()}&bill_type=ALL&tar_type=GZIP"
    return _bill(core, question, lambda file: read_trade_bill(file, mchid=core.merchant.mchid))


def fund_bill(core: PayCore, on: date) -> FundBill | None:
    question = f"/v3/bill/fundflowbill?bill_date={on.isoformat()}&account_type=BASIC&tar_type=GZIP"
    return _bill(core, question, read_fund_bill)


def _bill(core: PayCore, question: str, read: Callable[[bytes], T]) -> T | None:
    """``None`` on a day without one. Raises ``BillNotReady``, also when every copy was damaged."""
    for _ in range(FETCHES):
        ticket = _ticket(core, question)
        if ticket is None:
            return None
        try:
            return read(_fetched(core, ticket))
        except DamagedBill as damage:
            log.warning("bill of merchant %s is damaged: %s", core.merchant.mchid, damage)
    raise BillNotReady("对账单文件损坏，请稍后再试")


def _ticket(core: PayCore, question: str) -> Ticket | None:
    try:
        _, text = core.request(question)
    except WxRejected as refusal:
        if refusal.wx_code in NO_STATEMENT:
            return None
        if refusal.wx_code in CREATING:
            raise BillNotReady from refusal
        raise
    return read_answer(text, _read_ticket)


def _read_ticket(answer: Document) -> Ticket:
    """Of the address only path and query are taken: it goes through our own connection, whatever its host."""
    if text_at(answer, "hash_type") != "SHA1":
        raise Malformed("hash_type is unknown")
    sha1 = text_at(answer, "hash_value").lower()
    address = urlsplit(text_at(answer, "download_url"))
    if not SHA1_HEX.fullmatch(sha1):
        raise Malformed("hash_value is unknown")
    if not DOWNLOAD_PATH.fullmatch(address.path) or not DOWNLOAD_QUERY.fullmatch(address.query):
        raise Malformed("download_url is unknown")
    return Ticket(path=f"{address.path}?{address.query}", sha1=sha1)


def _fetched(core: PayCore, ticket: Ticket) -> bytes:
    """Raises ``DamagedBill``, also when the address has run out meanwhile: a new one mends both."""
    try:
        file = unpacked(core.download(ticket.path))
    except WxMisconfigured:
        raise
    except WxRejected as refusal:
        raise DamagedBill(f"address refused: {refusal}") from None
    if not hmac.compare_digest(sha1_of(file), ticket.sha1):
        raise DamagedBill("another hash")
    return file


def unpacked(packed: bytes, *, longest_bytes: int = LONGEST_BILL_BYTES) -> bytes:
    """As it is, when somebody on the way has unpacked it already. Raises ``DamagedBill``, also beyond the limit."""
    if not packed.startswith(GZIP_BEGINS):
        return packed
    unpacking = zlib.decompressobj(GZIP_WBITS)
    try:
        file = unpacking.decompress(packed, longest_bytes)
    except zlib.error:
        raise DamagedBill("not GZIP") from None
    if not unpacking.eof:
        raise DamagedBill("cut short")
    return file
