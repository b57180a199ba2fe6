"""Whatever stood on the bill and in the books: each number is in order or in one queue, in whatever order they came."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import insert, select

from models import AttemptStatus, Bill, PaymentAttempt, Pledge, ReconItem, Refund, RefundReason
from tests.fakes import MCHID
from tests.reconciliation.paper import ARBOR_DAY, payment, refund
from tests.statements import counted
from wxbackend.core.db import transaction
from wxbackend.reconciliation import service

#: What may be of one number: (amount in the books, amount on the bill).
CASES = ((500, 500), (500, 400), (500, None), (None, 500))


@pytest.fixture
def pledge_id(desk) -> int:
    desk.walk.open(desk.base, desk.me)
    [pledge] = desk.rows(Pledge)
    return pledge.id


def book(desk, pledge_id: int, n: int, amount_fen: int, number: str) -> None:
    with transaction() as session:
        session.execute(insert(PaymentAttempt).values(
            pledge_id=pledge_id, ordinal=n + 1, out_trade_no=f"O{number}", mchid=MCHID, appid="wx", payer_index="x",
            amount_fen=amount_fen, status=AttemptStatus.SUCCESS, expires_at=desk.walk.clock(), query_count=0,
            created_at=desk.walk.clock(), transaction_id=number, paid_at=desk.walk.clock(), refund_fen=0,
        ))  # fmt: skip


def give_back(desk, pledge_id: int, number: str, amount_fen: int, of: str) -> None:
    with transaction() as session:
        attempt_id = session.scalars(select(PaymentAttempt.id).where(PaymentAttempt.transaction_id == of)).one()
        session.execute(insert(Refund).values(
            number=number, pledge_id=pledge_id, attempt_id=attempt_id, county_code=desk.base.county_code,
            reason=RefundReason.MISTAKE, amount_fen=amount_fen, from_status="funded", requested_by_kind="system",
            requested_at=desk.walk.clock(), status="submitted", submitted_at=desk.walk.clock(), try_count=0,
        ))  # fmt: skip


def queue_of(ours: int | None, theirs: int | None) -> str | None:
    """What should become of a number, said without SQL."""
    if ours is None or theirs is None:
        return "missing_here" if ours is None else "missing_there"
    return None if ours == theirs else "amount_differs"


def someday(desk, pledge_id: int, luck: Random):
    """A day of up to twelve payments, some refunded; the lines of its bill and what they should lead to."""
    lines, wanted = [], {}
    for n in range(luck.randrange(13)):
        ours, theirs = luck.choice(CASES)
        number = f"4200{n:04d}"
        wanted["payment", number] = queue_of(ours, theirs)
        if ours is not None:
            book(desk, pledge_id, n, ours, number)
        if theirs is not None:
            lines.append(payment(number, f"O{number}", theirs))
        if ours is not None and luck.random() < 0.5:
            mine, hers = luck.choice(CASES)
            wanted["refund", f"R{n}"] = queue_of(mine, hers)
            if mine is not None:
                give_back(desk, pledge_id, f"R{n}", mine, number)
            if hers is not None:
                lines.append(refund(f"R{n}", number, hers))
    return lines, wanted


@pytest.mark.parametrize("seed", range(12))
def test_any_day_is_split_into_agreement_and_three_queues(desk, pledge_id, seed):
    luck = Random(seed)
    lines, wanted = someday(desk, pledge_id, luck)
    desk.morning()
    for sha1 in "abc":
        luck.shuffle(lines)
        desk.lay(*lines, sha1=sha1)
        result = desk.run()
        found = {(item.subject, item.key): str(item.queue) for item in desk.rows(ReconItem) if item.status == "open"}
        assert found == {name: queue for name, queue in wanted.items() if queue}
        assert result.matched.agreeing + sum(result.open.values()) == len(wanted) == result.matched.compared
        assert {str(queue): count for queue, count in result.open.items()} == dict(Counter(found.values()))


def test_comparing_takes_as_many_statements_for_one_line_as_for_many(desk, pledge_id):
    desk.morning()
    desk.walk.clock.forward(days=3)
    took = []
    for back, count in enumerate((1, 1, 60)):
        on = ARBOR_DAY + timedelta(days=back)
        lines = [payment(f"4{on.day}{n:06d}", f"SHOP{on.day}{n}", 100) for n in range(count)]
        desk.lay(*lines, *(refund(f"H{on.day}{n}", f"4{on.day}{n:06d}", 10) for n in range(count)), on=on)
        desk.run(on)
        with transaction() as session, counted() as statements:
            service.match_day(session, mchid=MCHID, on=on, now=desk.walk.clock())
        took.append(len(statements))
    assert took[1] == took[2]
    assert {bill.status for bill in desk.rows(Bill)} == {"fetched"}
