"""Refunds at one merchant of WeChat Pay. What may have happened is never told as refused."""

import re
from urllib.parse import quote

import requests
from wechatpayv3.type import RequestType

from wxbackend.core.wxpay import NotEnoughBalance, Refunded, RefundOrder, RefundRefused
from wxbackend.wechat.documents import Document, refunded
from wxbackend.wechat.errors import WxForged, WxRejected, WxUnavailable
from wxbackend.wechat.pay_core import PayCore, read_answer

REFUNDS = "/v3/refund/domestic/refunds"
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
WECHAT_NUMBER = re.compile(r"[0-9A-Za-z]{1,32}")
LONGEST_REASON_BYTES = 80

SHORT = frozenset({"NOT_ENOUGH", "NOTENOUGH"})
UNKNOWN = frozenset({"RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS", "REFUNDNOTEXIST"})
TRY_AGAIN = frozenset({"SYSTEM_ERROR", "BIZERR_NEED_RETRY"})


def ask_refund(core: PayCore, order: RefundOrder) -> Refunded:
    check_refund_number(order.out_refund_no)
    _check_wechat_number(order.transaction_id)
    answer = _ask(core, REFUNDS, _refund_document(order))
    facts = (answer.out_refund_no, answer.transaction_id, answer.refund_fen, answer.total_fen)
    if facts != (order.out_refund_no, order.transaction_id, order.refund_fen, order.total_fen):
        raise WxForged("the answer is about another refund")
    return answer


def query_refund(core: PayCore, out_refund_no: str) -> Refunded | None:
    check_refund_number(out_refund_no)
    try:
        _, text = core.request(f"{REFUNDS}/{quote(out_refund_no, safe='*@')}")
    except WxRejected as refusal:
        if refusal.wx_code in UNKNOWN:
            return None
        raise
    return _about(core, text, out_refund_no)


def retry_abnormal(core: PayCore, *, wx_refund_id: str, out_refund_no: str) -> Refunded:
    check_refund_number(out_refund_no)
    _check_wechat_number(wx_refund_id)
    path = f"{REFUNDS}/{wx_refund_id}/apply-abnormal-refund"
    return _ask(core, path, {"out_refund_no": out_refund_no, "type": "MERCHANT_BANK_CARD"})


def check_refund_number(out_refund_no: str) -> None:
    """It becomes part of a path."""
    if not REFUND_NUMBER.fullmatch(out_refund_no):
        raise ValueError(f"not a refund number: {out_refund_no!r}")


def _check_wechat_number(number: str) -> None:
    if not WECHAT_NUMBER.fullmatch(number):
        raise ValueError(f"not a number of WeChat's: {number!r}")


def _ask(core: PayCore, path: str, document: Document) -> Refunded:
    try:
        _, text = core.request(path, RequestType.POST, document)
    except WxRejected as refusal:
        raise _meant(refusal) from refusal
    return _about(core, text, str(document["out_refund_no"]))


def _meant(refusal: WxRejected) -> Exception:
    """A signature refused may be a clock that is off; that we lack the right or the account, no repetition mends."""
    if refusal.http == requests.codes.unauthorized or refusal.wx_code == "SIGN_ERROR":
        return refusal
    if refusal.wx_code in SHORT:
        return NotEnoughBalance()
    if refusal.wx_code in TRY_AGAIN:
        return WxUnavailable(str(refusal))
    if not refusal.wx_code:
        return refusal  # not WeChat's: somebody in between
    return RefundRefused(refusal.wx_code)


def _about(core: PayCore, text: str, out_refund_no: str) -> Refunded:
    """A signature covers the answer, not the question: a genuine answer about another refund is refused."""
    document = read_answer(text, lambda whole: whole)
    if document.get("out_refund_no") != out_refund_no:
        raise WxForged("the answer is about another refund")
    return read_answer(text, lambda whole: refunded(whole, mchid=core.merchant.mchid, state_name="status"))


def _refund_document(order: RefundOrder) -> Document:
    return {
        "transaction_id": order.transaction_id,
        "out_refund_no": order.out_refund_no,
        "reason": order.reason.encode()[:LONGEST_REASON_BYTES].decode(errors="ignore"),
        "notify_url": order.notify_url,
        "amount": {"refund": order.refund_fen, "total": order.total_fen, "currency": "CNY"},
    }
