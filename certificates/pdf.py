"""The certificate as PDF: the layout and art of the picture, set as text that can be searched and copied."""

import base64
from functools import lru_cache
from typing import Any

from certificates import art, palette, qr
from certificates.background import (
    WATERMARK_CENTRE_MM,
    WATERMARK_SIZE_MM,
    WATERMARK_STROKE_EM,
    WATERMARK_TRACKING_EM,
    WATERMARK_TURN_DEGREES,
)
from certificates.engine import Document, compile_pdf
from certificates.faces import CertificateFace
from certificates.fonts import FontBook, font_book
from certificates.layout import PAGE_HEIGHT_MM, PAGE_WIDTH_MM, Box, Layout, Line, certificate_layout
from certificates.shapes import Shape, to_svg
from certificates.stamp import cleaned_seal_png, seal_picture
from certificates.trees import Silhouette, silhouette_of
from certificates.typesetting import OPENERS, Span
from certificates.weights import ink_strength, stroke_em
from certificates.wording import TITLES, WATERMARK

TEMPLATE = "certificate.typ"


def certificate_pdf(face: CertificateFace, *, fonts: FontBook | None = None) -> bytes:
    """Return the certificate as a one-page PDF; the same face gives the same bytes.

    Raises MissingGlyphs for a character no font has (typst would drop it silently), FaceTooLong for a text without
    room.
    """
    return compile_pdf(certificate_document(face, fonts or font_book()))


def certificate_document(face: CertificateFace, fonts: FontBook) -> Document:
    """Return the certificate as the engine wants it."""
    layout = certificate_layout(face, fonts=fonts)
    pictures = {
        "scene": _scene_svg(silhouette_of(face.species)),
        "frame": _frame_svg(),
        "code": qr.code_drawing(qr.code_matrix(face.verify_url), colour=_hex(palette.INK)),
        "seal": _seal_svg(face.seal_png) if face.seal_png else "",
    }
    return Document(TEMPLATE, _data(face, layout, fonts), fonts, pictures=pictures)


def _data(face: CertificateFace, layout: Layout, fonts: FontBook) -> dict[str, Any]:
    return {
        "title": TITLES[face.kind],
        "issuer": face.issuer.replace("\n", " "),
        "serial": face.serial,
        "url": face.verify_url,
        "issued": [face.issued_on.year, face.issued_on.month, face.issued_on.day],
        "paper": _hex(palette.CREAM),
        "stamp": _hex(palette.WATERMARK_COLOURS[0]),
        "families": [font.family for font in fonts.faces],
        "lines": [_line(line) for line in layout.lines],
        "code": _place(layout.code),
        "seal": _place(layout.seal) if face.seal_png else None,
        "watermark": None if face.seal_png else _watermark(),
    }


def _line(line: Line) -> dict[str, Any]:
    colour = palette.DEEP_GREEN if line.role == "title" else palette.INK
    return {
        "size": line.size_mm,
        "baseline": line.baseline_mm,
        "tracking": line.setting.tracking_mm,
        "colour": _hex(palette.mix(palette.CREAM, colour, ink_strength(line.role))),
        # a PDF stroke lies half inside the letter; the picture's grows it by the whole width
        "stroke": 2 * stroke_em(line.role) * line.size_mm,
        "spans": [_span(line, span) for span in line.setting.spans],
    }


def _span(line: Line, span: Span) -> list[str | float]:
    # typst cuts the empty half of an opening mark that begins a text; the layout has already decided about it
    trimmed_mm = line.size_mm / 2 if span.text[0] in OPENERS else 0.0
    return [span.text, line.left_mm + span.left_mm + trimmed_mm, span.font_index]


def _watermark() -> list[str | float]:
    return [
        WATERMARK,
        *WATERMARK_CENTRE_MM,
        WATERMARK_SIZE_MM,
        WATERMARK_TURN_DEGREES,
        WATERMARK_TRACKING_EM * WATERMARK_SIZE_MM,
        2 * WATERMARK_STROKE_EM,
    ]


@lru_cache(maxsize=4)
def _scene_svg(silhouette: Silhouette) -> str:
    return _page_svg(art.scene_shapes(silhouette))


@lru_cache(maxsize=1)
def _frame_svg() -> str:
    return _page_svg(art.frame_shapes())


def _page_svg(shapes: tuple[Shape, ...]) -> str:
    return to_svg(shapes, width_mm=PAGE_WIDTH_MM, height_mm=PAGE_HEIGHT_MM)


@lru_cache(maxsize=8)
def _seal_svg(seal_png: bytes) -> str:
    """Wrap the cleaned seal, in the middle of a square, as an SVG: the engine takes pictures as text."""
    width, height = seal_picture(seal_png).size
    side = max(width, height)
    png = base64.b64encode(cleaned_seal_png(seal_png)).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><image x="{(side - width) / 2}" '
        f'y="{(side - height) / 2}" width="{width}" height="{height}" href="data:image/png;base64,{png}"/></svg>'
    )


def _place(box: Box) -> list[float]:
    return [box.left, box.top, box.right - box.left, box.bottom - box.top]


def _hex(colour: palette.Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
