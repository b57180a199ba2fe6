"""Files in a folder of this machine."""

import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

MAX_KEY_CHARS = 200
KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*(?:/[0-9A-Za-z][0-9A-Za-z._-]*)*")
DRAFTS = ".drafts"  # no key begins with a dot
NOT_A_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class BadKey(ValueError):
    """A key is letters, digits, ``.``, ``_``, ``-`` in parts joined by ``/``; a part begins with a letter or digit."""


class KeyTaken(Exception):
    """Other bytes stand under this key already, and what is written never changes."""


class LocalStorage:
    """``core.ports.Storage`` under ``root``: a file is there whole or not at all, even after a power cut."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        """Write once; the same bytes again change nothing. Raises ``KeyTaken``, ``BadKey``."""
        target = self._path(key)
        draft = self._draft(data)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A hard link, not a rename: of two writers at once the second must notice, not replace.
            os.link(draft, target)
        except (FileExistsError, NotADirectoryError):
            if self.get(key) != data:
                raise KeyTaken(key) from None
        finally:
            draft.unlink()
        self._sync(target)

    def get(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except NOT_A_FILE:
            return None

    def delete(self, key: str) -> None:
        """A key that is not there is no fault."""
        target = self._path(key)
        with suppress(*NOT_A_FILE):
            target.unlink()
            self._sync(target)

    def _path(self, key: str) -> Path:
        if len(key) > MAX_KEY_CHARS or not KEY.fullmatch(key):
            raise BadKey(key)
        return self._root / key

    def _draft(self, data: bytes) -> Path:
        folder = self._root / DRAFTS
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)

    def _sync(self, target: Path) -> None:
        """A name reaches the disk only with its folder, and a new folder only with the one above."""
        folder = target
        while folder != self._root:
            folder = folder.parent
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
