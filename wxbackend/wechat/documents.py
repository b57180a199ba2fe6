"""WeChat Pay's JSON into our own words. Nothing is guessed: what is missing or of another type is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from wxbackend.core.wxpay import OrderState, PaidTransaction, Refunded, RefundState, TradeState

WAS_PAID = frozenset({TradeState.SUCCESS, TradeState.REFUND})
Document = Mapping[str, Any]


class Malformed(ValueError):
    """The text names the field, never its value: that may be a person's."""


def parse_document(text: str) -> Document:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # brackets in brackets, a hundred thousand deep
        raise Malformed("not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("not an object")
    return found


def text_at(document: Document, name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise Malformed(f"{name} is not a text")
    return found


def section_at(document: Document, name: str) -> Document:
    found = document.get(name)
    if not isinstance(found, dict):
        raise Malformed(f"{name} is not an object")
    return cast("Document", found)


def fen_at(document: Document, name: str) -> int:
    found = document.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise Malformed(f"{name} is not an amount in fen")
    return found


def time_at(document: Document, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text_at(document, name))
    except ValueError:
        raise Malformed(f"{name} is not a time") from None
    if found.tzinfo is None:
        raise Malformed(f"{name} has no offset")
    return found.astimezone(UTC)


def paid_transaction(document: Document) -> PaidTransaction:
    """Read a transaction that was paid; raises ``Malformed``."""
    amount = section_at(document, "amount")
    return PaidTransaction(
        mchid=text_at(document, "mchid"),
        appid=text_at(document, "appid"),
        out_trade_no=text_at(document, "out_trade_no"),
        transaction_id=text_at(document, "transaction_id"),
        total_fen=fen_at(amount, "total"),
        payer_total_fen=fen_at(amount, "payer_total"),
        currency=text_at(amount, "currency"),
        payer_openid=text_at(section_at(document, "payer"), "openid"),
        paid_at=time_at(document, "success_time"),
    )


def order_state(document: Document) -> OrderState:
    """Read the answer to a query; raises ``Malformed``."""
    try:
        state = TradeState(text_at(document, "trade_state"))
    except ValueError:
        raise Malformed("trade_state is unknown") from None
    return OrderState(state=state, paid=paid_transaction(document) if state in WAS_PAID else None)


def refunded(document: Document, *, mchid: str, state_name: str) -> Refunded:
    """Read a refund; raises ``Malformed``. Answers call its state ``status`` and name no merchant, notifications
    call it ``refund_status``.
    """
    amount = section_at(document, "amount")
    try:
        state = RefundState(text_at(document, state_name))
    except ValueError:
        raise Malformed(f"{state_name} is unknown") from None
    return Refunded(
        mchid=mchid,
        out_trade_no=text_at(document, "out_trade_no"),
        transaction_id=text_at(document, "transaction_id"),
        out_refund_no=text_at(document, "out_refund_no"),
        wx_refund_id=text_at(document, "refund_id"),
        state=state,
        refund_fen=fen_at(amount, "refund"),
        total_fen=fen_at(amount, "total"),
        succeeded_at=time_at(document, "success_time") if document.get("success_time") else None,
    )
