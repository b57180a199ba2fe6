"""QR codes: upper-case alphanumeric, level H, fixed mask, quiet zone of four; each one read back before it leaves."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Final
from xml.sax.saxutils import escape

import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H
from qrcode.util import QRData

from certificates.encoding import bilevel_png

QUIET_ZONE_MODULES = 4
READ_SCALE = 2  # pixels per module when a code is read back
# ISO 18004 only recommends choosing the mask by penalty. A fixed one costs a sixth; that it reads is checked each time.
MASK_PATTERN = 4

_ALPHANUMERIC_MODE: Final = 2  # qrcode.util.MODE_ALPHA_NUM, as a literal for the type checker
_QR_ONLY = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
_BITMAP_ROW = bytes.maketrans(b"\x00\x01", b"\xff\x00")

Reader = Callable[[Image.Image], list[str]]
CodeMatrix = tuple[tuple[bool, ...], ...]  # rows of modules, True is dark, without the quiet zone


class CodeUnreadable(ValueError):
    """The reader does not get back what was written; such a code is never issued."""


def read_codes(picture: Image.Image) -> list[str]:
    """Read the upright codes of a clean picture."""
    found = zxingcpp.read_barcodes(picture, formats=_QR_ONLY, try_rotate=False, try_downscale=False, try_invert=False)
    return [code.text for code in found]


def code_matrix(text: str, *, reader: Reader = read_codes) -> CodeMatrix:
    """Return the modules of the smallest code for ``text`` (letters become capitals), proven readable."""
    return _matrix(text.upper(), reader)


def code_png(text: str, *, scale: int) -> bytes:
    """Return the code as a 1-bit PNG, ``scale`` pixels per module, quiet zone included."""
    matrix = code_matrix(text)
    light = (False,) * QUIET_ZONE_MODULES
    blank = [(False,) * (len(matrix) + 2 * QUIET_ZONE_MODULES)] * QUIET_ZONE_MODULES
    return bilevel_png([*blank, *(light + row + light for row in matrix), *blank], scale=scale)


def code_svg(text: str) -> str:
    """Return the code as an SVG on white, one unit per module, quiet zone included."""
    paper = f'<title>{escape(text.upper())}</title><path fill="#fff" d="M0 0h999v999H0z"/>'
    return code_drawing(code_matrix(text), under=paper)


def code_drawing(matrix: CodeMatrix, *, colour: str = "#000", under: str = "") -> str:
    """Return a code as an SVG without paper, ``under`` drawn first; one unit per module, quiet zone included."""
    side = len(matrix) + 2 * QUIET_ZONE_MODULES
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges" role="img">'
        f'{under}<path stroke="{colour}" d="{code_path(matrix)}"/></svg>'
    )


def code_path(matrix: CodeMatrix) -> str:
    """Return the dark modules as SVG path data to be stroked one unit wide, offset by the quiet zone.

    Each run of a row is one line; moves are relative, which makes it a third of the size of outlined squares.
    """
    return "".join(f"M{QUIET_ZONE_MODULES} {y + QUIET_ZONE_MODULES}.5" + _row_path(row) for y, row in enumerate(matrix))


def _row_path(row: Sequence[bool]) -> str:
    return "".join(f"{'h' if dark else 'm'}{sum(1 for _ in run)}{'' if dark else ' 0'}" for dark, run in groupby(row))


def code_image(matrix: CodeMatrix, *, scale: int, quiet_zone: int = QUIET_ZONE_MODULES) -> Image.Image:
    """Return the code as a grey picture of 0 and 255, ``scale`` pixels per module."""
    side = len(matrix)
    modules = b"".join(bytes(row) for row in matrix).translate(_BITMAP_ROW)
    picture = Image.new("L", (side + 2 * quiet_zone,) * 2, 255)
    picture.paste(Image.frombytes("L", (side, side), modules), (quiet_zone, quiet_zone))
    return picture.resize((picture.width * scale,) * 2, Image.Resampling.NEAREST)


@lru_cache(maxsize=256)
def _matrix(text: str, reader: Reader) -> CodeMatrix:
    if not text or not set(text) <= _ALPHANUMERIC:
        raise ValueError(f"a code holds digits, capitals and $%*+-./: only, not {text!r}")
    code = _encoder(text, version=_smallest_version(len(text)))
    code.make(fit=False)
    matrix = tuple(tuple(bool(module) for module in row) for row in code.modules)
    if reader(code_image(matrix, scale=READ_SCALE)) != [text]:
        raise CodeUnreadable(f"the code for {text!r} does not read back")
    return matrix


@lru_cache(maxsize=64)
def _smallest_version(length: int) -> int:
    """In one mode and level the version depends on the length alone; the search for it costs a fifth of a code."""
    return int(_encoder("A" * length, version=None).best_fit())


def _encoder(text: str, *, version: int | None) -> qrcode.QRCode[Any]:
    code = qrcode.QRCode(version, error_correction=ERROR_CORRECT_H, border=0, mask_pattern=MASK_PATTERN)
    code.add_data(QRData(text.encode(), mode=_ALPHANUMERIC_MODE), optimize=0)
    return code
