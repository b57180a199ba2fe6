"""Make a copy while serving; open one in a scratch place.

A backup is one tar file: the database, the stored files, and a manifest with the SHA-256 of each. The database goes
first: every file that it knows of is on the disk by then, because files are stored before they are noted, and no file
is ever changed under its key.
"""

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from sqlalchemy.engine import URL

MANIFEST = "manifest.json"
DATABASE = "database"
STORAGE = "storage"
FORMAT = 1
CHUNK = 1 << 20


class BackupFailed(Exception):
    """The copy could not be made or does not hold what it says."""


def make_backup(target: Path, *, database: URL, storage: Path, schema_version: str | None, now: datetime) -> int:
    """Write ``target`` whole or not at all; how many files it holds."""
    manifest = {"format": FORMAT, "dialect": database.get_backend_name(), "schema": schema_version}
    manifest["made_at"] = now.isoformat()
    with TemporaryDirectory(dir=target.parent) as scratch:
        dump, draft = Path(scratch) / DATABASE, Path(scratch) / target.name
        _dump(database, dump)
        try:
            count = _pack(draft, dump=dump, storage=storage, manifest=manifest)
        except FileNotFoundError as error:  # an erasure destroyed it while we looked: the next try is without it
            raise BackupFailed("备份期间有文件被删除，请重试") from error
        draft.replace(target)
    return count


def _dump(database: URL, target: Path) -> None:
    if database.get_backend_name() == "sqlite":
        _dump_sqlite(Path(database.database or ""), target)
    else:
        _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}"], database=database)


def _dump_sqlite(source: Path, target: Path) -> None:
    """SQLite's own online backup, in one step: in parts it would begin anew with every commit of others."""
    address = f"{source.resolve().as_uri()}?mode=ro"  # a wrong path shall not make an empty database
    try:
        with closing(sqlite3.connect(address, uri=True)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        raise BackupFailed(f"sqlite: {error}") from error


def _run(command: list[str], *, database: URL) -> None:
    """Run a tool of PostgreSQL. The password goes by the environment: everybody on the machine sees arguments."""
    address = database.set(drivername="postgresql")._replace(password=None).render_as_string()
    env = {**os.environ, "PGPASSWORD": database.password or os.environ.get("PGPASSWORD", "")}
    words = [*command, f"--dbname={address}"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - words of our own
    if done.returncode != 0:
        raise BackupFailed(f"{command[0]}: {done.stderr.strip()[-500:]}")


def _pack(draft: Path, *, dump: Path, storage: Path, manifest: dict[str, object]) -> int:
    digests: dict[str, str] = {}
    with _open_for_us(draft) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name, source in _named(dump, storage):
            tar.add(source, name, recursive=False)
            digests[name] = _digest(source.open("rb"))
        text = json.dumps({**manifest, "files": digests}, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return len(digests)


def _open_for_us(draft: Path) -> BinaryIO:
    """Everybody's data goes in: nobody else of this machine may read it, not even while it grows."""
    return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _named(dump: Path, storage: Path) -> Iterator[tuple[str, Path]]:
    yield DATABASE, dump
    for file in sorted(storage.rglob("*")) if storage.is_dir() else ():
        relative = file.relative_to(storage)
        if file.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield f"{STORAGE}/{relative.as_posix()}", file


def _digest(stream: io.BufferedIOBase | io.BufferedReader) -> str:
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def unpack(backup: Path, scratch: Path) -> dict[str, object]:
    """Unpack into ``scratch`` and check every digest; the manifest. Raises ``BackupFailed``."""
    try:
        with tarfile.open(backup) as tar:
            tar.extractall(scratch, filter="data")
        manifest: dict[str, object] = json.loads((scratch / MANIFEST).read_text())
    except (OSError, ValueError, tarfile.TarError) as error:
        raise BackupFailed(f"{backup.name}: {type(error).__name__}") from error
    _check_digests(manifest, scratch)
    return manifest


def _check_digests(manifest: dict[str, object], scratch: Path) -> None:
    files = manifest.get("files")
    if manifest.get("format") != FORMAT or not isinstance(files, dict) or DATABASE not in files:
        raise BackupFailed("manifest")
    for name, digest in files.items():
        file = scratch / name
        if not file.is_file() or _digest(file.open("rb")) != digest:
            raise BackupFailed(f"damaged: {name}")


def restore_database(dump: Path, *, database: URL) -> None:
    """Fill the empty ``database`` from a dump of its own kind."""
    if database.get_backend_name() == "sqlite":
        dump.replace(database.database or "")
    else:
        _run(["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", str(dump)], database=database)
