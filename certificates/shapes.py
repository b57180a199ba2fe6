"""A drawing of flat-coloured shapes in millimetres, written as SVG or painted as a smooth picture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from certificates.palette import CREAM, Colour

Point = tuple[float, float]
SUPERSAMPLING = 4
STRIP_HEIGHT_PX = 64  # pictures are painted in strips, so that a large one needs no large canvas


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    colour: Colour


@dataclass(frozen=True)
class Stroke:
    """A line through points."""

    points: tuple[Point, ...]
    colour: Colour
    width_mm: float


Shape = Area | Stroke


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    """Return a closed rectangle's corners."""
    return ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))


def ellipse(centre: Point, radius_x: float, radius_y: float, *, steps: int = 48) -> tuple[Point, ...]:
    """Return a closed ellipse as points."""
    return curve(
        lambda turn: (
            centre[0] + radius_x * math.cos(2 * math.pi * turn),
            centre[1] + radius_y * math.sin(2 * math.pi * turn),
        ),
        steps,
    )


def curve(place: Callable[[float], Point], steps: int) -> tuple[Point, ...]:
    """Return the points of a curve given over 0 … 1."""
    return tuple(place(step / steps) for step in range(steps + 1))


def to_svg(shapes: Sequence[Shape], *, width_mm: float, height_mm: float) -> str:
    """Write shapes as an SVG of the given size; its user unit is the millimetre."""
    body = "".join(_svg_path(shape) for shape in shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm:g}mm" height="{height_mm:g}mm" '
        f'viewBox="0 0 {width_mm:g} {height_mm:g}">{body}</svg>'
    )


def paint_strip(
    shapes: Sequence[Shape], *, width_px: int, px_per_mm: float, top_px: int, height_px: int
) -> Image.Image:
    """Paint the rows from ``top_px`` on over cream paper, in RGB, smoothed by supersampling."""
    scale = px_per_mm * SUPERSAMPLING
    canvas = Image.new("RGB", (width_px * SUPERSAMPLING, height_px * SUPERSAMPLING), CREAM)
    pen = ImageDraw.Draw(canvas)
    top, bottom = top_px / px_per_mm, (top_px + height_px) / px_per_mm
    for shape in shapes:
        if _reaches(shape, top, bottom):
            _paint(pen, shape, scale=scale, top_mm=top)
    return canvas.reduce(SUPERSAMPLING)


def _reaches(shape: Shape, top_mm: float, bottom_mm: float) -> bool:
    rows = [y for _, y in shape.points]
    margin = shape.width_mm if isinstance(shape, Stroke) else 0.0
    return min(rows) - margin <= bottom_mm and max(rows) + margin >= top_mm


def _paint(pen: ImageDraw.ImageDraw, shape: Shape, *, scale: float, top_mm: float) -> None:
    points = [(x * scale, (y - top_mm) * scale) for x, y in shape.points]
    if isinstance(shape, Area):
        pen.polygon(points, fill=shape.colour)
    else:
        pen.line(points, fill=shape.colour, width=max(round(shape.width_mm * scale), 1), joint="curve")


def _svg_path(shape: Shape) -> str:
    data = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in shape.points)
    colour = "#{:02x}{:02x}{:02x}".format(*shape.colour)
    if isinstance(shape, Area):
        return f'<path d="{data}Z" fill="{colour}"/>'
    return f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{shape.width_mm:g}" stroke-linejoin="round"/>'
