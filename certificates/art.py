"""The certificate's own art: a guilloche border, an ornament under the title, hills with trees of the pledged kind.

Everything is computed; nothing is taken from, or looks like, the national certificate.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from certificates.layout import FRAME, FRAME_INSET_MM, ORNAMENT, PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from certificates.palette import CREAM, DEEP_GREEN, GOLD, GREEN, HILL_FAR, HILL_MID, HILL_NEAR, SUN
from certificates.shapes import Area, Point, Shape, Stroke, curve, ellipse, rectangle
from certificates.trees import Silhouette, tree

BAND_CENTRE_MM, BAND_AMPLITUDE_MM = 12.7, 2.9
BRAID_STRANDS = 6
BRAID_WAVE_MM = 15.0
CORNER_RADIUS_MM = 5.4

Side = Literal["top", "bottom", "left", "right"]

# x of the foot, height and share of leaf dark: a grove between code and seal, a few far trees at the edges
_GROVE: tuple[tuple[float, float], ...] = (
    (101.0, 10.5),
    (146.5, 11.0),
    (110.5, 15.0),
    (157.0, 9.0),
    (137.5, 16.5),
    (123.5, 21.0),
)
_FAR_TREES: tuple[tuple[float, float], ...] = ((266.5, 8.0), (272.5, 6.0), (25.5, 6.5))


@lru_cache(maxsize=1)
def frame_shapes() -> tuple[Shape, ...]:
    """Border, corners and the ornament under the title: no text ever stands on them."""
    return (*_rules(), *_braids(), *_corners(), *_ornament())


@lru_cache(maxsize=8)
def scene_shapes(silhouette: Silhouette) -> tuple[Shape, ...]:
    """The quiet landscape in the lowest fifth, inside the border."""
    far = _hill(HILL_FAR, 178.5, ((4.2, 118.0, 0.9), (1.6, 47.0, 2.2)))
    middle = _hill(HILL_MID, 183.0, ((3.0, 150.0, 3.4), (1.0, 60.0, 0.4)))
    near = _hill(HILL_NEAR, 187.6, ((1.8, 190.0, 1.0), (0.5, 70.0, 0.0)))
    sun = Area(ellipse((91.5, 174.0), 6.5, 6.5), SUN)
    distant = (shape for x, height in _FAR_TREES for shape in tree(silhouette, (x, _ground(x) + 1.0), height))
    grove = (shape for x, height in _GROVE for shape in tree(silhouette, (x, _ground(x) + 2.5), height))
    return (sun, far, middle, *distant, near, *grove)


def _ground(x: float) -> float:
    return _wave(x, 187.6, ((1.8, 190.0, 1.0), (0.5, 70.0, 0.0)))


def _wave(x: float, level: float, waves: tuple[tuple[float, float, float], ...]) -> float:
    return level + sum(height * math.sin(2 * math.pi * x / length + phase) for height, length, phase in waves)


def _hill(colour: tuple[int, int, int], level: float, waves: tuple[tuple[float, float, float], ...]) -> Area:
    width = FRAME.right - FRAME.left
    ridge = curve(lambda t: (FRAME.left + t * width, _wave(FRAME.left + t * width, level, waves)), 160)
    return Area((*ridge, (FRAME.right, FRAME.bottom), (FRAME.left, FRAME.bottom)), colour)


def _rules() -> Iterator[Shape]:
    rules = ((7.0, 0.9, DEEP_GREEN), (8.5, 0.22, GREEN), (16.9, 0.22, GREEN), (FRAME_INSET_MM - 0.3, 0.55, GOLD))
    for inset, width, colour in rules:
        # butt ends leave a notch where a closed line begins, so it runs on a little
        corners = rectangle(inset, inset, PAGE_WIDTH_MM - inset, PAGE_HEIGHT_MM - inset)
        yield Stroke((*corners, (inset + 1.0, inset)), colour, width)


def _braids() -> Iterator[Shape]:
    for side in ("top", "bottom", "left", "right"):
        for strand in range(BRAID_STRANDS):
            for hand in (1, -1):
                yield Stroke(_strand(side, strand * math.pi / BRAID_STRANDS, hand), GREEN, 0.17)


def _strand(side: Side, phase: float, hand: int) -> tuple[Point, ...]:
    """One thread of the braid along a side; a whole number of waves lets all four corners look the same."""
    across = side in {"top", "bottom"}
    length = (PAGE_WIDTH_MM if across else PAGE_HEIGHT_MM) - 2 * BAND_CENTRE_MM
    waves = round(length / BRAID_WAVE_MM)

    def place(t: float) -> Point:
        turn = 2 * math.pi * waves * t
        swing = math.sin(turn / 2 + phase) * (0.74 + 0.26 * math.cos(turn))
        along, off = BAND_CENTRE_MM + t * length, hand * BAND_AMPLITUDE_MM * swing
        near = BAND_CENTRE_MM + off
        return {
            "top": (along, near),
            "bottom": (along, PAGE_HEIGHT_MM - near),
            "left": (near, along),
            "right": (PAGE_WIDTH_MM - near, along),
        }[side]

    return curve(place, waves * 14)


def _corners() -> Iterator[Shape]:
    far_x, far_y = PAGE_WIDTH_MM - BAND_CENTRE_MM, PAGE_HEIGHT_MM - BAND_CENTRE_MM
    for centre in ((BAND_CENTRE_MM, BAND_CENTRE_MM), (far_x, BAND_CENTRE_MM), (BAND_CENTRE_MM, far_y), (far_x, far_y)):
        yield from _rosette(centre)


def _rosette(centre: Point) -> Iterator[Shape]:
    yield Area(ellipse(centre, CORNER_RADIUS_MM, CORNER_RADIUS_MM), CREAM)
    for radius, width, colour in ((5.4, 0.5, DEEP_GREEN), (4.75, 0.18, GREEN)):
        yield Stroke(ellipse(centre, radius, radius, steps=96), colour, width)
    for turn in range(6):
        yield Stroke(_rose(centre, turn * math.pi / 24), GREEN, 0.14)
    for leaf in range(8):
        yield Area(_leaf(centre, leaf * math.pi / 4, 2.5, 0.62), GOLD)
    yield Area(ellipse(centre, 0.55, 0.55), DEEP_GREEN)


def _rose(centre: Point, phase: float) -> tuple[Point, ...]:
    def place(t: float) -> Point:
        angle = 2 * math.pi * t
        radius = 3.45 + 1.1 * math.sin(8 * angle + 8 * phase)
        return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)

    return curve(place, 112)


def _ornament() -> Iterator[Shape]:
    """A gold line that thins out on both sides of a sprig."""
    middle_x, middle_y = PAGE_WIDTH_MM / 2, (ORNAMENT.top + ORNAMENT.bottom) / 2
    for hand in (1, -1):
        inner, outer = middle_x + hand * 8.5, middle_x + hand * 33.0
        yield Area(((inner, middle_y - 0.28), (outer, middle_y), (inner, middle_y + 0.28)), GOLD)
        for angle, length in ((0.0, 6.6), (0.62, 4.2), (-0.62, 4.2)):
            turn = angle if hand > 0 else math.pi - angle
            yield Area(_leaf((middle_x, middle_y), turn, length, 0.72), GREEN)
    yield Area(_leaf((middle_x, middle_y + 0.6), -math.pi / 2, 2.6, 0.62), GREEN)
    yield Area(ellipse((middle_x, middle_y), 0.72, 0.72), GOLD)


def _leaf(base: Point, angle: float, length: float, half_width: float) -> tuple[Point, ...]:
    """A pointed leaf that grows from ``base`` in the direction of ``angle``."""

    def place(t: float) -> Point:
        out = t * 2 if t <= 0.5 else 2 - t * 2  # noqa: PLR2004
        side = half_width * math.sin(math.pi * out**0.85) * (1 if t <= 0.5 else -1)  # noqa: PLR2004
        along = length * out
        return (
            base[0] + along * math.cos(angle) - side * math.sin(angle),
            base[1] + along * math.sin(angle) + side * math.cos(angle),
        )

    return curve(place, 32)
