"""What api.mch.weixin.qq.com answers: order, query, close, platform certificates."""

from wxbackend.devtools.wxsim.clock import rfc3339
from wxbackend.devtools.wxsim.keys import seal
from wxbackend.devtools.wxsim.order_form import read_form, wrong
from wxbackend.devtools.wxsim.orders import OrderForm, PayRefusal
from wxbackend.devtools.wxsim.pay_site import PayCall, PayHandler
from wxbackend.devtools.wxsim.wire import Json, Route
from wxbackend.devtools.wxsim.world import World


def place_order(world: World, call: PayCall) -> Json:
    now = world.clock.now()
    form = read_form(call.body, now=now)
    _check_parties(world, call, form)
    return {"prepay_id": world.order_book.place(form, now=now)}


def query_by_number(world: World, call: PayCall) -> Json:
    mchid = _own_mchid(call, call.query.get("mchid"))
    return world.order_book.by_number(mchid, call.path_words["out_trade_no"]).transaction()


def query_by_transaction(world: World, call: PayCall) -> Json:
    mchid = _own_mchid(call, call.query.get("mchid"))
    return world.order_book.by_transaction(mchid, call.path_words["transaction_id"]).transaction()


def close_order(world: World, call: PayCall) -> None:
    mchid = _own_mchid(call, call.body.get("mchid"))
    world.order_book.close(mchid, call.path_words["out_trade_no"], now=world.clock.now())


def list_certificates(_world: World, call: PayCall) -> Json:
    merchant = call.merchant
    certificate = merchant.platform_certificate
    sealed = seal(merchant.platform_pem, apiv3_key=merchant.apiv3_key, associated_data="certificate")
    entry: Json = {
        "serial_no": merchant.platform_serial,
        "effective_time": rfc3339(certificate.not_valid_before_utc.timestamp()),
        "expire_time": rfc3339(certificate.not_valid_after_utc.timestamp()),
        "encrypt_certificate": sealed,
    }
    return {"data": [entry]}


def _check_parties(world: World, call: PayCall, form: OrderForm) -> None:
    if form.mchid not in world.merchants:
        raise PayRefusal(400, "MCH_NOT_EXISTS", "商户号不存在")
    _own_mchid(call, form.mchid)
    if form.appid != world.app.appid:
        raise PayRefusal(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    payer = world.people.users.get(form.openid)
    if payer is None:
        raise wrong("payer/openid", "无效的openid", form.openid)
    if payer.appid != form.appid:
        raise PayRefusal(400, "OPENID_MISMATCH", "openid和appid不匹配")


def _own_mchid(call: PayCall, given: object) -> str:
    if not given:
        raise wrong("mchid", "缺少必填参数")
    if given != call.merchant.mchid:
        raise wrong("mchid", "与签名的商户号不一致", given)
    return call.merchant.mchid


ROUTES: tuple[Route[PayHandler], ...] = (
    Route("POST", "/v3/pay/transactions/jsapi", place_order),
    Route("GET", "/v3/pay/transactions/out-trade-no/(?P<out_trade_no>[^/]+)", query_by_number),
    Route("GET", "/v3/pay/transactions/id/(?P<transaction_id>[^/]+)", query_by_transaction),
    Route("POST", "/v3/pay/transactions/out-trade-no/(?P<out_trade_no>[^/]+)/close", close_order),
    Route("GET", "/v3/certificates", list_certificates),
)
