"""Chinese line breaking (禁则) and positions. All lengths in millimetres; advances come from the fonts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from certificates.fonts import FontBook

OPENERS = frozenset("（《“‘〈「『【〔")
CLOSERS = frozenset("，。、；：？！）》”’〉」』】〕")
MAX_STRETCH_EM = 0.12  # a line that would need wider gaps than this stays ragged
TABULAR_PITCH_EM = 0.62
MAX_WORD_LENGTH = 24  # a longer Latin word breaks anywhere; a tree number (20) never does


@dataclass(frozen=True)
class Span:
    """A piece of a line in one font that runs on at its natural advances plus the line's tracking."""

    text: str
    left_mm: float
    font_index: int


@dataclass(frozen=True)
class Setting:
    """One set line: spans relative to its left end, and its width."""

    spans: tuple[Span, ...]
    width_mm: float
    tracking_mm: float = 0.0

    @property
    def text(self) -> str:
        """The characters in reading order."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True)
class TextStyle:
    """How a text is set: size and letter-spacing in millimetres, fonts."""

    fonts: FontBook
    size_mm: float
    tracking_mm: float = 0.0


def set_line(text: str, style: TextStyle, *, tracking_mm: float | None = None) -> Setting:
    """Set a text on one line, adjacent punctuation compressed."""
    style.fonts.require(text)
    tracking = style.tracking_mm if tracking_mm is None else tracking_mm
    spans: list[Span] = []
    buffer, buffer_left, pen, expected, font = "", 0.0, 0.0, None, -1
    for index, character in enumerate(text):
        left = pen - _opener_trim(text, index) * style.size_mm
        face = style.fonts.face_index(character) or 0
        if face != font or expected is None or abs(left - expected) > 1e-9:  # noqa: PLR2004
            if buffer:
                spans.append(Span(buffer, buffer_left, font))
            buffer, buffer_left, font = "", left, face
        buffer += character
        expected = left + style.fonts.advance_em(character) * style.size_mm + tracking
        pen = expected - _closer_trim(text, index) * style.size_mm
    spans.append(Span(buffer, buffer_left, font))
    return Setting(tuple(spans), max(pen - tracking, 0.0), tracking)


def set_tabular(text: str, style: TextStyle) -> Setting:
    """Set digits and capitals on one pitch, each centred, so that serials stand under one another."""
    pitch = TABULAR_PITCH_EM * style.size_mm
    spans = tuple(
        Span(character, pitch * index + (pitch - style.fonts.advance_em(character) * style.size_mm) / 2, font)
        for index, (character, font) in enumerate(_with_fonts(text, style.fonts))
    )
    return Setting(spans, pitch * len(text))


def set_paragraph(text: str, style: TextStyle, *, width_mm: float, indent_mm: float = 0.0) -> list[Setting]:
    """Break a paragraph into lines; all but the last are stretched to the full width.

    The first line's spans start at ``indent_mm``. No line begins with a closing mark or ends with an opening one.
    """
    lines = _break_lines(text, style, width_mm=width_mm, indent_mm=indent_mm)
    settings = []
    for index, line in enumerate(lines):
        indent = 0.0 if index else indent_mm
        if index == len(lines) - 1:
            setting = set_line(line, style)
        else:
            setting = _stretched(line, style, room_mm=width_mm - indent)
        settings.append(_moved(setting, indent))
    return settings


def _stretched(line: str, style: TextStyle, *, room_mm: float) -> Setting:
    natural = set_line(line, style)
    slack = room_mm - natural.width_mm
    gap = slack / max(len(line) - 1, 1)
    if gap > MAX_STRETCH_EM * style.size_mm:
        return natural
    return set_line(line, style, tracking_mm=style.tracking_mm + gap)


def _break_lines(text: str, style: TextStyle, *, width_mm: float, indent_mm: float) -> list[str]:
    """Fill lines greedily, measuring each character once."""
    style.fonts.require(text)
    ends = list(accumulate(_pitches_mm(text, style)))
    lines, start, stop, room = [], 0, 0, width_mm - indent_mm
    for unit in _units(text):
        end = stop + len(unit)
        if stop > start and _width_mm(text, ends, start, end, style) > room:
            lines.append(text[start:stop].strip())
            start, room = stop, width_mm
        stop = end
    return [*lines, text[start:].strip()]


def _pitches_mm(text: str, style: TextStyle) -> Iterator[float]:
    """Yield what each character adds to an endless line."""
    for index, character in enumerate(text):
        trims = _closer_trim(text + " ", index) + (_opener_trim(text, index) if index else 0.0)
        yield (style.fonts.advance_em(character) - trims) * style.size_mm + style.tracking_mm


def _width_mm(text: str, ends: list[float], start: int, end: int, style: TextStyle) -> float:
    """Width of ``text[start:end]`` as a line: marks at its ends lose their empty halves."""
    natural = ends[end - 1] - (ends[start - 1] if start else 0.0)
    halves = (text[start] in OPENERS) + (text[end - 1] in CLOSERS and not _closer_trim(text + " ", end - 1))
    return natural - halves * style.size_mm / 2


def _units(text: str) -> Iterator[str]:
    """Yield the pieces between which a line may break: a character or Latin word with the marks that cling to it."""
    unit = ""
    for character in text:
        if unit and (len(unit) >= MAX_WORD_LENGTH or not _clings(unit[-1], character)):
            yield unit
            unit = ""
        unit += character
    if unit:
        yield unit


def _clings(before: str, after: str) -> bool:
    return before in OPENERS or after in CLOSERS or (_is_word(before) and _is_word(after))


def _is_word(character: str) -> bool:
    return character.isascii() and not character.isspace()


def _opener_trim(text: str, index: int) -> float:
    """Ems cut from the empty left half of an opening mark: at the line's start and after another one."""
    if text[index] not in OPENERS:
        return 0.0
    return 0.5 if index == 0 or text[index - 1] in OPENERS else 0.0


def _closer_trim(text: str, index: int) -> float:
    """Ems cut from the empty right half of a closing mark: at the line's end and before another mark."""
    if text[index] not in CLOSERS:
        return 0.0
    return 0.5 if index == len(text) - 1 or text[index + 1] in CLOSERS | OPENERS else 0.0


def _moved(setting: Setting, by_mm: float) -> Setting:
    spans = tuple(replace(span, left_mm=span.left_mm + by_mm) for span in setting.spans)
    return replace(setting, spans=spans, width_mm=setting.width_mm + by_mm)


def _with_fonts(text: str, fonts: FontBook) -> Iterator[tuple[str, int]]:
    for font, run in fonts.runs(text):
        yield from ((character, font) for character in run)
