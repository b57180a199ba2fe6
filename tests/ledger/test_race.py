"""Real processes against one database: every outcome is success or a refusal, and the sums are exact."""

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models import Lot
from tests.ledger.books import MINT, NOON, entry, purse, terms
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Account

PROCESSES, EACH, START = 4, 9, 30
NAMES = [f"p{n}" for n in range(10)]
FUND, SHARED = purse("fund", hot=True), purse("shared")
Job = dict[str, Any]


def move_jobs(process: int) -> list[Job]:
    """Each books two transfers between accounts in any order: without an order of locks they wait in circles."""
    luck = random.Random(process)
    pairs = [[[*luck.sample(NAMES, 2), luck.randint(1, 25)] for _ in "ab"] for _ in range(EACH)]
    return [{"key": f"{process}.{n}", "pairs": pair} for n, pair in enumerate(pairs)]


def jobs_of(process: int) -> list[Job]:
    same: Job = {"key": "same", "pairs": [["p0", "shared", 1]]}
    spends: list[Job] = [{"key": f"s{process}.{n}", "spend": 3} for n in range(EACH)]
    return [same, *move_jobs(process), *spends]


def race(url: str, work: list[list[Job]]) -> list[list[str]]:
    """Give each process its jobs when all are ready; the outcomes, by process."""
    command = [sys.executable, "-m", "tests.ledger.racer", url]
    runners = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in work]
    for runner in runners:
        assert runner.stdout
        assert runner.stdout.readline() == "ready\n"
    for runner, jobs in zip(runners, work, strict=True):
        assert runner.stdin
        runner.stdin.write(json.dumps(jobs) + "\n")
        runner.stdin.flush()
    said = [runner.communicate(timeout=60)[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * len(work)
    return [json.loads(line) for line in said]


@dataclass(frozen=True)
class Finished:
    engine: Engine
    outcomes: list[tuple[Job, str]]

    def balance(self, account: Account) -> int:
        with Session(self.engine) as session:
            return ledger.balance(session, account=account)

    def ends(self, kind: str) -> Counter[str]:
        return Counter(end for job, end in self.outcomes if kind in job and job["key"] != "same")


@pytest.fixture(scope="module")
def finished(engine: Engine) -> Finished:
    """Ten purses, a fund of ten gifts, and all that four processes did to them at the same time."""
    with Session(engine) as session, session.begin():
        gifts = [entry(f"gift{n}", MINT, FUND, 10, lot=terms(None)) for n in range(10)]
        starts = [entry(f"start{name}", MINT, purse(name), START) for name in NAMES]
        ledger.post(session, entries=[*starts, *gifts], now=NOON)
    work = [jobs_of(process) for process in range(PROCESSES)]
    ends = race(engine.url.render_as_string(hide_password=False), work)
    return Finished(
        engine, [pair for jobs, ended in zip(work, ends, strict=True) for pair in zip(jobs, ended, strict=True)]
    )


def test_36_pairs_of_transfers_over_10_busy_accounts_end_in_success_or_refusal(finished: Finished) -> None:
    ends = finished.ends("pairs")
    assert set(ends) == {"created", "insufficient-balance"}
    assert ends.total() == PROCESSES * EACH


def test_their_balances_are_exactly_what_the_successes_make(finished: Finished) -> None:
    expected = Counter(dict.fromkeys(NAMES, START))
    expected["p0"] -= 1
    for job, end in finished.outcomes:
        for a, b, amount in job["pairs"] if end == "created" and "pairs" in job and job["key"] != "same" else ():
            expected[str(a)] -= int(amount)
            expected[str(b)] += int(amount)
    assert {name: finished.balance(purse(name)) for name in NAMES} == dict(expected)
    assert all(amount >= 0 for amount in expected.values())


def test_one_key_posted_by_all_at_once_is_booked_once(finished: Finished) -> None:
    ends = Counter(end for job, end in finished.outcomes if job["key"] == "same")
    assert ends == {"created": 1, "replayed": PROCESSES - 1}
    assert finished.balance(SHARED) == 1


def test_a_fund_spent_by_all_at_once_gives_exactly_what_it_holds(finished: Finished) -> None:
    assert finished.ends("spend") == {"created": 33, "insufficient-balance": PROCESSES * EACH - 33}
    with Session(finished.engine) as session:
        assert session.scalar(select(func.sum(Lot.remaining))) == 1
    assert finished.balance(FUND) == 1
