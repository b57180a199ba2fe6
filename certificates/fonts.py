"""Which font draws which character. A character that no font covers is refused, never drawn as a box."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import uharfbuzz as hb

# Debian's fonts-hanazono: with it every character of GB18030-2022 level 3 is covered
HANAZONO_DIR = Path("/usr/share/fonts/truetype/hanazono")
FONT_SUFFIXES = frozenset({".otf", ".ttf"})
NAME_DOT = "\N{MIDDLE DOT}"

_DOTS = dict.fromkeys(map(ord, "•・･‧∙⋅·᛫"), NAME_DOT)


class MissingGlyphs(ValueError):
    """No font at hand has these characters; ``characters`` names them."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        self.characters = characters
        named = "、".join(f"{character}（U+{ord(character):04X}）" for character in characters)
        super().__init__(f"缺字：{named}")


@dataclass(frozen=True, eq=False)
class FontFace:
    """One font file with its coverage and advances."""

    family: str
    path: Path
    coverage: frozenset[int] | hb.Set
    shaper: hb.Font
    units_per_em: int

    def advance_em(self, character: str) -> float:
        """Return the advance of one covered character in ems."""
        glyph = self.shaper.get_nominal_glyph(ord(character))
        return float(self.shaper.get_glyph_h_advance(glyph)) / self.units_per_em


@dataclass(frozen=True, eq=False)
class FontBook:
    """Fonts in the order in which they are asked for a character."""

    faces: tuple[FontFace, ...]

    def face_index(self, character: str) -> int | None:
        """Return the first font that covers a character, or None."""
        return _face_index(self, character)

    def advance_em(self, character: str) -> float:
        """Return the advance of a character in the font that draws it."""
        return _advance_em(self, character)

    def missing(self, text: str) -> tuple[str, ...]:
        """Return each character of ``text`` that no font covers, once, in order."""
        return tuple(character for character in dict.fromkeys(text) if self.face_index(character) is None)

    def require(self, text: str) -> None:
        """Raise MissingGlyphs unless every character is covered."""
        if missing := self.missing(text):
            raise MissingGlyphs(missing)

    def runs(self, text: str) -> Iterator[tuple[int, str]]:
        """Split text into runs of one font each: (index of the font, run)."""
        self.require(text)
        start = 0
        indices = [self.face_index(character) or 0 for character in text]
        for end in range(1, len(text) + 1):
            if end == len(text) or indices[end] != indices[start]:
                yield indices[start], text[start:end]
                start = end


@lru_cache(maxsize=4)
def font_book(extra_dir: Path | None = None) -> FontBook:
    """Return the fonts of this machine: the packaged serif, then ``extra_dir``, then Hanazono if installed."""
    paths = [pylopdf_fonts_zh_cn.serif_path(), *_font_files(extra_dir), *_font_files(HANAZONO_DIR)]
    return FontBook(tuple(open_face(Path(path)) for path in paths))


def missing_glyphs(text: str, *, fonts: FontBook | None = None) -> tuple[str, ...]:
    """Return the characters of ``text`` that cannot be printed; empty when all can."""
    return (fonts or font_book()).missing(text)


def normalise_name(name: str) -> str:
    """Trim a name, make its blanks single and its dots (•・‧…) the U+00B7 of identity cards."""
    return " ".join(name.translate(_DOTS).split())


def _font_files(folder: Path | None) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in FONT_SUFFIXES)


def open_face(path: Path) -> FontFace:
    """Open one font file; only its tables of coverage and advances are read."""
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    family = face.get_name(hb.OTNameIdPredefined.FONT_FAMILY) or path.stem
    return FontFace(family, path, face.unicodes, hb.Font(face), face.upem)


@lru_cache(maxsize=20_000)
def _face_index(book: FontBook, character: str) -> int | None:
    # marks that combine need shaping that the picture does not do; fonts may cover them all the same
    if not character.isprintable() or unicodedata.category(character).startswith("M"):
        return None
    code_point = ord(character)
    return next((index for index, face in enumerate(book.faces) if code_point in face.coverage), None)


@lru_cache(maxsize=20_000)
def _advance_em(book: FontBook, character: str) -> float:
    index = book.face_index(character)
    if index is None:
        raise MissingGlyphs((character,))
    return book.faces[index].advance_em(character)
