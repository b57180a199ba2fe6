"""How bold and how dark each kind of line is. No serif bold is packaged: a thin stroke around the glyph makes it."""

from collections.abc import Mapping
from types import MappingProxyType

from certificates.layout import Role

_STROKES_EM: Mapping[Role, float] = MappingProxyType({"title": 0.017, "name": 0.007, "issuer": 0.006, "issued": 0.006})
_STRENGTHS: Mapping[Role, float] = MappingProxyType({"label": 0.72, "note": 0.86, "caption": 0.72, "serial": 0.78})


def stroke_em(role: Role) -> float:
    """Width of the stroke around a glyph, in ems; it grows the letter by this on each side."""
    return _STROKES_EM.get(role, 0.0)


def ink_strength(role: Role) -> float:
    """Opacity of the ink: secondary lines are lighter."""
    return _STRENGTHS.get(role, 1.0)
