"""The pay part of docs/simulator.md: its examples are taken one after the other, and every name stands in it."""

import json
import re
import shlex
from pathlib import Path

import pytest

from wxbackend.devtools.wxsim.bills_file import Damage
from wxbackend.devtools.wxsim.faults_named import NAMED_FAULTS
from wxbackend.devtools.wxsim.notices_named import TROUBLES

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "simulator.md").read_text()
PAY_PART = MANUAL.partition("\n## 微信支付\n")[2]
NUMBER, REFUND = "PDEMO00000000001", "RDEMO0001"


def orders() -> list[tuple[str, dict | None]]:
    """Every ``ctl`` line of the part: the path and the body."""
    blocks = re.findall(r"```sh\n(.*?)```", PAY_PART, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    named = [words[1:] for words in lines if words and words[0] == "ctl"]
    return [(words[0], json.loads(words[1]) if len(words) > 1 else None) for words in named]


def test_every_example_of_the_pay_part_is_taken(simulator, pay_sdk, place):
    shown = orders()
    assert len(shown) > 45
    place(out_trade_no=NUMBER)
    for path, body in shown:
        if path == "refunds/plans":
            simulator.control("POST", path, {"delay_s": 86_400})
            amount = {"refund": 100, "total": 29700, "currency": "CNY"}
            assert pay_sdk.refund(REFUND, amount, out_trade_no=NUMBER)[0] == 200
        if path == "refunds" and body:
            simulator.control("POST", "clock", {"advance_s": 60})
        assert simulator.control("GET" if body is None else "POST", path, body) is not None, path


@pytest.mark.parametrize("table", [TROUBLES, NAMED_FAULTS, [damage.value for damage in Damage]])
def test_everything_that_can_be_ordered_by_name_stands_in_the_manual(table):
    assert [name for name in table if f"`{name}`" not in PAY_PART] == []


def test_the_words_of_the_manual_are_those_of_the_control_api():
    for name, words in {**TROUBLES, **NAMED_FAULTS}.items():
        assert f"| `{name}` | {words.words} |" in PAY_PART, name


def test_every_code_that_wechat_pay_refuses_with_stands_in_the_manual():
    source = ROOT / "wxbackend" / "devtools" / "wxsim"
    told = {code for path in source.glob("*.py") for code in re.findall(r'PayRefusal\(\d+, "(\w+)"', path.read_text())}
    assert len(told) > 10
    assert sorted(code for code in told if code not in PAY_PART) == []
