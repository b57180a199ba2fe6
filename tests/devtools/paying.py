"""What the tests of the simulator's WeChat Pay share: numbers, the control calls they make most, a reader of bills."""

import json

from wxbackend.devtools.wxsim.orders import OrderForm

NUMBER = "P261121ABCDEFGHJK01"
SECOND = "P261121ABCDEFGHJK02"
REFUND = "R261121ABCDEFGHJK01"
REFUND_URL = "https://xiangshu.example/wx/refund/notify"
TOTAL = 29700
HOUR, DAY = 3600, 86400

BEFORE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
REFUND_PART = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
AFTER = "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
ALL_COLUMNS = f"{BEFORE},{REFUND_PART},{AFTER}"
SUM_NAMES = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)


def advance(simulator, seconds):
    simulator.control("POST", "clock", {"advance_s": seconds})


def flush(simulator, until="due"):
    return simulator.control("POST", "flush", {"until": until})["sent"]


def pay_directly(
    simulator, number=NUMBER, *, mchid="1680000001", notify_url="https://xiangshu.example/wx/pay/notify", **more
):
    """Place and pay an order without going through HTTP; keywords go to the control call."""
    world = simulator.world
    form = OrderForm(
        appid=world.app.appid,
        mchid=mchid,
        description="认种 三棵",
        out_trade_no=number,
        notify_url=notify_url,
        total_fen=TOTAL,
        openid=simulator.control("POST", "users", {})["openid"],
        attach=None,
        time_expire=None,
        expires_at=None,
    )
    world.order_book.place(form, now=world.clock.now())
    return simulator.control("POST", "pay", {"out_trade_no": number, **more})


def opens(sdk, headers, body) -> bool:
    """Whether the SDK takes it; it refuses by None, by many exceptions, or by certificates that do not help."""
    try:
        return bool(sdk.callback(headers, body))
    except Exception:  # noqa: BLE001  the SDK raises whatever its parts raise, Exception itself included
        return False


def plan_refund(simulator, **order):
    simulator.control("POST", "refunds/plans", order)


def account(simulator, merchant):
    return simulator.control("GET", f"merchants/{merchant.mchid}/account")


def query_refund(sdk, number=REFUND):
    status, text = sdk.query_refund(number)
    return status, json.loads(text)


def refund_posts(mailbox):
    return [post for post in mailbox.posts if post[0] == REFUND_URL]


def table(text):
    """Rows and sums of a bill, read as the documentation says: split on comma and back-tick."""
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert lines.pop() == ""
    columns, sums = lines[0].split(","), lines[-2].split(",")
    rows = [dict(zip(columns, line.removeprefix("`").split(",`"), strict=True)) for line in lines[1:-2]]
    return rows, dict(zip(sums, lines[-1].removeprefix("`").split(",`"), strict=True))


def sums_of(values):
    return dict(zip(SUM_NAMES.split(","), values, strict=True))


def bill_refusal(sdk, day, kind="trade_bill", **query):
    status, text = getattr(sdk, kind)(day if isinstance(day, str) else day.isoformat(), **query)
    return status, json.loads(text)["code"]
