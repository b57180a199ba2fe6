"""Races of acts that no single request shows: each process does its share of them, all at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError

from models import RefundReason
from tests.fakes import Clock, FakeMini, FakePay, FakePush, FakeStorage, Luck
from tests.races.runner import PATIENCE_S, TRIES, _start
from wxbackend.core.caller import Caller
from wxbackend.core.db import db, transaction
from wxbackend.core.errors import Busy, Problem
from wxbackend.core.http import is_passing
from wxbackend.core.ports import Ports, ports
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app
from wxbackend.fulfilment import jobs as fulfilment
from wxbackend.honours.tools import issuing_tools
from wxbackend.refunds import outcome, service
from wxbackend.refunds.rules import RefundWish
from wxbackend.refunds.service import Asker


@dataclass(frozen=True)
class Act:
    """``name`` is one of ``ACTS``; ``facts`` are its arguments."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


def _ask(*, pledge: str, number: str, trees: int | None, by: Asker) -> str:
    with transaction() as session:
        wish = RefundWish(RefundReason.MISTAKE, trees)
        service.request_refund(session, pledge_number=pledge, wish=wish, by=by, number=number, now=ports().now())
    return "asked"


def _decide(*, number: str, approve: bool, caller: Caller) -> str:
    with transaction() as session:
        service.decide(session, number=number, approve=approve, note="", caller=caller, now=ports().now())
    return "approved" if approve else "rejected"


def _withdraw(*, number: str, resident_id: int) -> str:
    with transaction() as session:
        service.withdraw(session, number=number, resident_id=resident_id, now=ports().now())
    return "withdrawn"


def _take(*, refunded: Any) -> str:
    """As a query does."""
    with transaction() as session:
        return str(outcome.take(session, refunded=refunded, tools=issuing_tools(), now=ports().now()))


def _notice(*, refunded: Any) -> str:
    pay = ports().pay
    body = pay.refund_notice_of(refunded)  # type: ignore[attr-defined]
    answer = _app().test_client().post(f"/wx/refund/notify/{refunded.mchid}", data=body)
    return f"answered {answer.status_code}" if answer.status_code != 503 else _busy()


def _busy() -> str:
    raise Busy


def _app() -> Flask:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined]


def _fulfil(*, pledge: str) -> str:
    fulfilment.fulfil_pledge({"pledge": pledge})
    return "fulfilled"


ACTS: dict[str, Callable[..., str]] = {
    "ask": _ask,
    "decide": _decide,
    "withdraw": _withdraw,
    "take": _take,
    "notice": _notice,
    "fulfil": _fulfil,
}


def act(name: str, url: str, acts: Sequence[Act]) -> list[str]:
    """Do everything at once, when all processes are ready; what came of each, or the code of its refusal."""
    clock = Clock()
    adapters = Ports(
        mini=FakeMini(),
        pay=FakePay(clock),
        storage=FakeStorage(),
        push=FakePush(),
        now=clock,
        random_bytes=Luck(name),
    )
    settings = Settings(app_env="test", database_url=url, rate_limits=False, _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings, adapters)
    _start[0].wait(PATIENCE_S)
    with ThreadPoolExecutor(max(1, len(acts))) as pool:
        done = list(pool.map(lambda one: _try(app, one), acts))
    with app.app_context():
        db.engine.dispose()
    return done


def _try(app: Flask, one: Act) -> str:
    """Busy is no answer: try again."""
    for _ in range(TRIES):
        with app.app_context():
            try:
                return ACTS[one.name](**one.facts)
            except Busy:
                Event().wait(0.05)
            except Problem as problem:
                return problem.code
            except DBAPIError as error:  # a lock that nobody got in time: a route answers 503, a worker comes again
                if not is_passing(error):
                    raise
                Event().wait(0.05)
            finally:
                db.session.remove()
    raise RuntimeError("busy for ever")
