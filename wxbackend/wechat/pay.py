"""``core.ports.PaymentGateway`` over WeChat Pay API v3, for several merchants."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from wechatpayv3.type import RequestType

from wxbackend.core.wxpay import (
    BadNotification,
    ClientPayParams,
    CloseOutcome,
    FundBill,
    Notice,
    OrderNumberSpent,
    OrderPaid,
    OrderState,
    PrepayOrder,
    Refunded,
    RefundOrder,
    TradeBill,
    WrongRecipient,
)
from wxbackend.wechat import bill_files, refunds
from wxbackend.wechat.documents import (
    Document,
    Malformed,
    order_state,
    paid_transaction,
    parse_document,
    refunded,
    text_at,
)
from wxbackend.wechat.errors import WxForged, WxMisconfigured, WxRateLimited, WxRejected
from wxbackend.wechat.pay_core import PayCore, read_answer

CHINA = ZoneInfo("Asia/Shanghai")
ORDERS = "/v3/pay/transactions"
ORDER_NUMBER = re.compile(r"[0-9A-Za-z_\-*]{6,32}")
PAID_EVENT = "TRANSACTION.SUCCESS"
REFUND_EVENTS = "REFUND."

PAID = frozenset({"ORDERPAID", "ORDER_PAID"})
CLOSED = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})
SPENT = CLOSED | {"OUT_TRADE_NO_USED", "201"}
UNKNOWN = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
CLOSE_OUTCOMES = {
    **dict.fromkeys(PAID, CloseOutcome.ALREADY_PAID),
    **dict.fromkeys(CLOSED, CloseOutcome.CLOSED),
    **dict.fromkeys(UNKNOWN, CloseOutcome.UNKNOWN),
}


class LiveGateway:
    """Threads may share it. Building it opens no connection."""

    def __init__(self, *, appid: str, cores: Iterable[PayCore]) -> None:
        self._appid = appid
        self._cores = {core.merchant.mchid: core for core in cores}

    def merchants(self) -> frozenset[str]:
        return frozenset(self._cores)

    def prepay(self, order: PrepayOrder) -> str:
        _check_number(order.out_trade_no)
        core = self._core(order.mchid)
        try:
            _, text = core.request(f"{ORDERS}/jsapi", RequestType.POST, self._order_document(order))
        except WxRejected as refusal:
            if refusal.wx_code in PAID:
                raise OrderPaid from refusal
            if refusal.wx_code in SPENT:
                raise OrderNumberSpent from refusal
            raise
        return read_answer(text, lambda answer: text_at(answer, "prepay_id"))

    def pay_params(self, *, mchid: str, prepay_id: str, now: datetime, nonce: str) -> ClientPayParams:
        seconds, package = str(int(now.timestamp())), f"prepay_id={prepay_id}"
        signature = self._core(mchid).sign([self._appid, seconds, nonce, package])
        return ClientPayParams(
            time_stamp=seconds, nonce_str=nonce, package=package, sign_type="RSA", pay_sign=str(signature)
        )

    def query(self, *, mchid: str, out_trade_no: str) -> OrderState | None:
        _check_number(out_trade_no)
        try:
            _, text = self._core(mchid).request(f"{ORDERS}/out-trade-no/{out_trade_no}?mchid={mchid}")
        except WxRejected as refusal:
            if refusal.wx_code in UNKNOWN:
                return None
            raise
        answer = read_answer(text, lambda whole: whole)
        self._check_question(answer, mchid=mchid, out_trade_no=out_trade_no)
        return read_answer(text, order_state)

    def close(self, *, mchid: str, out_trade_no: str) -> CloseOutcome:
        _check_number(out_trade_no)
        path = f"{ORDERS}/out-trade-no/{out_trade_no}/close"
        try:
            self._core(mchid).request(path, RequestType.POST, {"mchid": mchid})
        except WxRateLimited:
            return CloseOutcome.BUSY
        except WxRejected as refusal:
            return _close_outcome(refusal)
        return CloseOutcome.CLOSED

    def refund(self, order: RefundOrder) -> Refunded:
        return refunds.ask_refund(self._core(order.mchid), order)

    def query_refund(self, *, mchid: str, out_refund_no: str) -> Refunded | None:
        return refunds.query_refund(self._core(mchid), out_refund_no)

    def retry_abnormal_refund(self, *, mchid: str, wx_refund_id: str, out_refund_no: str) -> Refunded:
        return refunds.retry_abnormal(self._core(mchid), wx_refund_id=wx_refund_id, out_refund_no=out_refund_no)

    def trade_bill(self, *, mchid: str, on: date) -> TradeBill | None:
        return bill_files.trade_bill(self._core(mchid), on)

    def fund_bill(self, *, mchid: str, on: date) -> FundBill | None:
        return bill_files.fund_bill(self._core(mchid), on)

    def certificate_expiries(self) -> Mapping[tuple[str, str], datetime]:
        return {
            (mchid, serial): until
            for mchid, core in self._cores.items()
            for serial, until in core.merchant.certificates_until.items()
        }

    def clock_skew_s(self) -> float | None:
        read = [core.clock_reading for core in self._cores.values() if core.clock_reading is not None]
        return max(read, key=lambda reading: reading.at).skew_s if read else None

    def open_notice(self, *, mchid: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        core = self._cores.get(mchid)
        if core is None:
            raise BadNotification("商户号未配置")
        signed = core.verify(headers, body, now=now)
        try:
            notice = self._notice(core, parse_document(signed.text))
        except Malformed as fault:
            raise BadNotification(f"通知内容有误: {fault}") from fault
        if signed.stale:
            raise BadNotification("通知时间超出允许范围", stale_order=notice.out_trade_no)
        return notice

    def _notice(self, core: PayCore, envelope: Document) -> Notice:
        resource = core.decrypt(envelope)
        event_type = text_at(envelope, "event_type")
        is_payment, is_refund = event_type == PAID_EVENT, event_type.startswith(REFUND_EVENTS)
        if text_at(resource, "mchid") != core.merchant.mchid:
            raise WrongRecipient("通知中的商户号与接收地址不符")
        if is_payment and text_at(resource, "appid") != self._appid:
            raise WrongRecipient("通知中的小程序与本系统不符")
        if is_payment and text_at(resource, "trade_state") != "SUCCESS":
            raise Malformed("trade_state contradicts event_type")
        return Notice(
            id=text_at(envelope, "id"),
            event_type=event_type,
            mchid=core.merchant.mchid,
            out_trade_no=text_at(resource, "out_trade_no"),
            paid=paid_transaction(resource) if is_payment else None,
            refunded=_refund_told(resource, event_type, core.merchant.mchid) if is_refund else None,
            resource=resource,
        )

    def _check_question(self, answer: Document, *, mchid: str, out_trade_no: str) -> None:
        """A signature covers the answer, not the question: a genuine answer about another order is refused."""
        asked = {"appid": self._appid, "mchid": mchid, "out_trade_no": out_trade_no}
        if {name: answer.get(name) for name in asked} != asked:
            raise WxForged("the answer is about another order")

    def _order_document(self, order: PrepayOrder) -> Document:
        return {
            "appid": self._appid,
            "mchid": order.mchid,
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "time_expire": order.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            "notify_url": order.notify_url,
            "amount": {"total": order.amount_fen, "currency": "CNY"},
            "payer": {"openid": order.openid},
        }

    def _core(self, mchid: str) -> PayCore:
        core = self._cores.get(mchid)
        if core is None:
            raise WxMisconfigured("MCHID_UNKNOWN", f"merchant {mchid} is not configured")
        return core

    def disconnect(self) -> None:
        """Let go of the pooled connections."""
        for core in self._cores.values():
            core.disconnect()


def _refund_told(resource: Document, event_type: str, mchid: str) -> Refunded:
    told = refunded(resource, mchid=mchid, state_name="refund_status")
    if event_type != REFUND_EVENTS + told.state:
        raise Malformed("refund_status contradicts event_type")
    return told


def _check_number(out_trade_no: str) -> None:
    """It becomes part of a path: ``../refunds/R1`` would ask for something else."""
    if not ORDER_NUMBER.fullmatch(out_trade_no):
        raise ValueError(f"not an order number: {out_trade_no!r}")


def _close_outcome(refusal: WxRejected) -> CloseOutcome:
    outcome = CLOSE_OUTCOMES.get(refusal.wx_code)
    if outcome is None:
        raise refusal
    return outcome
