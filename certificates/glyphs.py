"""Glyphs as small grey pictures, drawn once per size and kept."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from certificates.fonts import FontBook
from certificates.layout import Line
from certificates.weights import stroke_em

TILE_CACHE_SIZE = 6_000  # about 10 MB at the middle width: the characters of a few hundred different certificates
SIZE_STEP_PX = 0.25


@dataclass(frozen=True)
class Tile:
    """Ink of one character, and where its upper left corner lies from the pen."""

    mask: Image.Image
    left_px: int
    top_px: int


def draw_line(layer: Image.Image, line: Line, fonts: FontBook, *, px_per_mm: float, strength: int = 255) -> None:
    """Lay a line's ink on a grey layer (0 bare, 255 full ink)."""
    size_px = round(line.size_mm * px_per_mm / SIZE_STEP_PX) * SIZE_STEP_PX
    baseline_px = round(line.baseline_mm * px_per_mm)
    stroke_px = stroke_em(line.role) * size_px
    for span in line.setting.spans:
        path = fonts.faces[span.font_index].path
        pen_mm = line.left_mm + span.left_mm
        for character in span.text:
            tile = glyph_tile(character, path, size_px, stroke_px)
            spot = (round(pen_mm * px_per_mm) + tile.left_px, baseline_px + tile.top_px)
            layer.paste(strength, (*spot, spot[0] + tile.mask.width, spot[1] + tile.mask.height), tile.mask)
            pen_mm += fonts.advance_em(character) * line.size_mm + line.setting.tracking_mm


@lru_cache(maxsize=TILE_CACHE_SIZE)
def glyph_tile(character: str, path: Path, size_px: float, stroke_px: float) -> Tile:
    """Return one character's ink; a blank has an empty picture."""
    font = _font(path, size_px)
    left, top, right, bottom = font.getbbox(character, anchor="ls", stroke_width=stroke_px)
    box = (int(left) - 1, int(top) - 1, int(right) + 1, int(bottom) + 1)
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(mask).text((-box[0], -box[1]), character, fill=255, font=font, anchor="ls", stroke_width=stroke_px)
    return Tile(mask, box[0], box[1])


@lru_cache(maxsize=64)
def _font(path: Path, size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
