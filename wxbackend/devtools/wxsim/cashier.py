"""The user's side of a payment: wx.requestPayment opens the cashier, a password pays."""

from dataclasses import replace

from wxbackend.devtools.wxsim.clock import random_hex, rfc3339
from wxbackend.devtools.wxsim.keys import is_signed
from wxbackend.devtools.wxsim.orders import PREPAY_LIFE_S, Order, TradeState
from wxbackend.devtools.wxsim.refunds_settling import settle_refunds
from wxbackend.devtools.wxsim.wire import Json
from wxbackend.devtools.wxsim.world import World

LONGEST_NONCE = 32
CLIENT_FIELDS = ("timeStamp", "nonceStr", "package", "signType", "paySign")


class CashierRefusal(Exception):
    """The user cannot pay: ``code`` says why in a word, the message is what the phone would show."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def find_order(world: World, out_trade_no: str, *, mchid: str | None) -> Order:
    """The one order of this number; without ``mchid`` it must be the only one at any merchant."""
    found = [
        order
        for (owner, number), order in world.order_book.orders.items()
        if number == out_trade_no and mchid in {None, owner}
    ]
    if len(found) != 1:
        raise CashierRefusal("order-not-found", f"{len(found)} orders have this number")
    return found[0]


def open_cashier(world: World, params: Json) -> Order:
    """The order that the arguments of wx.requestPayment open; checks them as the phone and WeChat do."""
    texts = {name: params.get(name) for name in CLIENT_FIELDS}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise CashierRefusal("bad-parameter", "requestPayment:fail parameter error: every parameter is a text")
    nonce_fits = len(str(texts["nonceStr"])) <= LONGEST_NONCE
    if texts["signType"] != "RSA" or not str(texts["timeStamp"]).isdigit() or not nonce_fits:
        raise CashierRefusal("bad-parameter", "requestPayment:fail parameter error: signType, timeStamp or nonceStr")
    prepay_id = str(texts["package"]).removeprefix("prepay_id=")
    order, made_at = world.order_book.prepay_ids.get(prepay_id, (None, 0.0))
    if order is None or prepay_id == texts["package"]:
        raise CashierRefusal("bad-prepay-id", "支付验证签名失败")
    message = f"{order.form.appid}\n{texts['timeStamp']}\n{texts['nonceStr']}\n{texts['package']}\n".encode()
    key = world.merchants[order.form.mchid].key.public_key()
    if not is_signed(key, message=message, signature=str(texts["paySign"])):
        raise CashierRefusal("bad-signature", "支付验证签名失败")
    if world.clock.now() - made_at > PREPAY_LIFE_S:
        raise CashierRefusal("prepay-id-expired", "该订单已过期，请重新下单")
    return order


def begin(world: World, order: Order, *, openid: str | None = None) -> None:
    """The password field is open: until pay or abandon, closing the order is refused."""
    _check_payable(world, order, openid=openid)
    if order.state is TradeState.NOTPAY:
        order.move(TradeState.USERPAYING)


def abandon(order: Order) -> None:
    if order.state is not TradeState.USERPAYING:
        raise CashierRefusal("not-paying", "nobody is paying this order")
    order.move(TradeState.NOTPAY)


def pay(world: World, order: Order, *, openid: str | None = None, coupon_fen: int = 0) -> Json:
    """Take the money; the transaction as WeChat will tell it. A coupon lowers payer_total, never total."""
    _check_payable(world, order, openid=openid)
    if not 0 <= coupon_fen < order.form.total_fen:
        raise CashierRefusal("bad-coupon", "a coupon is less than the total")
    settle_refunds(world)  # the movements of the account stay in the order of their times
    now = world.clock.now()
    account = world.accounts.of(order.form.mchid)
    order.move(TradeState.SUCCESS)
    order.paid_at = now
    order.coupon_fen = coupon_fen
    order.transaction_id = _transaction_id(now)
    order.fee_bp, order.fee_fen = account.fee_bp, account.fee_of(order.form.total_fen)
    account.receive(order, now=now)
    return order.transaction()


def claimed_transaction(order: Order, *, now: float) -> Json:
    """What a forger would tell of an order: paid just now, though it was not."""
    return replace(order, state=TradeState.SUCCESS, paid_at=now, transaction_id=_transaction_id(now)).transaction()


def _transaction_id(now: float) -> str:
    day = rfc3339(now)[:10].replace("-", "")
    return f"420000{day}{int(random_hex(11), 16):014d}"


def _check_payable(world: World, order: Order, *, openid: str | None) -> None:
    if order.paid_at is not None:
        raise CashierRefusal("order-paid", "该订单已支付")
    if order.state is TradeState.CLOSED:
        raise CashierRefusal("order-closed", "该订单已关闭")
    if world.clock.now() > order.expires_at:
        raise CashierRefusal("order-expired", "该订单已过期，请重新下单")
    if openid not in {None, order.form.openid}:
        raise CashierRefusal("wrong-payer", "当前支付账号与下单账号不一致")
