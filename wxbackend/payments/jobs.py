"""What the worker does about payments: ask about unpaid orders, let holds run out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from models import PledgeStatus
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.health import alarm
from wxbackend.core.outbox import Handler
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed, one_by_one
from wxbackend.payments import attempts, waiting
from wxbackend.payments.attempts import Order
from wxbackend.payments.cashier import Cashier, cashier
from wxbackend.payments.merchants import UNCONFIGURED, report_unconfigured
from wxbackend.pledges import service as pledges
from wxbackend.refunds import asking
from wxbackend.refunds.desk import desk

BATCH = 50
#: Shorter than the leader's lease: the same thread handles messages and lets holds run out.
POLL_BUDGET = timedelta(seconds=8)
#: So long past its hold an order without an answer is somebody's concern.
UNANSWERED = timedelta(minutes=10)
#: An order of a merchant that was taken out of the configuration: it may come back, nobody answers until then.
NOBODY_ASKED = timedelta(hours=1)
#: So long an order is looked after that an unknown refund was told of; the bills of its days are in by then.
NEWS_LIFE = timedelta(days=2)
log = structlog.get_logger()


def poll_orders() -> None:
    """Query every order whose time has come, for a few seconds at most: what is left is still due the next time."""
    ask, till = ports(), cashier()
    started = ask.now()
    with reading() as session:
        orders = attempts.due(session, now=started, limit=BATCH)
    configured = ask.pay.merchants()
    for order in orders:
        if ask.now() - started > POLL_BUDGET:
            break
        if order.mchid in configured:
            _check(till, order)
        else:
            _put_off(order)


def _put_off(order: Order) -> None:
    """Nobody can be asked: try again in an hour, and have it told once a day. A fault stops no other order."""
    now = ports().now()
    try:
        with transaction() as session:
            attempts.ask_at(session, number=order.out_trade_no, at=now + NOBODY_ASKED)
            report_unconfigured(session, mchid=order.mchid, now=now)
    except Exception:
        log.exception("order not put off", out_trade_no=order.out_trade_no)


def tell_unconfigured(payload: Mapping[str, Any]) -> None:
    """Once a day for each merchant: its orders cannot be asked about, its bills cannot be fetched."""
    if payload["mchid"] not in ports().pay.merchants():
        alarm("merchant-unconfigured", mchid=payload["mchid"])


def _check(till: Cashier, order: Order) -> None:
    """One order. What goes wrong with it must not keep the ones behind it waiting, hence the wide net."""
    try:
        till.check(order)
    except Exception as error:
        expected = isinstance(error, Problem)
        log.warning("order not checked", out_trade_no=order.out_trade_no, exc_info=None if expected else error)
        till.ask_later(order, busy=True)
        if ports().now() > order.expires_at + UNANSWERED:
            alarm("order-unanswered", out_trade_no=order.out_trade_no, mchid=order.mchid)


def expire_pledges() -> None:
    """Give back what pledges held that nobody can pay any more."""
    now = ports().now()
    with reading() as session:
        overdue = attempts.overdue_pledges(session, now=now, limit=BATCH)
    one_by_one("expiry", overdue, _expire)


def _expire(pledge_id: int) -> None:
    with transaction() as session:
        pledges.end_unpaid(session, pledge_id=pledge_id, to=PledgeStatus.EXPIRED, cause="hold over", now=ports().now())


def take_up_refunds() -> None:
    """Orders that a notification about an unknown refund named: their payment first, then our own refunds of them."""
    now = ports().now()
    with reading() as session:
        numbers = waiting.waiting_refunds(session, since=now - NEWS_LIFE, limit=BATCH)
    one_by_one("refund taken up", numbers, _take_up)


def _take_up(out_trade_no: str) -> None:
    """One order; what goes wrong with it comes again."""
    asked_at = ports().now()
    with reading() as session:
        order = attempts.unsettled(session, out_trade_no=out_trade_no)
        refunds = asking.open_of_order(session, out_trade_no=out_trade_no)
    if order is not None:
        cashier().check(order)
    for number in refunds:
        desk().check(number)
    with transaction() as session:
        waiting.note_taken_up(session, out_trade_no=out_trade_no, before=asked_at)


HANDLERS: tuple[tuple[str, Handler], ...] = ((UNCONFIGURED, tell_unconfigured),)
TIMETABLE = (
    Timed("poll-orders", timedelta(seconds=5), poll_orders),
    Timed("expire-pledges", timedelta(seconds=15), expire_pledges),
    Timed("take-up-refunds", timedelta(minutes=10), take_up_refunds),
)
