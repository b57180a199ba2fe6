"""Plates for trees: A4 sheets of ten, 80 × 50 mm, in parts, so that any number of them takes the same memory."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from certificates import qr
from certificates.codes import group_number
from certificates.engine import compile_pdf, forget_documents
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
MAX_OFFICE_LINES = 2


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
        yield _sheet(part[0][0].office, [plate for _, plate in part], book)
        forget_documents()


def _sheet(office: str, plates: list[dict[str, Any]], fonts: FontBook) -> bytes:
    data = {
        "families": [font.family for font in fonts.faces],
        "office": office,
        "text_width": TEXT_WIDTH_MM,
        "code_inset": CODE_INSET_MM,
        "number_size": NUMBER_SIZE_MM,
        "plates": plates,
    }
    return compile_pdf(TEMPLATE, data=data, fonts=fonts, tagged=False)


def _plate(face: PlateFace, fonts: FontBook) -> dict[str, Any]:
    for text in (face.latin or "", face.number):
        fonts.require(text)
    matrix = qr.code_matrix(face.url)
    return {
        "species": _fitted(face.species, fonts, SPECIES_SIZE_MM),
        "latin": face.latin,
        "number": number_lines(face.number),
        "base": _fitted(face.base_name, fonts, DETAIL_SIZE_MM, lines=2),
        "adopter": _fitted(f"认养人：{normalise_name(face.adopter)}", fonts, DETAIL_SIZE_MM) if face.adopter else None,
        "office": _fitted(face.office, fonts, OFFICE_SIZE_MM, lines=MAX_OFFICE_LINES),
        "url": face.url.upper(),
        "code": qr.code_drawing(matrix),
        "code_side": code_side_mm(matrix),
    }


def number_lines(number: str) -> tuple[str, str]:
    """Write a tree number in two lines of groups: the village's code, then year, sequence and check."""
    groups = group_number(number)
    return " ".join(groups[:3]), " ".join(groups[3:])


def code_side_mm(matrix: qr.CodeMatrix) -> float:
    """Side of the code with its quiet zone, so that the symbol measures 36 mm."""
    return SYMBOL_SIDE_MM * (len(matrix) + 2 * qr.QUIET_ZONE_MODULES) / len(matrix)


@lru_cache(maxsize=1_000)
def _fitted(text: str, fonts: FontBook, size_mm: float, *, lines: int = 1) -> dict[str, Any]:
    """Shrink a text to its column, in as many lines as it may take. Kept: species, bases and offices repeat."""
    for scale in SHRINK_STEPS:
        style = TextStyle(fonts, size_mm * scale)
        if set_line(text, style).width_mm <= TEXT_WIDTH_MM:
            return {"size": style.size_mm, "lines": [text], "text": text}
        pieces = [setting.text for setting in set_paragraph(text, style, width_mm=TEXT_WIDTH_MM)]
        if 1 < len(pieces) <= lines:
            return {"size": style.size_mm, "lines": pieces, "text": text}
    raise FaceTooLong(f"树牌上排不下：{text}")
