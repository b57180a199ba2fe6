"""The seal of the issuing authority as an uploaded picture: checked, its white paper taken away."""

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageChops, UnidentifiedImageError

MAX_SEAL_SIDE_PX = 4096
PRINTED_SEAL_SIDE_PX = 472  # 40 mm at 300 dpi; more only makes every PDF heavier


class BadSeal(ValueError):
    """The uploaded seal is no picture that can be stamped."""


@lru_cache(maxsize=8)
def seal_picture(seal_png: bytes) -> Image.Image:
    """Return the seal in RGBA, opaque where there is ink: a scan on white paper works as a cut-out does.

    Callers must not draw into the returned picture; it is shared.
    """
    try:
        picture = Image.open(BytesIO(seal_png), formats=("PNG",))
        if max(picture.size) > MAX_SEAL_SIDE_PX:
            raise BadSeal("印章图片过大")
        rgba = picture.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise BadSeal("印章不是可用的PNG图片") from error
    red, green, blue, alpha = rgba.split()
    # ink is what is darker than white in any channel
    inked = ImageChops.invert(ImageChops.darker(red, ImageChops.darker(green, blue))).point(_stretch)
    rgba.putalpha(ImageChops.multiply(alpha, inked))
    return rgba


def cleaned_seal_png(seal_png: bytes) -> bytes:
    """Return the seal without its paper as PNG, for the PDF."""
    out = BytesIO()
    picture = seal_picture(seal_png).copy()
    picture.thumbnail((PRINTED_SEAL_SIDE_PX, PRINTED_SEAL_SIDE_PX), Image.Resampling.LANCZOS)
    picture.save(out, "PNG")
    return out.getvalue()


def _stretch(darkness: int) -> int:
    """Opaque from two thirds on: a red seal's darkest channel is not fully black."""
    return min(255, max(0, (darkness - 12) * 3 // 2))
