"""Silhouettes of trees: the certificate's grove shows the kind of tree that was pledged."""

import math
from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal

from certificates.palette import BLOSSOM, FRUIT, LEAF, LEAF_DARK, LEAF_LIGHT, TRUNK, Colour
from certificates.shapes import Area, Point, Shape, curve, ellipse

Silhouette = Literal["broad", "conifer", "fruit", "blossom"]

_MARKS: MappingProxyType[Silhouette, tuple[str, ...]] = MappingProxyType(
    {
        "conifer": ("松", "杉", "柏", "罗汉"),
        "fruit": ("荔枝", "龙眼", "柚", "橘", "柑", "橙", "桃", "李", "梅", "杨梅", "橄榄", "枇杷", "黄皮", "芒", "果"),
        "blossom": ("花", "紫荆", "木棉", "凤凰", "风铃", "樱", "紫薇", "玉兰", "含笑", "桂"),
    }
)

# centre (share of height from the foot: x, y), radii, shade
_CROWN: tuple[tuple[float, float, float, float, Colour], ...] = (
    (-0.20, 0.52, 0.20, 0.17, LEAF_DARK),
    (0.21, 0.53, 0.20, 0.17, LEAF_DARK),
    (0.00, 0.60, 0.30, 0.22, LEAF),
    (-0.15, 0.70, 0.19, 0.16, LEAF),
    (0.14, 0.72, 0.19, 0.16, LEAF),
    (0.00, 0.82, 0.20, 0.17, LEAF),
    (-0.08, 0.78, 0.14, 0.11, LEAF_LIGHT),
    (-0.19, 0.64, 0.10, 0.08, LEAF_LIGHT),
    (0.13, 0.67, 0.10, 0.07, LEAF_LIGHT),
)
_DOTS: tuple[tuple[float, float], ...] = (
    (-0.24, 0.55), (-0.10, 0.62), (0.05, 0.54), (0.22, 0.58), (0.16, 0.74), (-0.02, 0.75), (-0.16, 0.76), (0.04, 0.88),
    (0.28, 0.50), (-0.06, 0.50),
)  # fmt: skip


def silhouette_of(species: tuple[str, ...]) -> Silhouette:
    """Choose the silhouette by the first species' name; an unknown one is a broad-leaved tree."""
    name = species[0] if species else ""
    for silhouette, marks in _MARKS.items():
        if any(mark in name for mark in marks):
            return silhouette
    return "broad"


def tree(silhouette: Silhouette, foot: Point, height_mm: float) -> Iterator[Shape]:
    """Return one tree that stands at ``foot``."""
    yield _trunk(foot, height_mm)
    if silhouette == "conifer":
        yield from _conifer(foot, height_mm)
        return
    for x, y, radius_x, radius_y, shade in _CROWN:
        centre = (foot[0] + x * height_mm, foot[1] - y * height_mm)
        yield Area(_cloud(centre, radius_x * height_mm, radius_y * height_mm), shade)
    if silhouette != "broad":
        yield from _dots(silhouette, foot, height_mm)


def _trunk(foot: Point, height_mm: float) -> Area:
    x, y = foot
    wide, narrow, top = 0.045 * height_mm, 0.02 * height_mm, y - 0.55 * height_mm
    return Area(((x - wide, y), (x - narrow, top), (x + narrow, top), (x + wide, y)), TRUNK)


def _cloud(centre: Point, radius_x: float, radius_y: float) -> tuple[Point, ...]:
    """An ellipse with a softly lobed edge: leaves, not a balloon."""

    def place(t: float) -> Point:
        angle = 2 * math.pi * t
        swell = 1 + 0.05 * math.sin(9 * angle + centre[0])
        return centre[0] + radius_x * swell * math.cos(angle), centre[1] + radius_y * swell * math.sin(angle)

    return curve(place, 40)


def _conifer(foot: Point, height_mm: float) -> Iterator[Shape]:
    x, y = foot
    tiers = ((0.16, 0.52, 0.25, LEAF_DARK), (0.36, 0.72, 0.20, LEAF), (0.56, 0.88, 0.15, LEAF), (0.72, 1.0, 0.1, LEAF))
    for bottom, top, half, shade in tiers:
        low, high, wide = y - bottom * height_mm, y - top * height_mm, half * height_mm
        dip = low + 0.04 * height_mm
        yield Area(((x - wide, low), (x, high), (x + wide, low), (x + wide * 0.4, dip), (x - wide * 0.4, dip)), shade)


def _dots(silhouette: Silhouette, foot: Point, height_mm: float) -> Iterator[Shape]:
    radius, colour = (0.028, FRUIT) if silhouette == "fruit" else (0.045, BLOSSOM)
    for x, y in _DOTS:
        centre = (foot[0] + x * height_mm, foot[1] - y * height_mm)
        yield Area(ellipse(centre, radius * height_mm, radius * height_mm, steps=20), colour)
