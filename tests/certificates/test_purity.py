import subprocess
import sys
from pathlib import Path

import pytest

import certificates

FORBIDDEN = ("flask", "sqlalchemy", "werkzeug", "wxbackend", "requests", "wechatpy")
MODULES = sorted(path.stem for path in Path(certificates.__file__).parent.glob("*.py") if path.stem != "__init__")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_no_module_reaches_web_database_or_network():
    loaded = loaded_by("\n".join(f"import certificates.{module}" for module in MODULES))
    assert "PIL" in loaded
    assert loaded.isdisjoint(FORBIDDEN)


def test_importing_any_module_leaves_the_pdf_engine_alone():
    assert "typst" not in loaded_by("\n".join(f"import certificates.{module}" for module in MODULES))


@pytest.mark.parametrize("module", MODULES)
def test_no_module_reads_clock_environment_or_chance(module):
    source = (Path(certificates.__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    for word in (".now(", ".today(", "import time", "environ", "import random", "import secrets", "getenv"):
        assert word not in source
