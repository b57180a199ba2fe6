"""A picture that came from outside, seen to be one before anybody is shown it."""

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from wxbackend.core.errors import UpstreamFailed

#: WeChat draws codes of at most 1280 pixels; whatever is larger is not one.
WIDEST_PX = 2000


class NotAPicture(UpstreamFailed):
    code, title = "not-a-picture", "微信返回的小程序码不是图片，请稍后再试"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, and what it is known by."""

    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def checked(data: bytes) -> Picture:
    """The bytes as a PNG, whatever WeChat drew; decoded once to its last line. Raises ``NotAPicture``."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            if max(image.size) > WIDEST_PX or image.width != image.height:
                raise NotAPicture
            image.load()
            return Picture(data if image.format == "PNG" else _as_png(image))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NotAPicture from error


def _as_png(image: Image.Image) -> bytes:
    drawn = BytesIO()
    image.convert("RGB").save(drawn, "PNG")
    return drawn.getvalue()
