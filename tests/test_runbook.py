"""Whoever is woken by an alarm finds in the manual what it means and what to do."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MANUAL = (ROOT / "docs" / "operations.md").read_text()
ROW = re.compile(r"^\| `([a-z-]+)` \| .+ \| .+ \|$", re.MULTILINE)


def alarms() -> set[str]:
    """The kinds of every alarm that the program can raise: each is written out where it is raised."""
    calls = [
        node
        for file in (ROOT / "wxbackend").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "alarm"
    ]
    kinds = {ast.literal_eval(call.args[0]) for call in calls}
    assert len(kinds) > 10
    return kinds


def test_every_alarm_stands_in_the_manual_and_nothing_else_does():
    assert set(ROW.findall(MANUAL.split("### 告警与处置")[1])) == alarms()
