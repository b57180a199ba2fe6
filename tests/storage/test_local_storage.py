"""Files on this machine: whole, once, and only below their root."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbackend.core.ports import Storage
from wxbackend.storage.local import BadKey, KeyTaken, LocalStorage

KEY = "certificates/RZ445200202600000010/1754.png"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_put_is_got(storage: LocalStorage) -> None:
    port: Storage = storage
    port.put(KEY, b"\x89PNG")
    assert port.get(KEY) == b"\x89PNG"


def test_nothing_is_touched_before_the_first_file(tmp_path: Path) -> None:
    LocalStorage(tmp_path / "files").get(KEY)
    assert not (tmp_path / "files").exists()


def test_a_key_nobody_put_is_none(storage: LocalStorage) -> None:
    storage.put(KEY, b"1")
    assert storage.get("certificates/absent.png") is None
    assert storage.get("certificates") is None
    assert storage.get(f"{KEY}/below") is None


def test_an_empty_file_is_a_file(storage: LocalStorage) -> None:
    storage.put(KEY, b"")
    assert storage.get(KEY) == b""


def test_the_same_bytes_again_change_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put(KEY, b"1")
    before = (tmp_path / "files" / KEY).stat()
    storage.put(KEY, b"1")
    after = (tmp_path / "files" / KEY).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_other_bytes_under_the_same_key_are_refused(storage: LocalStorage) -> None:
    storage.put(KEY, b"1")
    with pytest.raises(KeyTaken):
        storage.put(KEY, b"2")
    assert storage.get(KEY) == b"1"


def test_a_key_cannot_be_a_file_and_a_folder(storage: LocalStorage) -> None:
    storage.put("a/b", b"1")
    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(KeyTaken):
            storage.put(key, b"1")
    assert storage.get("a/b") == b"1"


def test_of_eight_writers_at_once_one_wins_and_all_others_know(storage: LocalStorage) -> None:
    start = Barrier(8)

    def write(number: int) -> bytes | None:
        data = str(number).encode() * 10_000
        start.wait(5)
        try:
            storage.put(KEY, data)
        except KeyTaken:
            return None
        return data

    with ThreadPoolExecutor(8) as pool:
        written = [data for data in pool.map(write, range(8)) if data is not None]
    assert [storage.get(KEY)] == written


def test_no_draft_is_left_behind(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put(KEY, b"1")
    storage.put(KEY, b"1")
    with pytest.raises(KeyTaken):
        storage.put(KEY, b"2")
    assert files_below(tmp_path) == [tmp_path / "files" / KEY]


def test_only_the_owner_of_the_process_reads_the_file(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put(KEY, b"1")
    assert (tmp_path / "files" / KEY).stat().st_mode & 0o077 == 0


def test_a_deleted_key_may_be_put_again(storage: LocalStorage) -> None:
    storage.put(KEY, b"1")
    storage.delete(KEY)
    assert storage.get(KEY) is None
    storage.delete(KEY)
    storage.put(KEY, b"2")
    assert storage.get(KEY) == b"2"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../outside",
        "a/../../outside",
        "a/./b",
        "a//b",
        "a/",
        ".drafts/x",
        "a/.hidden",
        "a\\b",
        "a\x00b",
        "a\n",
        "证书/1",
        "a b",
        "~root",
        "x" * 201,
    ],
)
def test_a_key_that_is_no_key_is_refused(storage: LocalStorage, tmp_path: Path, key: str) -> None:
    for call in (lambda: storage.put(key, b"1"), lambda: storage.get(key), lambda: storage.delete(key)):
        with pytest.raises(BadKey):
            call()
    assert files_below(tmp_path) == []


@given(key=st.text(alphabet="ab./\\-_~\x00", max_size=12))
def test_no_key_leads_outside_the_root(key: str) -> None:
    root = Path("/nowhere/files")
    try:
        path = LocalStorage(root)._path(key)
    except BadKey:
        return
    assert path.resolve().is_relative_to(root)
    assert path.resolve() != root
