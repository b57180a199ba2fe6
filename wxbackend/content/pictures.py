"""Uploaded pictures: what they may be, and how they are made harmless. Pure."""

import struct
import warnings
from io import BytesIO

from PIL import Image, ImageOps

from wxbackend.core.errors import InvalidInput

MAX_BYTES = 2_000_000
MAX_PIXELS = 25_000_000
EDGE_PX = 512
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP")
MIMETYPE = "image/jpeg"
#: A photograph with a smaller copy of itself behind it, as some phones write them: the first frame is the picture.
WITH_PREVIEW = "MPO"
#: Everything that a broken file makes Pillow raise.
BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, MemoryError, struct.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


class BadPicture(InvalidInput):
    code, title = "bad-picture", "图片无法使用，请上传 JPEG、PNG 或 WebP 格式的静态图片"


def recoded(data: bytes) -> bytes:
    """The pixels of ``data``, upright, at most 512 px wide and high, as a JPEG of nothing but pixels.

    Neither place nor time nor maker of the original is left. Raises ``BadPicture``; a size beyond ``MAX_PIXELS`` is
    refused before a single pixel is unpacked.
    """
    try:
        with warnings.catch_warnings():
            # Of notes on a picture that Pillow skips. Two desks may leave this filter behind: it is meant for all.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return _encoded(_small(data))
    except BROKEN as error:
        raise BadPicture from error


def _small(data: bytes) -> Image.Image:
    if _declared_pixels(data) > MAX_PIXELS:
        raise BadPicture("图片尺寸过大")
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise BadPicture("图片尺寸过大")
        if getattr(picture, "n_frames", 1) > 1 and picture.format != WITH_PREVIEW:
            raise BadPicture("请不要上传动态图片")
        picture.draft("RGB", (EDGE_PX, EDGE_PX))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((EDGE_PX, EDGE_PX))
        return upright.convert("RGBA")


def _declared_pixels(data: bytes) -> int:
    """What a WebP's first chunk says of its canvas: its reader takes memory for all of it as soon as it is opened."""
    if data[8:12] != b"WEBP":
        return 0
    match data[12:16]:
        case b"VP8X":
            width, height = int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width * height


def _encoded(picture: Image.Image) -> bytes:
    """Pasted onto a fresh white sheet: comments and profiles ride on the old one."""
    sheet = Image.new("RGB", picture.size, "white")
    sheet.paste(picture, mask=picture.getchannel("A"))
    file = BytesIO()
    sheet.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
