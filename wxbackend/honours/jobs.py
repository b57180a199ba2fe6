"""The worker draws: PNG at three widths and the PDF, every code read back by the drawing itself."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from certificates.faces import CertificateFace
from certificates.fonts import FontBook
from certificates.png import WidthPx, draw_certificate
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports
from wxbackend.honours import files
from wxbackend.honours import service as honours
from wxbackend.honours.files import Drawing
from wxbackend.honours.tools import issuing_tools


def draw_files(payload: Mapping[str, Any]) -> None:
    """Draw, store, then note. A crash in between leaves files that the next try writes again, byte for byte."""
    ask, tools, serial = ports(), issuing_tools(), payload["serial"]
    with reading() as session:
        face = files.face_to_draw(session, serial=serial, tools=tools, storage=ask.storage)
    if face is None:
        return
    drawings = list(_drawings(face, tools.fonts))
    for drawing in drawings:
        ask.storage.put(drawing.key(serial), drawing.data)
    with transaction() as session:
        files.keep(session, serial=serial, drawings=drawings, now=ask.now())


def issue_decided(payload: Mapping[str, Any]) -> None:
    """A name of this person was decided: issue what waited for it, each in a transaction of its own."""
    with reading() as session:
        waiting = honours.applied_of(session, resident_id=payload["resident"])
    for certificate_id in waiting:
        with transaction() as session:
            honours.issue_applied(session, certificate_id=certificate_id, tools=issuing_tools(), now=ports().now())


def _drawings(face: CertificateFace, fonts: FontBook) -> Iterator[Drawing]:
    from certificates.pdf import certificate_pdf  # noqa: PLC0415 - typst costs 36 MB that the web process saves

    for width_px in get_args(WidthPx):
        yield Drawing(files.form_of("png", width_px), draw_certificate(face, width_px=width_px, fonts=fonts))
    yield Drawing(files.PDF, certificate_pdf(face, fonts=fonts))
