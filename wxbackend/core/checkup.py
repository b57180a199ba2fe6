"""A look at the accounts with WeChat every few minutes: what only an operator can mend is found, and its end as well.

The adapters write down what they meet (``core.faults``). This makes them meet it, also while nobody pays.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from wxbackend.core.errors import Problem
from wxbackend.core.faults import CLOCK_SKEW, FaultBook, fault_book
from wxbackend.core.ports import ports, settings
from wxbackend.core.worker import Timed

#: WeChat Pay refuses what is signed further away from its own clock, and we what it signed.
MOST_SKEW_S = 300
#: A number that no order has.
NO_ORDER = "CHECKUP0000000000000"

log = structlog.get_logger()


def check_wechat() -> None:
    """One cheap call to each account that is configured."""
    ask, have, book = ports(), settings(), fault_book()
    book.recall()
    if have.wx_appsecret.get_secret_value():
        _call("mini", ask.mini.is_trade_managed)
    if have.wxpay_merchants_file is not None:
        for mchid in sorted(ask.pay.merchants()):
            _call(mchid, partial(ask.pay.query, mchid=mchid, out_trade_no=NO_ORDER))
    judge_clock(book, ask.pay.clock_skew_s())


def _call(account: str, call: Callable[[], object]) -> None:
    try:
        call()
    except Problem as problem:
        log.warning("account not checked", account=account, problem=problem.code, reason=str(problem))


def judge_clock(book: FaultBook, skew_s: float | None) -> None:
    """``None`` is no reading: what was known stays."""
    if skew_s is None:
        return
    if abs(skew_s) > MOST_SKEW_S:
        book.failed(CLOCK_SKEW, f"our clock is {skew_s:+.0f} s away from WeChat's")
    else:
        book.worked(CLOCK_SKEW)


TIMETABLE = (Timed("check-wechat", timedelta(minutes=5), check_wechat),)
