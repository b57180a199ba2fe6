"""The architecture, as tests: what a reviewer would otherwise have to remember."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import grimp
import pytest
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

import models
from models.base import Base, EnumText

configure()
ROOT = Path(__file__).parent.parent
PACKAGES = ("wxbackend", "models", "certificates")
SOURCES = [ROOT / "app.py", ROOT / "wsgi.py", *(f for d in PACKAGES for f in sorted((ROOT / d).rglob("*.py")))]
PROGRAMS = [*SOURCES, *sorted((ROOT / "deploy").rglob("*.py")), *sorted((ROOT / "migrations").rglob("*.py"))]
TREES = {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text()) for file in PROGRAMS}

#: Tools for developers play the world outside: they have clocks and dice of their own.
DB, PORTS, DEVTOOLS = "wxbackend/core/db.py", "wxbackend/core/ports.py", "wxbackend/devtools/"
LONGEST_FUNCTION, LONGEST_MODULE = 50, 300
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
#: Layers of ``wxbackend`` that are no feature.
#: The console is the staff site over every feature: nothing may import it, it may import what it shows.
FRAME = {"factory", "commands", "core", "wechat", "storage", "devtools", "console"}
#: Where requests, messages and commands come in: nobody calls another feature from there.
ENTRIES = {"routes", "jobs", "commands", "console", "callbacks", "pages"}
#: Where an answer may be built from another feature's answers.
ANSWERING = {"routes", "schemas"}


def walk() -> Iterator[tuple[str, ast.AST]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            yield name, node


def where_called(attribute: str) -> set[str]:
    """Files that call something named ``….attribute(…)`` or ``attribute(…)``."""
    return {
        name
        for name, node in walk()
        if isinstance(node, ast.Call)
        and attribute in {getattr(node.func, "attr", None), getattr(node.func, "id", None)}
    }


def where_named(owner: str, attribute: str) -> set[str]:
    """Files that say ``owner.attribute``, called or not."""
    return {
        name
        for name, node in walk()
        if isinstance(node, ast.Attribute)
        and node.attr == attribute
        and owner in {getattr(node.value, "id", None), getattr(node.value, "attr", None)}
    }


def where_imported(*modules: str) -> set[str]:
    return {
        name
        for name, node in walk()
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] in modules for a in node.names))
        or (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in modules)
    }


def test_one_module_holds_the_session_and_ends_transactions():
    assert where_named("db", "session") == {DB}
    assert where_called("commit") == {DB}
    assert where_called("rollback") <= {DB}


def test_only_the_transaction_itself_opens_a_reading_that_writes():
    writes = {
        name
        for name, node in walk()
        if isinstance(node, ast.Call)
        and any(k.arg == "writes" and getattr(k.value, "value", None) is True for k in node.keywords)
    }
    assert writes == {DB}


def test_application_contexts_are_pushed_by_entry_points_only():
    assert {name for name in where_called("app_context") if name.startswith(PACKAGES)} == set()


CLOCKS = [
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("func", "now"),
    ("func", "current_timestamp"), ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"),
    ("time", "monotonic"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "attribute"), CLOCKS)
def test_only_ports_reads_the_clock(owner, attribute):
    assert {name for name in where_named(owner, attribute) if not name.startswith(DEVTOOLS)} <= {PORTS}


def test_only_ports_reads_the_random_source():
    drawn = where_imported("secrets", "random", "uuid") | where_named("os", "urandom") | where_named("func", "random")
    assert {name for name in drawn if not name.startswith(DEVTOOLS)} == {PORTS}


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{name}:{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for name, node in walk()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_is_longer_than_a_sitting():
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines()) for file in PROGRAMS}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_module_has_a_name_that_says_nothing():
    names = {part for name in TREES for part in Path(name).with_suffix("").parts}
    assert names & VAGUE_NAMES == set()


def test_the_root_of_the_application_package_imports_nothing():
    assert [type(node) for node in TREES["wxbackend/__init__.py"].body] == [ast.Expr]


# ----------------------------------------------------------------------------------------------- life cycles
MOVES = {name: getattr(models, name) for name in dir(models) if name.endswith("_MOVES")}
#: Statuses that one guarded statement moves, once and in one place: no table is walked.
MOVED_BY_ONE_STATEMENT = {
    "OutboxStatus", "NoticeState", "MismatchStatus", "ApprovalStatus", "DedicationStatus", "ResidentStatus",
    "BillStatus", "PushState", "ReconStatus",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MOVES))
def test_every_state_has_a_full_row_in_its_table(name):
    table = MOVES[name]
    enum = type(next(iter(table)))
    assert set(table) == set(enum)
    assert {target for targets in table.values() for target in targets} <= set(enum)
    assert all(status not in targets for status, targets in table.items()), "a move from a state to itself"


@pytest.mark.parametrize("name", sorted(MOVES))
def test_every_state_is_reached_from_the_first(name):
    table = MOVES[name]
    seen, todo = set(), [next(iter(table))]
    while todo:
        status = todo.pop()
        if status not in seen:
            seen.add(status)
            todo.extend(table[status])
    assert seen == set(table)


def test_every_column_of_states_has_a_table_of_moves():
    kept = {
        column.type.enum
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, EnumText) and column.name.endswith(("status", "state", "life", "adoption"))
    }
    tabled = {type(next(iter(table))) for table in MOVES.values()}
    history = {enum for enum in kept if enum.__name__ in MOVED_BY_ONE_STATEMENT}
    assert kept - tabled - history == set()
    assert all(issubclass(enum, StrEnum) for enum in kept)
    assert {enum.__name__ for enum in history} == MOVED_BY_ONE_STATEMENT, "an exception that is no longer needed"


# ------------------------------------------------------------------------------------------------ directions
def test_import_contracts_hold():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None, no_logo=True)


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    graph = grimp.build_graph("wxbackend", cache_dir=None)
    return {(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)}


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def crossings(imports) -> set[tuple[str, str]]:
    """Imports from one feature into another."""
    return {(a, b) for a, b in imports if layer(a) not in FRAME and layer(b) not in FRAME | {layer(a)}}


def part(module: str) -> str:
    return [*module.split("."), "", ""][2]


def test_no_feature_calls_the_entry_points_of_another(imports):
    assert {pair for pair in crossings(imports) if part(pair[1]) in ENTRIES} == set()


def test_answers_of_another_feature_are_used_for_answers_only(imports):
    borrowed = {pair for pair in crossings(imports) if part(pair[1]) == "schemas"}
    assert {pair for pair in borrowed if part(pair[0]) not in ANSWERING} == set()


def test_identity_knows_no_feature(imports):
    known = {layer(b) for a, b in imports if layer(a) == "identity"}
    assert known <= {"identity", "core"}
    assert {layer(b) for a, b in imports if layer(a) == "ledger"} <= {"ledger", "core"}


def test_nobody_imports_the_factory(imports):
    assert {a for a, b in imports if layer(b) == "factory"} == set()


def test_simulator_knows_nothing_of_the_application(imports):
    """It plays WeChat: whatever it shared with us, both would get wrong alike."""
    outside = {b for a, b in imports if a.startswith("wxbackend.devtools.wxsim") and layer(b) != "devtools"}
    assert outside == set()
