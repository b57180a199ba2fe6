"""The PDF engine: typst, imported only when a PDF is really made (36 MB that the web process never pays)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from certificates.fonts import FontBook

if TYPE_CHECKING:
    import typst

TEMPLATE_DIR = Path(__file__).parent / "templates"

MEMORY_OF_ENGINE = 10  # documents

_engine_lock = Lock()  # a compiler refuses a second document while it sets one


class PdfFailed(RuntimeError):
    """The engine refused a document; its diagnostic is the message."""


@dataclass(frozen=True)
class Document:
    """What the engine is to set: a template, its data (as JSON), SVG pictures by name.

    A template sets its document's date itself, or none: otherwise the clock would change the bytes.

    ``tagged`` adds the structure that screen readers want; print sheets do without.
    """

    template: str
    data: Mapping[str, Any]
    fonts: FontBook
    pictures: Mapping[str, str] = field(default_factory=dict)
    tagged: bool = True


def compile_pdf(document: Document) -> bytes:
    """Set a document as PDF; the same document gives the same bytes."""
    return _compile(document, format="pdf", pdf_tags=document.tagged)


def compile_png(document: Document, *, dots_per_inch: int) -> bytes:
    """Set a document's only page as PNG: a preview of what will be printed."""
    return _compile(document, format="png", ppi=float(dots_per_inch))


def _compile(document: Document, **output: Any) -> bytes:
    import typst  # noqa: PLC0415

    inputs = {"data": json.dumps(document.data, ensure_ascii=False), **document.pictures}
    with _engine_lock:
        try:
            made = _compiler(document.template, document.fonts).compile(sys_inputs=inputs, **output)
        except typst.TypstError as error:
            raise PdfFailed(error.diagnostic) from error
    if not isinstance(made, bytes):
        raise PdfFailed("the engine returned no document of one piece")
    return made


def forget_documents() -> None:
    """Free what the engine remembers of earlier documents.

    It keeps every intermediate result until ten documents have passed without a use of it: 50 MB for each thousand
    plates. Eleven empty documents cost 30 ms and bring the memory back.
    """
    import typst  # noqa: PLC0415

    with _engine_lock:
        blank = typst.Compiler(b"")
        for turn in range(MEMORY_OF_ENGINE + 1):
            blank.compile(input=f"#set page(width: 1cm, height: 1cm)\n// {turn}".encode(), format="pdf")


@lru_cache(maxsize=4)
def _compiler(template: str, fonts: FontBook) -> "typst.Compiler":
    import typst  # noqa: PLC0415

    folders = [str(folder) for folder in dict.fromkeys(face.path.parent for face in fonts.faces)]
    library = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)
    return typst.Compiler(str(TEMPLATE_DIR / template), root=str(TEMPLATE_DIR), font_paths=library)
