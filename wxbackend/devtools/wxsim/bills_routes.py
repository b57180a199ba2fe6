"""What api.mch.weixin.qq.com answers about bills: a hash and an address first, then the file itself, unsigned."""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta

from wxbackend.devtools.wxsim.bills import BillType, china_day, fund_bill, trade_bill
from wxbackend.devtools.wxsim.bills_book import altered_entries, altered_flows
from wxbackend.devtools.wxsim.bills_file import BillFile, BillKind, write_file
from wxbackend.devtools.wxsim.clock import CHINA
from wxbackend.devtools.wxsim.orders import PayRefusal
from wxbackend.devtools.wxsim.pay_site import PayCall, PayHandler
from wxbackend.devtools.wxsim.refunds_settling import settle_refunds
from wxbackend.devtools.wxsim.wire import Answer, Json, Route
from wxbackend.devtools.wxsim.world import World

READY_AT = time(9, tzinfo=CHINA)
NOON = time(12, tzinfo=CHINA)
MONTHS_KEPT = 3
OFFICIAL_HOST = "api.mch.weixin.qq.com"
ACCOUNTS = ("BASIC", "OPERATION", "FEES")


def apply_trade_bill(world: World, call: PayCall) -> Json:
    bill_type = BillType(_choice(call, "bill_type", tuple(BillType)))
    packed, day = _packed(call), _day(world, call)
    mchid = call.merchant.mchid
    settle_refunds(world)
    entries = world.bill_book.day_of(mchid, day, orders=world.order_book, refunds=world.refund_book)
    plan = world.bill_book.take_plan(kind=BillKind.TRADE, mchid=mchid, day=day)
    bill = trade_bill(altered_entries(entries, plan, mchid=mchid, at=_noon(day)), bill_type)
    if not bill.rows:
        raise _no_statement()
    return _address(world, call, write_file(bill, packed=packed, damage=plan.damage))


def apply_fund_bill(world: World, call: PayCall) -> Json:
    account_type = _choice(call, "account_type", ACCOUNTS)
    packed, day = _packed(call), _day(world, call)
    mchid = call.merchant.mchid
    settle_refunds(world)
    account = world.accounts.of(mchid)
    flows = [flow for flow in account.flows if china_day(flow.at) == day] if account_type == "BASIC" else []
    plan = world.bill_book.take_plan(kind=BillKind.FUND, mchid=mchid, day=day)
    bill = fund_bill(altered_flows(flows, plan, at=_noon(day)))
    if not bill.rows:
        raise _no_statement()
    return _address(world, call, write_file(bill, packed=packed, damage=plan.damage))


def download(world: World, call: PayCall) -> Answer:
    """The request is signed, the answer is not: the hash is what vouches for it."""
    file = world.bill_book.fetch(call.merchant.mchid, call.query.get("token", ""), now=world.clock.now())
    content_type = "application/x-gzip" if file.is_packed else "text/plain; charset=utf-8"
    return Answer(200, file.content, {"Content-Type": content_type})


def _address(world: World, call: PayCall, file: BillFile) -> Json:
    """The address is on the host that was asked, so that a client of the simulator comes back to it."""
    token = world.bill_book.new_address(call.merchant.mchid, file, now=world.clock.now())
    origin = f"http://{call.host}" if call.host else f"https://{OFFICIAL_HOST}"
    return {
        "hash_type": "SHA1",
        "hash_value": file.sha1,
        "download_url": f"{origin}/v3/billdownload/file?token={token}",
    }


def _day(world: World, call: PayCall) -> date:
    """A day whose bill is there by now; raises PayRefusal INVALID_REQUEST or STATEMENT_CREATING."""
    day = _read_date(call.query.get("bill_date", ""))
    now = datetime.fromtimestamp(world.clock.now(), CHINA)
    if day > now.date() or day < _months_before(now.date(), MONTHS_KEPT):
        raise PayRefusal(400, "INVALID_REQUEST", "bill_date不正确，仅支持三个月内的账单下载申请")
    if now < datetime.combine(day + timedelta(days=1), READY_AT):
        raise PayRefusal(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    return day


def _read_date(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None:
            return date.fromisoformat(text)
    except ValueError:
        pass  # the shape of a date, and no date: refused like every other text
    raise _wrong("bill_date", "格式应为yyyy-MM-DD", text)


def _months_before(day: date, months: int) -> date:
    """The same day some months ago, or the last of that month."""
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    last_day = monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last_day))


def _noon(day: date) -> float:
    return datetime.combine(day, NOON).timestamp()


def _packed(call: PayCall) -> bool:
    tar_type = call.query.get("tar_type")
    if tar_type not in {None, "GZIP"}:
        raise _wrong("tar_type", "可选取值: GZIP", tar_type)
    return tar_type == "GZIP"


def _choice(call: PayCall, name: str, choices: tuple[str, ...]) -> str:
    """One of some words, the first by default."""
    chosen = call.query.get(name, choices[0])
    if chosen not in choices:
        raise _wrong(name, f"可选取值: {', '.join(choices)}", chosen)
    return chosen


def _wrong(name: str, issue: str, value: str | None) -> PayRefusal:
    detail: Json = {"location": "query", "field": f"/query/{name}", "issue": issue, "value": value}
    return PayRefusal(400, "PARAM_ERROR", f"参数错误: {name}", detail)


def _no_statement() -> PayRefusal:
    return PayRefusal(400, "NO_STATEMENT_EXIST", "账单文件不存在，请检查当前商户号在指定日期内是否有交易或资金操作")


ROUTES: tuple[Route[PayHandler], ...] = (
    Route("GET", "/v3/bill/tradebill", apply_trade_bill),
    Route("GET", "/v3/bill/fundflowbill", apply_fund_bill),
    Route("GET", "/v3/billdownload/file", download),
)
