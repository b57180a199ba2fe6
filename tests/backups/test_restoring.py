"""The erasures that a restored copy has forgotten: the handbook's own words are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from models import PledgeStatus, Resident, ResidentStatus
from tests.fakes import Clock, FakeStorage
from tests.identity.people import Furnisher
from tests.make import Make
from wxbackend.core.db import reading

ROOT = Path(__file__).parents[2]
HANDBOOK = (ROOT / "docs" / "operations.md").read_text()


def block(language: str, holds: str) -> str:
    """The one block of code in the handbook that says ``holds``."""
    (found,) = [code for code in re.findall(rf"```{language}\n(.*?)```", HANDBOOK, re.DOTALL) if holds in code]
    return found


@pytest.fixture
def redo(app: Flask, database_url: str, tmp_path: Path):
    """Run the program of the handbook over a list of residents' ids."""

    def run(*people: int) -> tuple[int, list[str]]:
        program, listed = tmp_path / "redo.py", tmp_path / "erased.txt"
        program.write_text(block("python", "erase("))
        listed.write_text("".join(f"{person}\n" for person in people))
        env = {**os.environ, "APP_ENV": "test", "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, str(program), str(listed)],
            cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()

    return run


def sign_in(make: Make, person: str) -> int:
    make.resident(person)
    with reading() as session:
        return session.scalars(select(func.max(Resident.id))).one()


def test_forgotten_erasures_are_done_again_and_once(redo, make: Make):
    gone, stays = sign_in(make, "a"), sign_in(make, "b")
    assert redo(gone, 4_000_000) == (0, [f"{gone} 已重做注销", "4000000 已注销，或备份时尚未注册"])
    assert redo(gone) == (0, [f"{gone} 已注销，或备份时尚未注册"])
    with reading() as session:
        found = [session.get(Resident, person).status for person in (gone, stays)]
    assert found == [ResidentStatus.ERASED, ResidentStatus.ACTIVE]


def test_the_list_of_erasures_is_what_the_program_reads(redo, make: Make):
    gone = sign_in(make, "a")
    redo(gone)
    with reading() as session:
        listed = session.scalars(text(block("sql", "audit_entry"))).all()
    assert listed == [str(gone)]


def test_an_open_payment_is_told_and_fails(app: Flask, redo, make: Make, clock: Clock, storage: FakeStorage):
    person = sign_in(make, "a")
    Furnisher(make, clock, app.extensions["xiangshu.vault"], storage).pledge(person, PledgeStatus.PENDING)
    assert redo(person) == (1, [f"{person} 有未完成的支付"])
