"""What api.mch.weixin.qq.com answers about refunds."""

from wxbackend.devtools.wxsim.order_form import wrong
from wxbackend.devtools.wxsim.orders import Order, PayRefusal
from wxbackend.devtools.wxsim.pay_site import PayCall, PayHandler
from wxbackend.devtools.wxsim.refunds import RefundForm
from wxbackend.devtools.wxsim.refunds_form import REFUND_NUMBER, read_abnormal, read_refund
from wxbackend.devtools.wxsim.refunds_settling import settle_refunds, start_refund
from wxbackend.devtools.wxsim.wire import Json, Route
from wxbackend.devtools.wxsim.world import World


def ask_refund(world: World, call: PayCall) -> Json:
    settle_refunds(world)
    form = read_refund(call.body)
    mchid = call.merchant.mchid
    order = _order_of(world, mchid, form)
    known = world.refund_book.repeated(mchid, form, order)
    if known is not None:
        return known.answer()
    return start_refund(world, order, form).answer()


def query_refund(world: World, call: PayCall) -> Json:
    settle_refunds(world)
    number = call.path_words["out_refund_no"]
    if REFUND_NUMBER.fullmatch(number) is None:
        raise wrong("out_refund_no", "1至64位，只能是数字、大小写字母_-|*@", number)
    return world.refund_book.by_number(call.merchant.mchid, number).answer()


def apply_abnormal(world: World, call: PayCall) -> Json:
    settle_refunds(world)
    form = read_abnormal(call)
    refund = world.refund_book.by_id(call.merchant.mchid, call.path_words["refund_id"])
    if refund.form.out_refund_no != form.out_refund_no:
        raise PayRefusal(400, "INVALID_REQUEST", "商户退款单号与微信支付退款单号不匹配")
    world.refund_book.restart(
        refund,
        received_by=form.received_by,
        now=world.clock.now(),
        schedule_now=world.clock.schedule_now(),
    )
    return refund.answer()


def _order_of(world: World, mchid: str, form: RefundForm) -> Order:
    """Found by the transaction first, as WeChat does when both numbers come; they must then be of one order."""
    book = world.order_book
    try:
        if form.transaction_id is None:
            return book.by_number(mchid, form.out_trade_no or "")
        order = book.by_transaction(mchid, form.transaction_id)
    except PayRefusal as unknown:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "订单不存在") from unknown
    if form.out_trade_no not in {None, order.form.out_trade_no}:
        raise PayRefusal(400, "INVALID_REQUEST", "transaction_id与out_trade_no不是同一笔订单")
    return order


ROUTES: tuple[Route[PayHandler], ...] = (
    Route("POST", "/v3/refund/domestic/refunds", ask_refund),
    Route("GET", "/v3/refund/domestic/refunds/(?P<out_refund_no>[^/]+)", query_refund),
    Route("POST", "/v3/refund/domestic/refunds/(?P<refund_id>[^/]+)/apply-abnormal-refund", apply_abnormal),
)
