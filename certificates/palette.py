"""The certificate's 220 flat colours, numbered so that laying ink on the picture is one addition.

A *ground* (paper, hills, trees, seal) with number g is the index ``8 g``; ``8 g + n`` is the same ground under n
sevenths of ink. Text is thus drawn by adding ink levels to the indices. Frame colours follow and never carry text.
"""

from functools import lru_cache

from PIL import Image

Colour = tuple[int, int, int]

INK_LEVELS = 8
CREAM: Colour = (253, 250, 240)
INK: Colour = (27, 38, 32)
DEEP_GREEN: Colour = (18, 80, 46)
GREEN: Colour = (27, 122, 63)
GOLD: Colour = (184, 146, 62)
SEAL_RED: Colour = (200, 32, 40)


def mix(ground: Colour, over: Colour, share: float) -> Colour:
    """Lay ``over`` on ``ground`` with an opacity of ``share``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(ground, over, strict=True))
    return red, green, blue


# The landscape stays below 35 % strength: text and seal read over it
SUN = mix(CREAM, (240, 190, 70), 0.22)
HILL_FAR = mix(CREAM, GREEN, 0.07)
HILL_MID = mix(CREAM, GREEN, 0.13)
HILL_NEAR = mix(CREAM, GREEN, 0.20)
LEAF_LIGHT = mix(CREAM, (60, 150, 70), 0.28)
LEAF = mix(CREAM, (40, 135, 65), 0.34)
LEAF_DARK = mix(CREAM, (15, 95, 50), 0.35)
TRUNK = mix(CREAM, (110, 80, 40), 0.35)
BLOSSOM = mix(CREAM, (225, 80, 110), 0.30)
FRUIT = mix(CREAM, (215, 60, 40), 0.35)
WATERMARK_COLOURS = (mix(CREAM, SEAL_RED, 0.12), mix(CREAM, SEAL_RED, 0.06))  # full, and its softened edge

_STAMP_SHARES = (0.06, 0.12, 0.26, 0.42, 0.58, 0.72, 0.86, 1.0)
GROUNDS: tuple[Colour, ...] = (
    CREAM,
    SUN,
    HILL_FAR,
    HILL_MID,
    HILL_NEAR,
    LEAF_LIGHT,
    LEAF,
    LEAF_DARK,
    TRUNK,
    BLOSSOM,
    FRUIT,
    mix(CREAM, HILL_FAR, 0.5),
    mix(HILL_NEAR, LEAF, 0.5),
    mix(CREAM, LEAF, 0.45),
    *(mix(CREAM, SEAL_RED, share) for share in _STAMP_SHARES),
)
FIRST_FRAME_INDEX = len(GROUNDS) * INK_LEVELS


def _ramp(colour: Colour, steps: int) -> tuple[Colour, ...]:
    return tuple(mix(CREAM, colour, (step + 1) / steps) for step in range(steps))


TITLE_STEPS = 16
FRAME_COLOURS: tuple[Colour, ...] = (*_ramp(DEEP_GREEN, TITLE_STEPS), *_ramp(GREEN, 14), *_ramp(GOLD, 14))
INK_LEVEL_OF = [round(grey * (INK_LEVELS - 1) / 255) for grey in range(256)]
COLOUR_COUNT = FIRST_FRAME_INDEX + len(FRAME_COLOURS)


@lru_cache(maxsize=1)
def palette_bytes() -> bytes:
    """Return the palette as PNG wants it: red, green, blue of every index."""
    inked = (mix(ground, INK, level / (INK_LEVELS - 1)) for ground in GROUNDS for level in range(INK_LEVELS))
    return bytes(channel for colour in (*inked, *FRAME_COLOURS) for channel in colour)


def scene_indices(picture: Image.Image) -> Image.Image:
    """Map an RGB picture to the nearest grounds, as indices in mode L."""
    return _nearest(picture, GROUNDS).point([8 * min(g, len(GROUNDS) - 1) for g in range(256)])


def frame_indices(picture: Image.Image) -> Image.Image:
    """Map an RGB picture of the frame to its colours; 0 where it is bare paper."""
    shift = [0] + [FIRST_FRAME_INDEX + min(c, len(FRAME_COLOURS) - 1) for c in range(255)]
    return _nearest(picture, (CREAM, *FRAME_COLOURS)).point(shift)


def ground_picture(indices: Image.Image) -> Image.Image:
    """Return indices of bare grounds as RGB."""
    picture = indices.copy()
    picture.putpalette(palette_bytes())
    return picture.convert("RGB")


def title_index(grey: int) -> int:
    """Index of deep green at this coverage; 0 where there is none."""
    step = round(grey * TITLE_STEPS / 255)
    return FIRST_FRAME_INDEX + step - 1 if step else 0


def _nearest(picture: Image.Image, colours: tuple[Colour, ...]) -> Image.Image:
    key = Image.new("P", (1, 1))
    key.putpalette(bytes(channel for colour in colours for channel in colour))
    mapped = picture.quantize(palette=key, dither=Image.Dither.NONE)
    return Image.frombytes("L", mapped.size, mapped.tobytes())
