"""A palette PNG of which most rows never change: their deflated strips are made once and spliced into each file.

A strip ends on a full flush, so that strips deflated apart join to one valid stream; the stream's Adler-32 is combined
from those of the strips. Pillow's own encoder would deflate every row again, for twice the time.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops

from certificates import palette

STRIP_ROWS = 24
FIXED_LEVEL = 9  # paid once
BILEVEL_LEVEL = 6  # level 9 searches three times as long for a tenth
FRESH_LEVEL = 3  # as fast as level 1 on flat colours, and smaller; 4 begins to search and costs half as much again

_ADLER_BASE = 65521
_ZLIB_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"  # an empty final block
_GREY_COLOUR_TYPE, _PALETTE_COLOUR_TYPE = 0, 3


@dataclass(frozen=True)
class Strip:
    """Some deflated rows: raw deflate that ends on a full flush, checksum and length before deflating."""

    deflated: bytes
    adler: int
    length: int


@dataclass(frozen=True)
class Paper:
    """A page of palette indices prepared for splicing.

    ``rows`` is one pixel wider than the page: its first column is the filter byte (0, none) of each PNG row.
    """

    rows: Image.Image
    strips: tuple[Strip, ...]


def prepared(indices: Image.Image) -> Paper:
    """Prepare a page (mode L) whose strips will be used again and again."""
    rows = indices.crop((-1, 0, indices.width, indices.height))
    return Paper(rows, tuple(_deflate(rows.crop(box), FIXED_LEVEL) for box in _boxes(rows)))


def inked_png(paper: Paper, ink: Image.Image, *, dots_per_inch: int) -> bytes:
    """Return the page with ink (mode L, 0 bare to 255 full) as PNG; only strips that bear ink are deflated anew."""
    strips = []
    for box, fixed in zip(_boxes(paper.rows), paper.strips, strict=True):
        layer = ink.crop((box[0] - 1, box[1], box[2] - 1, box[3]))
        if layer.getbbox() is None:
            strips.append(fixed)
        else:
            inked = ImageChops.add(paper.rows.crop(box), layer.point(palette.INK_LEVEL_OF))
            strips.append(_deflate(inked, FRESH_LEVEL))
    return _png(strips, (paper.rows.width - 1, paper.rows.height), dots_per_inch)


def _boxes(rows: Image.Image) -> list[tuple[int, int, int, int]]:
    tops = range(0, rows.height, STRIP_ROWS)
    return [(0, top, rows.width, min(top + STRIP_ROWS, rows.height)) for top in tops]


def _deflate(rows: Image.Image, level: int) -> Strip:
    raw = rows.tobytes()
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return Strip(packer.compress(raw) + packer.flush(zlib.Z_FULL_FLUSH), zlib.adler32(raw), len(raw))


def bilevel_png(rows: Sequence[Sequence[bool]], *, scale: int) -> bytes:
    """Return rows of dark (True) and light squares as a 1-bit PNG, ``scale`` pixels a square."""
    side = (len(rows[0]) * scale, len(rows) * scale)
    # a repeated row differs from the one above it by nothing: PNG's filter 2 makes it zeros
    again = (b"\x02" + bytes((side[0] + 7) // 8)) * (scale - 1)
    raw = b"".join(b"\x00" + _packed(row, scale) + again for row in rows)
    header = struct.pack(">IIBBBBB", *side, 1, _GREY_COLOUR_TYPE, 0, 0, 0)
    return _file((_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(raw, BILEVEL_LEVEL))))


def _packed(row: Sequence[bool], scale: int) -> bytes:
    light_and_dark = ("1" * scale, "0" * scale)
    bits = "".join([light_and_dark[dark] for dark in row])
    padded = bits + "0" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8)


def _png(strips: list[Strip], size: tuple[int, int], dots_per_inch: int) -> bytes:
    dots_per_metre = round(dots_per_inch / 0.0254)
    stream = (_ZLIB_HEADER, *(strip.deflated for strip in strips), _LAST_BLOCK, struct.pack(">I", _adler(strips)))
    return _file(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, _PALETTE_COLOUR_TYPE, 0, 0, 0)),
            _chunk(b"PLTE", palette.palette_bytes()),
            _chunk(b"pHYs", struct.pack(">IIB", dots_per_metre, dots_per_metre, 1)),
            _chunk(b"IDAT", b"".join(stream)),
        )
    )


def _file(chunks: Iterable[bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def _adler(strips: list[Strip]) -> int:
    """Combine checksums of consecutive pieces (zlib's adler32_combine, which Python does not offer)."""
    low, high = 1, 0
    for strip in strips:
        high = (high + (strip.adler >> 16) + strip.length * (low - 1)) % _ADLER_BASE
        low = (low + (strip.adler & 0xFFFF) - 1) % _ADLER_BASE
    return high << 16 | low
