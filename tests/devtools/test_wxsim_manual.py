"""The mini-program part of docs/simulator.md shows orders that the control API takes, one after the other."""

import json
import re
import shlex
from pathlib import Path

MANUAL = Path(__file__).parents[2] / "docs" / "simulator.md"
NEXT_PART = "\n## 微信支付"  # its examples need an order


def orders() -> list[tuple[str, dict | None]]:
    """Every ``ctl`` line of the manual: the name and the body."""
    own_part = MANUAL.read_text().partition(NEXT_PART)[0]
    blocks = re.findall(r"```sh\n(.*?)```", own_part, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    named = [words[1:] for words in lines if words and words[0] == "ctl"]
    return [(words[0], json.loads(words[1]) if len(words) > 1 else None) for words in named]


def test_every_example_of_the_manual_is_taken(simulator):
    shown = orders()
    assert len(shown) > 40
    for name, body in shown:
        assert simulator.control("GET" if body is None else "POST", name, body) is not None, name


def test_every_errcode_of_the_mini_program_host_is_explained():
    """A refusal that the simulator can give stands in the manual."""
    source = Path(__file__).parents[2] / "wxbackend" / "devtools" / "wxsim"
    told = MANUAL.read_text()
    given = {code for path in source.glob("*.py") for code in re.findall(r"MiniRefusal\((\d+)", path.read_text())}
    assert {code for code in given if code not in told} == set()
