"""``flask backup``: a copy while others write, its proof, and every way in which a copy can be bad."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import create_engine, text

from tests.fakes import Clock, FakeMini, FakePay, FakePush, Luck
from wxbackend.core.db import db, transaction
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.storage.local import LocalStorage

SCRATCH = "SELECT datname FROM pg_database WHERE datname = :name"


@pytest.fixture
def ports(clock: Clock, tmp_path: Path) -> Ports:
    """A real disk: backups read it."""
    disk = LocalStorage(tmp_path / "storage")
    return Ports(mini=FakeMini(), pay=FakePay(clock), storage=disk, push=FakePush(), now=clock, random_bytes=Luck())


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        app_env="test", database_url=database_url, storage_url=f"file://{tmp_path / 'storage'}", _env_file=None
    )  # type: ignore[call-arg]


@pytest.fixture
def cli(app: Flask, ports: Ports, make) -> FlaskCliRunner:
    make.base()
    ports.storage.put("certificates/a/one.png", b"first file")
    ports.storage.put("certificates/b/two.pdf", b"second file")
    return app.test_cli_runner()


@pytest.fixture
def copy(cli: FlaskCliRunner, tmp_path: Path) -> Path:
    target = tmp_path / "copies" / "night.tar"
    done = cli.invoke(args=["backup", str(target)])
    assert (done.exit_code, "已备份 3 个文件" in done.output) == (0, True), done.output
    return target


def said_of(cli: FlaskCliRunner, copy: Path) -> tuple[int, str]:
    done = cli.invoke(args=["backup", "verify", str(copy)])
    return done.exit_code, done.output


def rewrite(copy: Path, change) -> None:
    """Write the archive anew; ``change`` maps (name, data) to data, or ``None`` to leave the entry out."""
    with tarfile.open(copy) as old:
        entries = [(entry.name, old.extractfile(entry).read()) for entry in old.getmembers()]
    with tarfile.open(copy, "w") as new:
        for name, data in entries:
            if (changed := change(name, data)) is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(changed)
                new.addfile(entry, io.BytesIO(changed))


@contextmanager
def somebody_writing(app: Flask) -> Iterator[list[int]]:
    """A thread that commits without a pause; how often, so far."""
    stop, begun, commits = Event(), Event(), [0]

    def write() -> None:
        with app.app_context():
            while not stop.is_set():
                with transaction() as session:
                    session.execute(text("UPDATE campaign SET summary = 'x'"))
                commits[0] += 1
                begun.set()
            db.session.remove()

    writer = Thread(target=write)
    writer.start()
    begun.wait(10)
    try:
        yield commits
    finally:
        stop.set()
        writer.join()


def test_copy_is_verified_by_the_auditor(cli: FlaskCliRunner, copy: Path):
    status, output = said_of(cli, copy)
    assert (status, "可以恢复" in output, "全部相符" in output) == (0, True, True), output


def test_copy_is_made_while_somebody_writes(app: Flask, cli: FlaskCliRunner, tmp_path: Path):
    target = tmp_path / "busy.tar"
    with somebody_writing(app) as commits:
        before = commits[0]
        assert cli.invoke(args=["backup", str(target)]).exit_code == 0
        assert commits[0] >= before
    assert said_of(cli, target)[0] == 0


def test_nothing_is_left_beside_the_copy(cli: FlaskCliRunner, copy: Path):
    said_of(cli, copy)
    assert [file.name for file in copy.parent.iterdir()] == ["night.tar"]


def test_scratch_database_is_dropped_after_a_good_and_a_bad_restore(
    cli: FlaskCliRunner, copy: Path, tmp_path: Path, database_url: str
):
    with transaction() as session:
        session.execute(text("UPDATE planting_base SET sold = 1"))
    bad = tmp_path / "bad.tar"
    cli.invoke(args=["backup", str(bad)])
    assert (said_of(cli, copy)[0], said_of(cli, bad)[0]) == (0, 1)
    assert scratch_databases(database_url) == []


def scratch_databases(url: str) -> list[str]:
    """What verifying in this very process left on the server."""
    if url.startswith("sqlite"):
        return []
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(SCRATCH), {"name": f"xiangshu_restore_{os.getpid()}"}).scalars().all()
    engine.dispose()
    return list(found)


def test_verify_does_not_touch_the_live_database(app: Flask, cli: FlaskCliRunner, copy: Path):
    """The live one is falsified after the copy: what is verified is the copy."""
    with transaction() as session:
        session.execute(text("UPDATE planting_base SET sold = 1"))
    assert said_of(cli, copy)[0] == 0
    with transaction() as session:
        assert session.execute(text("SELECT sold FROM planting_base")).scalar() == 1


def test_copy_of_falsified_books_is_refused(cli: FlaskCliRunner, tmp_path: Path):
    with transaction() as session:
        session.execute(text("UPDATE planting_base SET sold = 1"))
    target = tmp_path / "false.tar"
    assert cli.invoke(args=["backup", str(target)]).exit_code == 0
    status, output = said_of(cli, target)
    assert (status, "places-add-up" in output) == (1, True), output


@pytest.mark.parametrize("name", ["database", "storage/certificates/a/one.png"])
def test_flipped_bit_is_refused(cli: FlaskCliRunner, copy: Path, name: str):
    rewrite(copy, lambda entry, data: bytes([data[0] ^ 1]) + data[1:] if entry == name else data)
    status, output = said_of(cli, copy)
    assert (status, f"damaged: {name}" in output) == (1, True), output


@pytest.mark.parametrize("name", ["database", "storage/certificates/b/two.pdf"])
def test_missing_file_is_refused(cli: FlaskCliRunner, copy: Path, name: str):
    rewrite(copy, lambda entry, data: None if entry == name else data)
    status, output = said_of(cli, copy)
    assert (status, f"damaged: {name}" in output) == (1, True), output


def test_copy_without_manifest_is_refused(cli: FlaskCliRunner, copy: Path):
    rewrite(copy, lambda name, data: None if name == "manifest.json" else data)
    assert said_of(cli, copy)[0] == 1


def test_half_a_copy_is_refused(cli: FlaskCliRunner, copy: Path):
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    assert said_of(cli, copy)[0] == 1


def test_nobody_else_of_the_machine_may_read_a_copy(copy: Path):
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_failed_backup_leaves_the_last_good_one(cli: FlaskCliRunner, copy: Path, app: Flask):
    good = copy.read_bytes()
    broken = app.extensions["xiangshu.settings"].model_copy(update={"database_url": "sqlite:////nowhere/none.db"})
    app.extensions["xiangshu.settings"] = broken
    done = cli.invoke(args=["backup", str(copy)])
    assert (done.exit_code, "备份失败" in done.output) == (1, True), done.output
    assert copy.read_bytes() == good
    assert [file.name for file in copy.parent.iterdir()] == ["night.tar"]


def test_words_that_make_no_sense_show_the_usage(cli: FlaskCliRunner):
    done = cli.invoke(args=["backup", "a", "b", "c"])
    assert (done.exit_code, "用法" in done.output) == (2, True)
