"""What stays the same from certificate to certificate, as palette indices: paper, art, title, 样例 or seal. Cached."""

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFont

from certificates import art, palette
from certificates.encoding import Paper, prepared
from certificates.faces import CertificateKind
from certificates.fonts import font_book
from certificates.glyphs import draw_line
from certificates.layout import PAGE_HEIGHT_MM, PAGE_WIDTH_MM, Box, title_line
from certificates.shapes import STRIP_HEIGHT_PX, Shape, paint_strip
from certificates.stamp import seal_picture
from certificates.trees import Silhouette
from certificates.wording import TITLES, WATERMARK

WATERMARK_SIZE_MM, WATERMARK_TRACKING_EM, WATERMARK_TURN_DEGREES = 62.0, 0.28, 12.0
WATERMARK_STROKE_EM = 0.004
WATERMARK_CENTRE_MM = (PAGE_WIDTH_MM / 2 + 6, 106.0)

_FULL_STAMP, _FAINT_STAMP = (palette.GROUNDS.index(colour) for colour in palette.WATERMARK_COLOURS)


@dataclass(frozen=True)
class Seal:
    """The authority's seal and the place of its stamp."""

    png: bytes
    box: Box


def px_per_mm(width_px: int) -> float:
    """Pixels per millimetre of an A4 landscape picture."""
    return width_px / PAGE_WIDTH_MM


def page_size_px(width_px: int) -> tuple[int, int]:
    """Width and height of the picture: 877 × 620, 1754 × 1240, 2480 × 1754."""
    return width_px, round(width_px * PAGE_HEIGHT_MM / PAGE_WIDTH_MM)


@lru_cache(maxsize=6)
def background(*, kind: CertificateKind, width_px: int, silhouette: Silhouette, seal: Seal | None) -> Paper:
    """Return the certificate without its own texts, prepared for ink. Shared: never drawn into.

    Without a seal the face bears 样例.
    """
    if seal is None:
        page = _scene(width_px, silhouette).copy()
        _watermark(page, width_px)
    else:
        page = _stamped(_scene(width_px, silhouette), seal, px_per_mm(width_px))
    frame = _frame(kind, width_px)
    page.paste(frame, (0, 0), frame.point(lambda index: 255 if index else 0))
    return prepared(page)


@lru_cache(maxsize=6)
def _scene(width_px: int, silhouette: Silhouette) -> Image.Image:
    page = Image.new("L", page_size_px(width_px))
    for top, strip in _strips(art.scene_shapes(silhouette), width_px):
        page.paste(palette.scene_indices(strip), (0, top))
    return page


@lru_cache(maxsize=6)
def _frame(kind: CertificateKind, width_px: int) -> Image.Image:
    page = Image.new("L", page_size_px(width_px))
    for top, strip in _strips(art.frame_shapes(), width_px):
        page.paste(palette.frame_indices(strip), (0, top))
    fonts = font_book()
    ink = Image.new("L", page.size)
    draw_line(ink, title_line(TITLES[kind], fonts), fonts, px_per_mm=px_per_mm(width_px))
    page.paste(
        ink.point(palette.title_index), (0, 0), ink.point(lambda level: 255 if palette.title_index(level) else 0)
    )
    return page


def _strips(shapes: tuple[Shape, ...], width_px: int) -> list[tuple[int, Image.Image]]:
    height = page_size_px(width_px)[1]
    tops = range(0, height, STRIP_HEIGHT_PX)
    return [
        (
            top,
            paint_strip(
                shapes,
                width_px=width_px,
                px_per_mm=px_per_mm(width_px),
                top_px=top,
                height_px=min(STRIP_HEIGHT_PX, height - top),
            ),
        )
        for top in tops
    ]


def _watermark(page: Image.Image, width_px: int) -> None:
    ink = _watermark_ink(width_px)
    centre_x, centre_y = (round(mm * px_per_mm(width_px)) for mm in WATERMARK_CENTRE_MM)
    spot = (centre_x - ink.width // 2, centre_y - ink.height // 2)
    for threshold, ground in ((80, _FAINT_STAMP), (176, _FULL_STAMP)):
        page.paste(
            ground * palette.INK_LEVELS,
            (*spot, spot[0] + ink.width, spot[1] + ink.height),
            ink.point(lambda level, threshold=threshold: 255 if level >= threshold else 0),
        )


def _watermark_ink(width_px: int) -> Image.Image:
    size = WATERMARK_SIZE_MM * px_per_mm(width_px)
    font = ImageFont.truetype(str(font_book().faces[0].path), size)
    pitch = (1 + WATERMARK_TRACKING_EM) * size
    ink = Image.new("L", (round(pitch * len(WATERMARK)), round(1.4 * size)))
    pen = ImageDraw.Draw(ink)
    for index, character in enumerate(WATERMARK):
        pen.text(
            (pitch * (index + 0.5), 0.7 * size),
            character,
            fill=255,
            font=font,
            anchor="mm",
            stroke_width=WATERMARK_STROKE_EM * size,
        )
    return ink.rotate(WATERMARK_TURN_DEGREES, Image.Resampling.BICUBIC, expand=True)


def _stamped(scene: Image.Image, seal: Seal, scale: float) -> Image.Image:
    """Press the seal on the paper; the certificate's text later stands over it, as dark ink and red ink do."""
    spot = (round(seal.box.left * scale), round(seal.box.top * scale))
    side = round((seal.box.right - seal.box.left) * scale)
    page = scene.copy()
    under = palette.ground_picture(page.crop((*spot, spot[0] + side, spot[1] + side)))
    stamp = fitted(seal_picture(seal.png), side)
    paper = Image.new("RGBA", under.size, (255, 255, 255, 255))
    paper.alpha_composite(stamp)
    page.paste(palette.scene_indices(ImageChops.multiply(under, paper.convert("RGB"))), spot)
    return page


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture shrunk or grown into the middle of a transparent square."""
    scale = side / max(picture.size)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    square = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    square.paste(picture.resize(size, Image.Resampling.LANCZOS), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
