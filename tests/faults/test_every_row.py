"""The fault table is complete: each of its 52 rows is a sentence in this folder."""

import ast
import re
from pathlib import Path

ROWS = 52
NAMED = re.compile(r"test_rows?_(\d\d)(?:_and_(\d\d))?_")


def test_every_row_of_the_fault_table_has_a_test():
    names = [
        node.name
        for file in Path(__file__).parent.glob("test_rows_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    told = {int(number) for name in names if (found := NAMED.match(name)) for number in found.groups() if number}
    assert told == set(range(1, ROWS + 1))
