"""``flask backup FILE`` and ``flask backup verify FILE``."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import click
from flask import current_app
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from wxbackend.backups import service as backups
from wxbackend.backups.service import BackupFailed
from wxbackend.core.ports import ports, settings
from wxbackend.core.settings import ROOT

VERIFY = "verify"


@click.command("backup")
@click.argument("words", nargs=-1, required=True, metavar="FILE | verify FILE")
def backup_command(words: tuple[str, ...]) -> None:
    """备份数据库与文件 (服务可照常运行); verify 把备份恢复到临时位置并运行独立审计."""
    try:
        match words:
            case (file,) if file != VERIFY:
                _make(Path(file))
            case ("verify", file):
                _verify(Path(file))
            case _:
                raise click.UsageError("用法: flask backup FILE 或 flask backup verify FILE")
    except BackupFailed as failure:
        raise click.ClickException(f"备份失败: {failure}") from failure


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    count = backups.make_backup(
        file,
        database=make_url(settings().database_url),
        storage=Path(urlsplit(settings().storage_url).path),
        schema_version=current_app.extensions["xiangshu.schema_version"],
        now=ports().now(),
    )
    click.echo(f"已备份 {count} 个文件到 {file}，{file.stat().st_size / 1e6:.1f} MB。")


def _verify(file: Path) -> None:
    """Restore into a scratch place and let the auditor of this very program read it, in a process of its own."""
    with TemporaryDirectory(prefix="xiangshu-restore-") as folder:
        scratch = Path(folder)
        manifest = backups.unpack(file, scratch)
        with _scratch_database(scratch, str(manifest["dialect"])) as database:
            backups.restore_database(scratch / backups.DATABASE, database=database)
            said = _audit(database, scratch / backups.STORAGE)
    click.echo(f"{file.name}（{manifest['made_at']}）可以恢复。{said}")


@contextmanager
def _scratch_database(scratch: Path, dialect: str) -> Iterator[URL]:
    if dialect == "sqlite":
        yield make_url(f"sqlite:///{scratch / 'restored.db'}")
        return
    here = make_url(settings().migration_database_url or settings().database_url)
    if here.get_backend_name() != dialect:
        raise BackupFailed(f"DATABASE_URL 不是 {dialect}，无法恢复")
    name = f"xiangshu_restore_{os.getpid()}"
    engine = create_engine(here, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        try:
            yield here.set(database=name)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _audit(database: URL, storage: Path) -> str:
    env = {
        **os.environ,
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "STORAGE_URL": f"file://{storage}",
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "audit"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BackupFailed(f"恢复后的数据未通过审计: {done.stdout.strip()[-1000:]}{done.stderr.strip()[-500:]}")
    return done.stdout.strip()
