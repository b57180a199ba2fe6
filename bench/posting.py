"""What a posting costs through the session, beside the cheapest way to do the same: bare driver, fewest statements.

    python -m bench.posting [postgresql://…]

Both sides use the same guarded tables. Times are CPU: this process, and the PostgreSQL backend that served it (from
/proc, where it runs on this machine). Rounds are interleaved; the medians are printed with their ratio.
"""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import make_url

from models import Base, TransferCode, Unit
from wxbackend.core.db import PRAGMAS, db, engine_options, transaction
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import (
    Account,
    Entry,
    LotTerms,
    fund_account,
    green_issue,
    honour_issue,
    merchant_account,
    resident_green,
    resident_honour,
)

ROUNDS, POSTS = 7, 150
NOW = datetime(2026, 3, 12, 4, tzinfo=UTC)
COLUMNS = "idem, req, doc, code, debit_id, credit_id, amount, at, memo"
GOALS = {"sqlite": 3.2, "postgresql": 1.35}
RESIDENT = 7
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def payment(number: int) -> list[Entry]:
    """What one payment books: money and green points with a lot each, and honour."""
    doc = f"wxpay:{number:012d}"

    def entry(what: str, debit: Account, credit: Account, amount: int, lot: LotTerms | None) -> Entry:
        return Entry(f"{doc}:{what}", debit, credit, amount, TransferCode.PAYMENT, doc, lot=lot)

    return [
        entry("money", merchant_account("19"), fund_account(1, 2), 15_000, LotTerms("payment", "plant")),
        entry(
            "green", green_issue("44"), resident_green(RESIDENT), 15, LotTerms("payment", "store", date(2027, 12, 31))
        ),
        entry("honour", honour_issue("44"), resident_honour(RESIDENT), 150, None),
    ]


def transfer(number: int) -> list[Entry]:
    """One transfer to an account whose balance is kept, without a lot."""
    return payment(number)[2:]


Job = Callable[[int], list[Entry]]
JOBS: dict[str, Job] = {"one transfer": transfer, "a payment (3 transfers, 2 lots)": payment}


def through_session(entries: list[Entry]) -> None:
    with transaction() as session:
        ledger.post(session, entries=entries, now=NOW)


@dataclass
class Floor:
    """The same rows by the bare driver: account ids known, one INSERT for the transfers and one for their lots."""

    execute: Callable[..., Any]
    begin: str
    mark: str
    accounts: dict[tuple[str, int], int]

    def __call__(self, entries: list[Entry]) -> None:
        self.execute(self.begin)
        values = ", ".join([f"({', '.join([self.mark] * 9)})"] * len(entries))
        rows = [value for entry in entries for value in self._row(entry)]
        sql = f"INSERT INTO ledger_transfer ({COLUMNS}) VALUES {values} ON CONFLICT (idem) DO NOTHING RETURNING id"
        ids = [row[0] for row in self.execute(sql, rows).fetchall()]
        lots = [(entry, transfer_id) for entry, transfer_id in zip(entries, ids, strict=True) if entry.lot]
        if lots:
            values = ", ".join([f"({', '.join([self.mark] * 7)})"] * len(lots))
            fields = "account_id, transfer_id, source, purpose, expires_on, amount, remaining"
            flat = [value for entry, transfer_id in lots for value in self._lot(entry, transfer_id)]
            self.execute(f"INSERT INTO lot ({fields}) VALUES {values}", flat)
        self.execute("COMMIT")

    def _row(self, entry: Entry) -> tuple[object, ...]:
        sides = (self.accounts[entry.debit.name], self.accounts[entry.credit.name])
        at = NOW if self.mark == "%s" else "2026-03-12 04:00:00.000000"
        return (entry.key, bytes(32), entry.doc, str(entry.code), *sides, entry.amount, at, "")

    def _lot(self, entry: Entry, transfer_id: int) -> tuple[object, ...]:
        assert entry.lot
        last_day = entry.lot.expires_on and entry.lot.expires_on.isoformat()
        terms = (entry.lot.source, entry.lot.purpose, last_day)
        return (self.accounts[entry.credit.name], transfer_id, *terms, entry.amount, entry.amount)


def backend_cpu_s(pid: int | None) -> float:
    """CPU seconds of a PostgreSQL backend on this machine; 0 where there is none to see."""
    if pid is None or not (stat := Path(f"/proc/{pid}/stat")).exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


@dataclass
class Side:
    post: Callable[[list[Entry]], None]
    backend: int | None

    def cpu_us(self, job: Job, numbers: Iterator[int]) -> tuple[float, float]:
        """CPU of this process and of the backend for one posting, over one round."""
        work = [job(next(numbers)) for _ in range(POSTS)]
        client, server = time.process_time(), backend_cpu_s(self.backend)
        for entries in work:
            self.post(entries)
        spent = time.process_time() - client, backend_cpu_s(self.backend) - server
        return spent[0] / POSTS * 1e6, spent[1] / POSTS * 1e6


def compare(dialect: str, ours: Side, floor: Side) -> None:
    numbers = count()
    for name, job in JOBS.items():
        for side in (ours, floor):
            side.cpu_us(job, numbers)  # warm
        rounds = [(ours.cpu_us(job, numbers), floor.cpu_us(job, numbers)) for _ in range(ROUNDS)]
        client, raw_client = (median(pair[side][0] for pair in rounds) for side in (0, 1))
        # jiffies are 10 ms: only the sum over the rounds says something
        server, raw_server = (sum(pair[side][1] for pair in rounds) / ROUNDS for side in (0, 1))
        ratio = (client + server) / (raw_client + raw_server)
        print(
            f"{dialect:<11} {name:<32} session {client:5.0f} + {server:4.0f} µs   floor {raw_client:5.0f} +"
            f" {raw_server:4.0f} µs   ratio {ratio:4.2f}   (goal {GOALS[dialect]})"
        )


def accounts_by_name() -> dict[tuple[str, int], int]:
    through_session(payment(10**9))
    with transaction() as session:
        rows = session.execute(text("SELECT owner, unit, id FROM ledger_account"))
        return {(owner, Unit(unit)): account_id for owner, unit, account_id in rows}


@contextmanager
def application(url: str) -> Iterator[None]:
    app = Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        yield
        db.session.remove()
        db.engine.dispose()


def bench_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder, application(f"sqlite:///{folder}/bench.db"):
        connection = sqlite3.connect(f"{folder}/bench.db", isolation_level=None)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        floor = Floor(connection.execute, "BEGIN IMMEDIATE", "?", accounts_by_name())
        compare("sqlite", Side(through_session, None), Side(floor, None))
        connection.close()


def bench_postgresql(server: str) -> None:
    name = f"xs_bench_{uuid4().hex[:8]}"
    plain = make_url(server).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            url = plain.set(database=name)
            with application(url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)):
                _compare_postgresql(url.render_as_string(hide_password=False))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _compare_postgresql(url: str) -> None:
    accounts = accounts_by_name()
    with transaction() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(url, autocommit=True) as connection:
        floor = Floor(connection.execute, "BEGIN", "%s", accounts)
        compare("postgresql", Side(through_session, backend), Side(floor, connection.info.backend_pid))


def main() -> None:
    bench_sqlite()
    server = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TEST_POSTGRES_URL")
    if server:
        bench_postgresql(server)


if __name__ == "__main__":
    main()
