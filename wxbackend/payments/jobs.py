"""What the worker does about payments: ask about unpaid orders, let holds run out."""

from datetime import timedelta

import structlog

from models import PledgeStatus
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.ports import ports
from wxbackend.core.worker import Timed
from wxbackend.payments import attempts
from wxbackend.payments.cashier import cashier
from wxbackend.pledges import service as pledges

BATCH = 50
log = structlog.get_logger()


def poll_orders() -> None:
    """Query every order whose time has come. One that WeChat cannot answer about lets the others go first."""
    with reading() as session:
        orders = attempts.due(session, now=ports().now(), limit=BATCH)
    till = cashier()
    for order in orders:
        try:
            till.check(order)
        except Problem as problem:
            log.warning("order not checked", out_trade_no=order.out_trade_no, problem=problem.code)
            till.ask_later(order, busy=True)


def expire_pledges() -> None:
    """Give back what pledges held that nobody can pay any more."""
    now = ports().now()
    with reading() as session:
        overdue = attempts.overdue_pledges(session, now=now, limit=BATCH)
    for pledge_id in overdue:
        with transaction() as session:
            pledges.end_unpaid(session, pledge_id=pledge_id, to=PledgeStatus.EXPIRED, cause="hold over", now=now)


TIMETABLE = (
    Timed("poll-orders", timedelta(seconds=5), poll_orders),
    Timed("expire-pledges", timedelta(seconds=15), expire_pledges),
)
