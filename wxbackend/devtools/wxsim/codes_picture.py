"""The picture of a mini-program code: round, as WeChat's are, and, as WeChat's are, readable by WeChat alone.

Its spokes are a hash of what the code says, so that two codes differ; the words themselves stand in the file's comment.
"""

import hashlib
import math
from io import BytesIO

from PIL import Image, ImageDraw, PngImagePlugin

SPOKES = 72
RINGS = 8
INNER = 0.22
OUTER = 0.46


def draw_code(words: str, *, width_px: int, hyaline: bool) -> bytes:
    """JPEG, or PNG without a background when ``hyaline``."""
    bits = _bits(words)
    picture = Image.new("RGBA", (width_px, width_px), (255, 255, 255, 0 if hyaline else 255))
    pen = ImageDraw.Draw(picture)
    middle, step = width_px / 2, (OUTER - INNER) * width_px / RINGS
    for spoke in range(SPOKES):
        angle = 2 * math.pi * spoke / SPOKES
        for ring in range(RINGS):
            if bits[spoke * RINGS + ring]:
                _dot(pen, middle, angle=angle, distance=INNER * width_px + ring * step, radius=step / 3)
    hub = INNER * width_px * 0.7
    pen.ellipse((middle - hub, middle - hub, middle + hub, middle + hub), outline=(0, 0, 0, 255), width=4)
    return _encode(picture, words, hyaline=hyaline)


def _bits(words: str) -> list[bool]:
    stream = hashlib.shake_128(words.encode()).digest(SPOKES * RINGS // 8)
    return [bool(byte >> shift & 1) for byte in stream for shift in range(8)]


def _dot(pen: ImageDraw.ImageDraw, middle: float, *, angle: float, distance: float, radius: float) -> None:
    x, y = middle + distance * math.cos(angle), middle + distance * math.sin(angle)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(0, 0, 0, 255))


def _encode(picture: Image.Image, words: str, *, hyaline: bool) -> bytes:
    out = BytesIO()
    if hyaline:
        facts = PngImagePlugin.PngInfo()
        facts.add_text("comment", words)
        picture.save(out, "PNG", pnginfo=facts)
    else:
        picture.convert("RGB").save(out, "JPEG", quality=80, comment=words.encode())
    return out.getvalue()
