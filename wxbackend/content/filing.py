"""A picture's file: put behind its row, so that no file is left of which nobody knows."""

import structlog

from wxbackend.content import avatars
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Busy
from wxbackend.core.ports import ports

log = structlog.get_logger()


def keep_file(token: str, picture: bytes) -> None:
    """Raises ``Busy``, and takes the row back, where there is no room.

    An erasure may have come between the row and the file: it deleted what was not there yet, so it is deleted here.
    """
    ask, key = ports(), avatars.storage_key(token)
    try:
        ask.storage.put(key, picture)
    except OSError as error:
        log.exception("picture not kept", kind=type(error).__name__)
        with transaction() as session:
            avatars.take_back(session, token=token, now=ask.now())
        raise Busy from error
    with reading() as session:
        known = avatars.is_known(session, token=token)
    if not known:
        ask.storage.delete(key)
