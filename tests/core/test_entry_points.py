"""``app.py`` and ``wsgi.py`` as processes: what they refuse, in one line and without a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(tmp_path: Path):
    """Import an entry point from a folder of its own, so that the only ``.env`` is the test's."""

    def run(module: str, *, env_file: str = "", **env: str) -> tuple[int, list[str]]:
        (tmp_path / ".env").write_text(env_file)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            cwd=tmp_path, env={**kept, "PYTHONPATH": str(ROOT), **env}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr.splitlines()

    return run


def test_the_server_does_not_start_unless_it_is_told_what_it_is(start):
    assert start("wsgi") == (1, ["设置有误: APP_ENV is missing: say production, development or test"])


def test_commands_start_with_the_default_environment(start):
    assert start("app") == (0, [])


@pytest.mark.parametrize("told", [{"APP_ENV": "development"}, {"env_file": "APP_ENV=development\n"}])
def test_the_server_starts_when_the_environment_or_the_file_says_so(start, told):
    assert start("wsgi", **told) == (0, [])


@pytest.mark.parametrize("module", ["app", "wsgi"])
def test_bad_settings_are_one_line_and_no_traceback(start, module):
    status, lines = start(module, APP_ENV="test", SESSION_DAYS="0", STORAGE_URL="file://var/files")
    assert (status, len(lines)) == (1, 1), lines
    assert lines[0].startswith("设置有误: ")
    assert "SESSION_DAYS" in lines[0]
    assert "STORAGE_URL" in lines[0]


@pytest.mark.parametrize("module", ["app", "wsgi"])
def test_a_long_host_of_codes_is_warned_of_once(start, module):
    status, lines = start(module, APP_ENV="test", CODE_BASE_URL="https://xiangshu.gov.cn")
    (warning,) = map(json.loads, lines)
    assert (status, warning["level"], warning["event"]) == (0, "warning", "code-host-long")
    assert warning["url"] == "https://xiangshu.gov.cn"


@pytest.mark.parametrize("unit", ["xiangshu-web.service", "xiangshu-worker.service"])
def test_units_say_production_before_the_file_of_the_operator(unit):
    lines = (ROOT / "deploy" / "systemd" / unit).read_text().splitlines()
    assert lines.index("Environment=APP_ENV=production") < lines.index("EnvironmentFile=/etc/xiangshu/env")


def test_the_image_says_production():
    assert "APP_ENV=production" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_secrets_enter_neither_the_image_nor_the_repository():
    for name in (".dockerignore", ".gitignore"):
        lines = {line.strip("/") for line in (ROOT / name).read_text().splitlines()}
        assert {".env", ".venv", "var", "deploy/production.env", "deploy/secrets"} <= lines, name
    assert {".git", "tests", "bench"} <= set((ROOT / ".dockerignore").read_text().splitlines())
