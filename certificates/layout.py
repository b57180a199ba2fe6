"""Where everything stands on an A4 landscape certificate, in millimetres. Picture and PDF draw the same layout."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from certificates.faces import CertificateFace
from certificates.fonts import FontBook, font_book
from certificates.typesetting import Setting, TextStyle, set_line, set_paragraph, set_tabular
from certificates.wording import CODE_CAPTION, Wording, wording

PAGE_WIDTH_MM, PAGE_HEIGHT_MM = 297.0, 210.0
FRAME_INSET_MM = 18.6  # inner edge of the border's gold line
CLEARANCE_MM = 0.02 * PAGE_WIDTH_MM
COLUMN_LEFT_MM, COLUMN_RIGHT_MM = 37.0, 260.0
COLUMN_WIDTH_MM = COLUMN_RIGHT_MM - COLUMN_LEFT_MM
LINE_HEIGHT_EM = 1.75

TITLE_SIZE_MM, TITLE_TRACKING_EM, TITLE_BASELINE_MM = 16.5, 0.2, 45.5
ORNAMENT_TOP_MM, ORNAMENT_BOTTOM_MM = 51.0, 55.0
TEXT_TOP_MM, TEXT_BOTTOM_MM = 61.0, 125.0
NAME_SIZE_MM, MIN_NAME_SIZE_MM = 9.6, 5.6
BODY_SIZE_MM, MIN_BODY_SIZE_MM = 6.3, 3.6
MAX_NAME_LINES, NAME_LINE_HEIGHT_EM = 2, 1.35
NOTE_SCALE = 0.8
MAX_BODY_LINES = 5

CODE_SIDE_MM = 0.127 * PAGE_WIDTH_MM
CODE_LEFT_MM, CODE_TOP_MM = 39.0, 131.0
CAPTION_SIZE_MM, SERIAL_SIZE_MM = 3.7, 3.5
SMALL_GAP_MM = 5.95  # below the code's quiet zone: 2 % of the width

ISSUER_AXIS_MM, ISSUER_WIDTH_MM = 214.0, 88.0
ISSUER_SIZE_MM, MIN_ISSUER_SIZE_MM = 6.0, 3.8
ISSUER_LINE_HEIGHT_EM, MAX_ISSUER_LINES = 1.5, 4
ISSUED_BASELINE_MM = 172.5
SEAL_SIDE_MM = 40.0

ROUNDING_MM = 1e-6
# Ink of the packaged serif over and under the baseline, in ems
ASCENT_EM, DESCENT_EM = 0.88, 0.14

Role = Literal["title", "label", "name", "body", "note", "caption", "serial", "issuer", "issued"]
SHRINK_STEPS = tuple(1 - step / 25 for step in range(16))


class FaceTooLong(ValueError):
    """A text does not fit its place even at the smallest readable size."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in millimetres from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by_mm: float) -> "Box":
        """Return the box with ``by_mm`` added on every side."""
        return Box(self.left - by_mm, self.top - by_mm, self.right + by_mm, self.bottom + by_mm)

    def touches(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Whether the other lies wholly inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


@dataclass(frozen=True)
class Line:
    """One set line at its place; ``left_mm`` is where its setting begins."""

    role: Role
    setting: Setting
    size_mm: float
    left_mm: float
    baseline_mm: float

    @property
    def box(self) -> Box:
        """The area that the line's ink may take."""
        left = self.left_mm + (self.setting.spans[0].left_mm if self.setting.spans else 0.0)
        top, bottom = self.baseline_mm - ASCENT_EM * self.size_mm, self.baseline_mm + DESCENT_EM * self.size_mm
        return Box(max(left, self.left_mm), top, self.left_mm + self.setting.width_mm, bottom)


@dataclass(frozen=True)
class Layout:
    """A certificate ready to be drawn: its lines, the code with its quiet zone, the seal."""

    lines: tuple[Line, ...]
    code: Box
    seal: Box


FRAME = Box(FRAME_INSET_MM, FRAME_INSET_MM, PAGE_WIDTH_MM - FRAME_INSET_MM, PAGE_HEIGHT_MM - FRAME_INSET_MM)
ORNAMENT = Box(PAGE_WIDTH_MM / 2 - 34, ORNAMENT_TOP_MM, PAGE_WIDTH_MM / 2 + 34, ORNAMENT_BOTTOM_MM)
CODE = Box(CODE_LEFT_MM, CODE_TOP_MM, CODE_LEFT_MM + CODE_SIDE_MM, CODE_TOP_MM + CODE_SIDE_MM)


def certificate_layout(face: CertificateFace, *, fonts: FontBook | None = None) -> Layout:
    """Set every text of a certificate; raise MissingGlyphs or FaceTooLong rather than spoil it."""
    book = fonts or font_book()
    words = wording(face)
    signature = tuple(_signature_lines(words, book))
    lines = (title_line(words.title, book), *_column(words, book), *_code_lines(face.serial, book), *signature)
    return Layout(lines, CODE, _seal_box(signature))


def title_line(title: str, fonts: FontBook) -> Line:
    """Set the title, letter-spaced, in the middle of the page."""
    style = TextStyle(fonts, TITLE_SIZE_MM, TITLE_TRACKING_EM * TITLE_SIZE_MM)
    return _centred("title", set_line(title, style), TITLE_SIZE_MM, PAGE_WIDTH_MM / 2, TITLE_BASELINE_MM)


def _column(words: Wording, fonts: FontBook) -> Iterator[Line]:
    """Name line and body, as one block in the middle of the space between title and code."""
    name = _name_lines(words, fonts)
    for scale in SHRINK_STEPS:
        block = [*name, *_body_lines(words, fonts, BODY_SIZE_MM * scale)]
        height = sum(advance for advance, _ in block)
        body_count = sum(line.role in {"body", "note"} for _, line in block)
        if height <= TEXT_BOTTOM_MM - TEXT_TOP_MM and body_count <= MAX_BODY_LINES:
            yield from _stacked(block, TEXT_TOP_MM + (TEXT_BOTTOM_MM - TEXT_TOP_MM - height) / 2)
            return
    raise FaceTooLong("正文过长，证书排不下")


def _stacked(block: Iterable[tuple[float, Line]], top_mm: float) -> Iterator[Line]:
    for advance, line in block:
        # the baseline stands where the ink's middle is the middle of the line's slot
        baseline = top_mm + advance / 2 + (ASCENT_EM - DESCENT_EM) / 2 * line.size_mm
        top_mm += advance
        yield Line(line.role, line.setting, line.size_mm, line.left_mm, line.baseline_mm + baseline)


def _name_lines(words: Wording, fonts: FontBook) -> list[tuple[float, Line]]:
    label_size = BODY_SIZE_MM * NOTE_SCALE
    label = set_line(words.holder_label, TextStyle(fonts, label_size))
    left = COLUMN_LEFT_MM + label.width_mm + 0.9 * label_size
    size, settings = _fitted_name(words.holder_name, fonts, COLUMN_RIGHT_MM - left)
    slots = [NAME_LINE_HEIGHT_EM * size] * (len(settings) - 1) + [LINE_HEIGHT_EM * size]
    lines = [(slot, Line("name", setting, size, left, 0.0)) for slot, setting in zip(slots, settings, strict=True)]
    # the label shares the first name's baseline: it takes no height of its own
    drop = slots[0] / 2 + (ASCENT_EM - DESCENT_EM) / 2 * (size - label_size)
    return [(0.0, Line("label", label, label_size, COLUMN_LEFT_MM, drop)), *lines]


def _fitted_name(name: str, fonts: FontBook, room_mm: float) -> tuple[float, list[Setting]]:
    for scale in SHRINK_STEPS:
        size = max(NAME_SIZE_MM * scale, MIN_NAME_SIZE_MM)
        setting = set_line(name, TextStyle(fonts, size))
        if setting.width_mm <= room_mm:
            return size, [setting]
    lines = set_paragraph(name, TextStyle(fonts, MIN_NAME_SIZE_MM), width_mm=room_mm)
    if len(lines) > MAX_NAME_LINES or any(line.width_mm > room_mm + ROUNDING_MM for line in lines):
        raise FaceTooLong("姓名过长，证书排不下")
    return MIN_NAME_SIZE_MM, lines


def _body_lines(words: Wording, fonts: FontBook, size_mm: float) -> Iterator[tuple[float, Line]]:
    texts: list[tuple[Role, str, float]] = [("body", words.body, size_mm)]
    texts += [("note", note, size_mm * NOTE_SCALE) for note in words.notes]
    for role, text, size in texts:
        style = TextStyle(fonts, size)
        for setting in set_paragraph(text, style, width_mm=COLUMN_WIDTH_MM, indent_mm=2 * size_mm):
            yield LINE_HEIGHT_EM * size, Line(role, setting, size, COLUMN_LEFT_MM, 0.0)


def _code_lines(serial: str, fonts: FontBook) -> Iterator[Line]:
    axis = (CODE.left + CODE.right) / 2
    caption = set_line(CODE_CAPTION, TextStyle(fonts, CAPTION_SIZE_MM, 0.3 * CAPTION_SIZE_MM))
    baseline = CODE.bottom + SMALL_GAP_MM + ASCENT_EM * CAPTION_SIZE_MM
    yield _centred("caption", caption, CAPTION_SIZE_MM, axis, baseline)
    number = set_tabular(serial, TextStyle(fonts, SERIAL_SIZE_MM))
    yield _centred("serial", number, SERIAL_SIZE_MM, axis, baseline + 1.45 * SERIAL_SIZE_MM)


def _signature_lines(words: Wording, fonts: FontBook) -> Iterator[Line]:
    size, settings = _fitted_issuer(words.issuer_lines, fonts)
    pitch = ISSUER_LINE_HEIGHT_EM * size
    first = ISSUED_BASELINE_MM - pitch * len(settings)
    for index, setting in enumerate(settings):
        yield _centred("issuer", setting, size, ISSUER_AXIS_MM, first + index * pitch)
    issued = set_line(words.issued, TextStyle(fonts, size))
    yield _centred("issued", issued, size, ISSUER_AXIS_MM, ISSUED_BASELINE_MM)


def _fitted_issuer(authorities: tuple[str, ...], fonts: FontBook) -> tuple[float, list[Setting]]:
    for scale in SHRINK_STEPS:
        size = max(ISSUER_SIZE_MM * scale, MIN_ISSUER_SIZE_MM)
        style = TextStyle(fonts, size)
        settings = [
            line for authority in authorities for line in set_paragraph(authority, style, width_mm=ISSUER_WIDTH_MM)
        ]
        if len(settings) <= MAX_ISSUER_LINES:
            return size, settings
    raise FaceTooLong("颁发机关名称过长，证书排不下")


def _seal_box(signature: tuple[Line, ...]) -> Box:
    """The seal stands over the first third of issuer and date, as a stamp does."""
    left, right = min(line.box.left for line in signature), max(line.box.right for line in signature)
    top, bottom = signature[0].box.top, signature[-1].box.bottom
    centre_x, centre_y = left + (right - left) / 6, (top + bottom) / 2
    lowest = FRAME.bottom - CLEARANCE_MM - SEAL_SIDE_MM / 2
    centre_y = min(centre_y, lowest)
    half = SEAL_SIDE_MM / 2
    return Box(centre_x - half, centre_y - half, centre_x + half, centre_y + half)


def _centred(role: Role, setting: Setting, size_mm: float, axis_mm: float, baseline_mm: float) -> Line:
    return Line(role, setting, size_mm, axis_mm - setting.width_mm / 2, baseline_mm)
