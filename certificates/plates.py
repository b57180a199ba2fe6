"""Plates for trees: A4 sheets of ten, 80 × 50 mm, in parts, so that any number of them takes the same memory."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from certificates import qr
from certificates.codes import group_number
from certificates.engine import Document, compile_pdf, compile_png, forget_documents
from certificates.faces import PlateFace
from certificates.fonts import FontBook, font_book, normalise_name
from certificates.layout import SHRINK_STEPS, FaceTooLong
from certificates.typesetting import TextStyle, set_line, set_paragraph

TEMPLATE = "plates.typ"
PART_SIZE = 1000
PLATES_PER_PAGE = 10

PLATE_WIDTH_MM, PLATE_HEIGHT_MM = 80.0, 50.0
SYMBOL_SIDE_MM = 36.0  # the code itself; its quiet zone comes on top
CODE_INSET_MM = 1.2  # between quiet zone and cut: a cutter's tolerance
TEXT_LEFT_MM, TEXT_WIDTH_MM = 4.5, 27.4
NUMBER_SIZE_MM = 3.65
SPECIES_SIZE_MM, DETAIL_SIZE_MM, OFFICE_SIZE_MM = 7.2, 3.0, 2.2
MAX_DETAIL_LINES = 3
DETAIL_LAST_MM = {1: 34.8, 2: 38.8, 3: 40.4}  # baseline of the last line, by how many there are


def plate_sheets(
    plates: Iterable[PlateFace], *, part_size: int = PART_SIZE, fonts: FontBook | None = None
) -> Iterator[bytes]:
    """Yield PDFs of up to ``part_size`` plates each, in order; plates are taken as they are needed.

    Raises MissingGlyphs, FaceTooLong or CodeUnreadable for the first plate that cannot be printed.
    """
    if part_size < 1:
        raise ValueError("a part holds at least one plate")
    book = fonts or font_book()
    source = iter(plates)
    while part := [(face, _plate(face, book)) for face in islice(source, part_size)]:
        yield compile_pdf(_document(part[0][0].office, [plate for _, plate in part], book))
        forget_documents()


def plate_preview(face: PlateFace, *, dots_per_inch: int = 200, fonts: FontBook | None = None) -> bytes:
    """Return one plate, without crop marks, as PNG."""
    book = fonts or font_book()
    return compile_png(_document(face.office, [_plate(face, book)], book, preview=True), dots_per_inch=dots_per_inch)


def _document(office: str, plates: list[dict[str, Any]], fonts: FontBook, *, preview: bool = False) -> Document:
    data = {
        "preview": preview,
        "families": [font.family for font in fonts.faces],
        "office": office,
        "text_left": TEXT_LEFT_MM,
        "text_width": TEXT_WIDTH_MM,
        "code_inset": CODE_INSET_MM,
        "number_size": NUMBER_SIZE_MM,
        "plates": plates,
    }
    return Document(TEMPLATE, data, fonts, tagged=False)


def _plate(face: PlateFace, fonts: FontBook) -> dict[str, Any]:
    for text in (face.latin or "", face.number):
        fonts.require(text)
    matrix = qr.code_matrix(face.url)
    return {
        "species": _fitted(face.species, fonts, SPECIES_SIZE_MM)[0],
        "latin": face.latin,
        "number": number_lines(face.number),
        "details": _details(face, fonts),
        "office": _stacked(_fitted(face.office, fonts, OFFICE_SIZE_MM, lines=2), last_mm=46.2, pitch_mm=2.8),
        "url": face.url.upper(),
        "code": qr.code_drawing(matrix),
        "code_side": code_side_mm(matrix),
    }


def _details(face: PlateFace, fonts: FontBook) -> list[tuple[str, float, float]]:
    """Base, and adopter where one is named: text, size and baseline of each line."""
    rows = list(_fitted(face.base_name, fonts, DETAIL_SIZE_MM, lines=2))
    if face.adopter:
        rows += _fitted(f"认养人：{normalise_name(face.adopter)}", fonts, DETAIL_SIZE_MM)
    pitch = 4.0 if len(rows) < MAX_DETAIL_LINES else 3.3
    return _stacked(tuple(rows), last_mm=DETAIL_LAST_MM[len(rows)], pitch_mm=pitch)


def _stacked(rows: tuple[tuple[str, float], ...], *, last_mm: float, pitch_mm: float) -> list[tuple[str, float, float]]:
    below = len(rows) - 1
    return [(text, size, last_mm - (below - index) * pitch_mm) for index, (text, size) in enumerate(rows)]


def number_lines(number: str) -> tuple[str, str]:
    """Write a tree number in two lines of groups: the village's code, then year, sequence and check."""
    groups = group_number(number)
    return " ".join(groups[:3]), " ".join(groups[3:])


def code_side_mm(matrix: qr.CodeMatrix) -> float:
    """Side of the code with its quiet zone, so that the symbol measures 36 mm."""
    return SYMBOL_SIDE_MM * (len(matrix) + 2 * qr.QUIET_ZONE_MODULES) / len(matrix)


@lru_cache(maxsize=1_000)
def _fitted(text: str, fonts: FontBook, size_mm: float, *, lines: int = 1) -> tuple[tuple[str, float], ...]:
    """Shrink a text to its column, in as many lines as it may take: text and size of each.

    Kept, because species, bases and offices repeat.
    """
    for scale in SHRINK_STEPS:
        style = TextStyle(fonts, size_mm * scale)
        if set_line(text, style).width_mm <= TEXT_WIDTH_MM:
            return ((text, style.size_mm),)
        pieces = set_paragraph(text, style, width_mm=TEXT_WIDTH_MM)
        if 1 < len(pieces) <= lines:
            return tuple((piece.text, style.size_mm) for piece in pieces)
    raise FaceTooLong(f"树牌上排不下：{text}")
