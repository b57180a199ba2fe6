"""One process of a race: says when it is ready, reads its jobs, does them, tells how each ended."""

import json
import sys

from flask import Flask

from tests.ledger.books import MINT, NOON, entry, purse
from wxbackend.core.db import db, engine_options, transaction
from wxbackend.core.errors import Problem
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry

FUND = purse("fund", hot=True)


def moves(key: str, pairs: list[tuple[str, str, int]]) -> list[Entry]:
    return [entry(f"{key}:{n}", purse(a), purse(b), amount) for n, (a, b, amount) in enumerate(pairs)]


def run(job: dict[str, object]) -> str:
    """``created``, ``replayed``, or the code of the refusal; anything else ends the process."""
    key = str(job["key"])
    try:
        with transaction() as session:
            if "pairs" in job:
                posted = ledger.post(session, entries=moves(key, job["pairs"]), now=NOON)[0]  # type: ignore[arg-type]
            else:
                spent = entry(key, FUND, MINT, int(str(job["spend"])))
                posted = ledger.spend(session, entry=spent, purpose="store", now=NOON)
    except Problem as problem:
        return problem.code
    return "created" if posted.created else "replayed"


def main(url: str) -> None:
    app = Flask("racer")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    with app.app_context():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        jobs = json.loads(sys.stdin.readline())
        sys.stdout.write(json.dumps([run(job) for job in jobs]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
