"""Answers about payments, in the words that ``wx.requestPayment`` expects."""

from pydantic import ConfigDict, Field

from wxbackend.core.schema import Answer
from wxbackend.core.wxpay import ClientPayParams
from wxbackend.payments.attempts import Order


class ClientPayAnswer(Answer):
    """Passed to ``wx.requestPayment`` as it is, hence the camel case."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    time_stamp: str = Field(alias="timeStamp")
    nonce_str: str = Field(alias="nonceStr")
    package: str
    sign_type: str = Field(alias="signType")
    pay_sign: str = Field(alias="paySign")


class PaymentAnswer(Answer):
    out_trade_no: str
    amount_fen: int
    pay: ClientPayAnswer

    @classmethod
    def of(cls, order: Order, params: ClientPayParams) -> "PaymentAnswer":
        pay = ClientPayAnswer(
            time_stamp=params.time_stamp,
            nonce_str=params.nonce_str,
            package=params.package,
            sign_type=params.sign_type,
            pay_sign=params.pay_sign,
        )
        return cls(out_trade_no=order.out_trade_no, amount_fen=order.amount_fen, pay=pay)
