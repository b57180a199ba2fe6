"""The certificate as a palette PNG: a cached background, text laid on it as ink levels, one fast encoding."""

from typing import Literal

from PIL import Image, ImageChops

from certificates import qr
from certificates.background import Seal, background, page_size_px, px_per_mm
from certificates.encoding import inked_png
from certificates.faces import CertificateFace
from certificates.fonts import FontBook, font_book
from certificates.glyphs import draw_line
from certificates.layout import CODE, Layout, certificate_layout
from certificates.trees import silhouette_of
from certificates.weights import ink_strength

WidthPx = Literal[877, 1754, 2480]
WIDTHS_PX: tuple[WidthPx, ...] = (877, 1754, 2480)
MIN_MODULE_PX = 2


class CodeTooDense(ValueError):
    """The address is so long that its code cannot be read at this width."""


def draw_certificate(face: CertificateFace, *, width_px: WidthPx, fonts: FontBook | None = None) -> bytes:
    """Return the certificate as PNG; the same face gives the same bytes.

    Raises MissingGlyphs for a character no font has, FaceTooLong for a text without room.
    """
    if width_px not in WIDTHS_PX:
        raise ValueError(f"a certificate is {WIDTHS_PX} pixels wide, not {width_px}")
    book = fonts or font_book()
    layout = certificate_layout(face, fonts=book)
    page = background(
        kind=face.kind,
        width_px=width_px,
        silhouette=silhouette_of(face.species),
        seal=Seal(face.seal_png, layout.seal) if face.seal_png else None,
    )
    ink = _ink(layout, face.verify_url, width_px=width_px, fonts=book)
    return inked_png(page, ink, dots_per_inch=round(25.4 * px_per_mm(width_px)))


def _ink(layout: Layout, verify_url: str, *, width_px: int, fonts: FontBook) -> Image.Image:
    layer = Image.new("L", page_size_px(width_px))
    for line in layout.lines:
        if line.role != "title":  # it is part of the background
            strength = round(255 * ink_strength(line.role))
            draw_line(layer, line, fonts, px_per_mm=px_per_mm(width_px), strength=strength)
    _draw_code(layer, verify_url, px_per_mm(width_px))
    return layer


def _draw_code(layer: Image.Image, verify_url: str, scale: float) -> None:
    matrix = qr.code_matrix(verify_url)
    room = int((CODE.right - CODE.left) * scale)
    module = room // (len(matrix) + 2 * qr.QUIET_ZONE_MODULES)
    if module < MIN_MODULE_PX:
        raise CodeTooDense(f"a code of {len(matrix)} modules has no room in {room} pixels")
    code = ImageChops.invert(qr.code_image(matrix, scale=module, quiet_zone=0))
    margin = (room - code.width) // 2
    layer.paste(code, (round(CODE.left * scale) + margin, round(CODE.top * scale) + margin))
