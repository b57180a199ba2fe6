"""What is asked of the chain, and how the figures are printed beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Goal:
    """``theirs``: CPU of pretix 2026.8.0 as measured, SQLite | PostgreSQL; ``ms`` and ``sql`` are the goals for us."""

    ms: float | None
    sql: int | None
    theirs: str = ""


GOALS = {
    "create pledge": Goal(6, 8, "102.7 | 76.8+18.1, 65 SQL"),
    "prepay": Goal(None, None),
    "signed notification": Goal(6, 12, "56.0 | 52.7+13.5, 90 SQL"),
    "worker: trees, certificate": Goal(None, None),
    "worker: one PNG, 1754 px": Goal(12, None, "130.1 | 148.8+20.1, 46 SQL"),
    "worker: all files": Goal(None, None),
    "read the PNG": Goal(2, None),
    "verify": Goal(2.5, 2, "38.1 | 47.9+11.8, 25 SQL"),
    "list of 50": Goal(8, 3, "140.5 | 134.0+8.0, 20 SQL"),
    "authenticated read": Goal(None, None),
    "bare Flask": Goal(None, None),
}
CHAIN = (
    "create pledge",
    "prepay",
    "signed notification",
    "worker: trees, certificate",
    "worker: one PNG, 1754 px",
    "verify",
)
CHAIN_GOAL = Goal(35, 30, "326.8 | 326.1+63.4, 226 SQL")
MEMORY_GOAL_MB = 120
#: Bare Flask's CPU as a share of ours, at least.
SHARES = {"authenticated read": 0.40, "create pledge": 0.15}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one engine's rounds gave: (web, database) CPU ms of each, statements, and the web process's memory."""

    name: str
    spent: Mapping[str, Sequence[tuple[float, float]]]
    sql: Mapping[str, int]
    memory_mb: float


def report(each: Figures, png_ms: float, bare_ms: float) -> None:
    print(f"\n{each.name}: CPU of one request, medians of interleaved rounds")
    print(f"  {'step':<28}{'app ms':>8}{'db ms':>7}{'SQL':>5}{'goal':>14}   pretix: SQLite | PostgreSQL app+db")
    medians = {
        step: (median(web for web, _ in spent[1:]), median(database for _, database in spent[1:]))
        for step, spent in each.spent.items()
    }
    medians["worker: one PNG, 1754 px"], medians["bare Flask"] = (png_ms, 0.0), (bare_ms, 0.0)
    for step, goal in GOALS.items():
        _line(step, medians[step], each.sql.get(step), goal)
    chain = [medians[step] for step in CHAIN]
    _line("the chain", (sum(web for web, _ in chain), sum(db for _, db in chain)), _statements(each), CHAIN_GOAL)
    for step, least in SHARES.items():
        share = bare_ms / sum(medians[step])
        print(f"  share of bare Flask, {step:<24}{share:6.2f}   goal ≥ {least:.2f}   {_verdict(share >= least)}")
    met = _verdict(each.memory_mb <= MEMORY_GOAL_MB)
    print(f"  web process, PSS {each.memory_mb:32.0f} MB goal ≤ {MEMORY_GOAL_MB} MB   {met}   pretix: 304–320")


def _statements(each: Figures) -> int:
    """The chain's statements; the one PNG reads what all files read."""
    steps = ["worker: all files" if step == "worker: one PNG, 1754 px" else step for step in CHAIN]
    return sum(each.sql[step] for step in steps)


def _line(step: str, spent: tuple[float, float], sql: int | None, goal: Goal) -> None:
    held = (goal.ms is None or sum(spent) <= goal.ms) and (goal.sql is None or (sql or 0) <= goal.sql)
    limits = [f"{goal.ms:g} ms"] if goal.ms is not None else []
    limits += [f"{goal.sql} SQL"] if goal.sql is not None else []
    said = f"{', '.join(limits):>14}" if limits else f"{'':>14}"
    verdict = _verdict(held) if limits else ""
    print(
        f"  {step:<28}{spent[0]:8.2f}{spent[1]:7.2f}{'' if sql is None else sql:>5}{said}   {verdict:<7}{goal.theirs}"
    )


def _verdict(held: object) -> str:
    return "met" if held else "MISSED"
