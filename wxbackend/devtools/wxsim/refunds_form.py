"""Parameter checks of POST /v3/refund/domestic/refunds and of apply-abnormal-refund."""

import re
from dataclasses import dataclass

from wxbackend.devtools.wxsim.keys import open_sealed_text
from wxbackend.devtools.wxsim.order_form import HIGHEST_FEN, optional_text, read_notify_url, wrong
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.pay_site import PayCall
from wxbackend.devtools.wxsim.refunds import TO_A_BANK_CARD, TO_THE_MERCHANT, RefundForm
from wxbackend.devtools.wxsim.wire import Json

REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
LONGEST_REASON_BYTES = 80
CARD_FIELDS = ("bank_account", "real_name")


@dataclass(frozen=True, slots=True)
class AbnormalForm:
    """Where the money of an ABNORMAL refund shall go instead."""

    out_refund_no: str
    received_by: str


def read_refund(body: Json) -> RefundForm:
    """The checked refund; raises PayRefusal PARAM_ERROR naming the first field that is wrong."""
    out_trade_no = optional_text(body, "out_trade_no", most=32)
    transaction_id = optional_text(body, "transaction_id", most=32)
    if out_trade_no is None and transaction_id is None:
        raise wrong("transaction_id", "transaction_id和out_trade_no必须二选一")
    amount = body.get("amount")
    if not isinstance(amount, dict):
        raise wrong("amount", "缺少必填参数")
    if amount.get("currency") != "CNY":
        raise wrong("amount/currency", "仅支持人民币CNY", amount.get("currency"))
    return RefundForm(
        out_refund_no=read_refund_number(body),
        out_trade_no=out_trade_no,
        transaction_id=transaction_id,
        refund_fen=_fen(amount, "refund"),
        total_fen=_fen(amount, "total"),
        reason=_reason(body),
        notify_url=None if body.get("notify_url") is None else read_notify_url(body),
    )


def read_abnormal(call: PayCall) -> AbnormalForm:
    """Card and name must be sealed with the key that the request's ``Wechatpay-Serial`` names."""
    body = call.body
    number = read_refund_number(body)
    if body.get("type") == "MERCHANT_BANK_CARD":
        return AbnormalForm(number, TO_THE_MERCHANT)
    if body.get("type") != "USER_BANK_CARD":
        raise wrong("type", "可选取值: USER_BANK_CARD, MERCHANT_BANK_CARD", body.get("type"))
    for name in ("bank_type", *CARD_FIELDS):
        if optional_text(body, name, most=1024) is None:
            raise wrong(name, "退款至用户银行卡时必填")
    signer = call.merchant.answer_signer(call.serial)
    if not call.serial or signer is None:
        raise PayRefusal(400, "PARAM_ERROR", "使用加密字段时必须传入Http头Wechatpay-Serial")
    for name in CARD_FIELDS:
        if open_sealed_text(signer.key, body[name]) is None:
            raise wrong(name, "解密失败，请检查加密所用的微信支付公钥或平台证书")
    return AbnormalForm(number, TO_A_BANK_CARD)


def read_refund_number(body: Json) -> str:
    value = body.get("out_refund_no")
    if not isinstance(value, str) or REFUND_NUMBER.fullmatch(value) is None:
        raise wrong("out_refund_no", "1至64位，只能是数字、大小写字母_-|*@", value)
    return value


def _fen(amount: Json, name: str) -> int:
    value = amount.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= HIGHEST_FEN:
        raise wrong(f"amount/{name}", "金额应为正整数，单位为分", value)
    return value


def _reason(body: Json) -> str | None:
    reason = optional_text(body, "reason", most=LONGEST_REASON_BYTES)
    if reason is not None and len(reason.encode()) > LONGEST_REASON_BYTES:
        raise wrong("reason", "退款原因不可超过80个字节", reason)
    return reason
