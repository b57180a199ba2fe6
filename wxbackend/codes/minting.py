"""Asking WeChat for a code: the call first, then the file, then the note. A crash in between is done again."""

from wxbackend.codes import service as codes
from wxbackend.codes.pictures import checked
from wxbackend.codes.rules import CodeWish
from wxbackend.core.db import transaction
from wxbackend.core.ports import ports


def mint(wish: CodeWish) -> None:
    """Have one code drawn and keep it.

    Raises ``PageUnpublished``, ``TooMany``, ``UpstreamFailed`` (``NotAPicture`` among them).
    """
    ask = ports()
    picture = checked(ask.mini.mini_code(scene=wish.scene, page=wish.page, width_px=wish.width_px))
    ask.storage.put(codes.storage_key(wish, sha256=picture.sha256), picture.data)
    with transaction() as session:
        codes.keep_code(session, wish=wish, sha256=picture.sha256, now=ask.now())
