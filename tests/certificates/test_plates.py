from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from certificates.codes import make_token
from certificates.faces import PlateFace
from certificates.fonts import MissingGlyphs
from certificates.layout import FaceTooLong
from certificates.plates import (
    CODE_INSET_MM,
    PLATE_HEIGHT_MM,
    PLATE_WIDTH_MM,
    SYMBOL_SIDE_MM,
    TEXT_LEFT_MM,
    TEXT_WIDTH_MM,
    code_side_mm,
    number_lines,
    plate_preview,
    plate_sheets,
)
from certificates.qr import code_matrix
from tests.certificates.faces import KEYS, PLATE, RARE_NAME, tree_numbers

DOTS_PER_MM = 12
LONG = replace(
    PLATE,
    adopter=RARE_NAME,
    base_name="虚构村“互联网＋全民义务植树”示范林",
    office="普宁市虚构绿化委员会办公室暨里湖镇人民政府监制",
)
FACES = {
    "plain": PLATE,
    "everything long": LONG,
    "longer host": replace(LONG, url=PLATE.url.replace("T.EXAMPLE", "TREES.EXAMPLE")),
    "longest Latin name": replace(PLATE, latin="Metasequoia glyptostroboides var. caespitosa"),
    "neither Latin nor adopter": replace(PLATE, latin=None, adopter=None, species="樟"),
    "long species": replace(PLATE, species="大叶紫薇虚构品种"),
}
every_face = pytest.mark.parametrize("face", FACES.values(), ids=FACES.keys())


def plates(count: int) -> Iterator[PlateFace]:
    for index, number in enumerate(tree_numbers(count)):
        token = make_token((index + 1) * 0x9E3779B97 % 2**40, KEYS, purpose="T")
        yield replace(PLATE, number=number, url=f"HTTPS://T.EXAMPLE/T/{token}")


def preview(face: PlateFace) -> Image.Image:
    return Image.open(BytesIO(plate_preview(face, dots_per_inch=round(DOTS_PER_MM * 25.4)))).convert("L")


def code_left_mm(face: PlateFace) -> float:
    return PLATE_WIDTH_MM - CODE_INSET_MM - code_side_mm(code_matrix(face.url))


@every_face
def test_nothing_stands_in_the_quiet_zone(face):
    picture = preview(face)
    scale = picture.width / PLATE_WIDTH_MM
    side = code_side_mm(code_matrix(face.url))
    quiet = (side - SYMBOL_SIDE_MM) / 2
    left, top = code_left_mm(face), (PLATE_HEIGHT_MM - side) / 2
    around = picture.crop((round(left * scale), 0, picture.width, picture.height))
    inner = tuple(
        round(mm * scale) for mm in (quiet, top + quiet, quiet + SYMBOL_SIDE_MM, top + quiet + SYMBOL_SIDE_MM)
    )
    around.paste(255, (inner[0] - 1, inner[1] - 1, inner[2] + 1, inner[3] + 1))
    assert around.getextrema() == (255, 255)


@every_face
def test_text_keeps_its_column_and_clear_of_the_cut(face):
    picture = preview(face)
    scale = picture.width / PLATE_WIDTH_MM
    column = picture.crop((0, 0, round(code_left_mm(face) * scale), picture.height))
    left, top, right, bottom = column.point(lambda grey: 255 * (grey < 200)).getbbox()
    assert left >= (TEXT_LEFT_MM - 0.3) * scale
    assert right <= (TEXT_LEFT_MM + TEXT_WIDTH_MM + 0.4) * scale
    assert top >= 3 * scale
    assert bottom <= (PLATE_HEIGHT_MM - 3) * scale


@every_face
def test_the_symbol_is_36_mm_wide_and_reads(face):
    picture = preview(face)
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.text == face.url
    corners = code.position
    assert corners.top_right.x - corners.top_left.x == pytest.approx(36 * picture.width / 80, rel=0.02)


def test_lines_of_a_full_plate_do_not_overlap():
    picture = preview(LONG)
    column = picture.crop((0, 0, round(32 * DOTS_PER_MM), picture.height)).point(lambda grey: 255 * (grey < 200))
    inked = [column.crop((0, y, column.width, y + 1)).getbbox() is not None for y in range(column.height)]
    blocks = sum(after and not before for before, after in zip([False, *inked], inked, strict=False))
    # species, Latin, rule, two lines of number, two of base, adopter, two of office
    assert blocks == 10


def test_a_number_is_written_in_groups_that_can_be_read_aloud():
    assert number_lines("4452811012012600017U") == ("4452 8110 1201", "26 00017 U")


def test_sheets_hold_ten_plates_a_page_and_every_plate_in_order():
    sheets = list(plate_sheets(plates(23), part_size=20))
    readers = [pypdf.PdfReader(BytesIO(sheet)) for sheet in sheets]
    assert [len(reader.pages) for reader in readers] == [2, 1]
    said = (
        "".join(page.extract_text() for reader in readers for page in reader.pages).replace("\n", "").replace(" ", "")
    )
    places = [said.index(number) for number in tree_numbers(23)]
    assert places == sorted(places)
    assert said.count("红花风铃木") == 23


def test_a_page_is_a4_upright():
    (sheet,) = plate_sheets(plates(1))
    box = pypdf.PdfReader(BytesIO(sheet)).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (595, 842)


def test_plates_are_taken_only_as_they_are_needed():
    taken = []

    def counted() -> Iterator[PlateFace]:
        for plate in plates(9):
            taken.append(plate)
            yield plate

    sheets = plate_sheets(counted(), part_size=3)
    next(sheets)
    assert len(taken) == 3


def test_no_plates_give_no_sheet():
    assert list(plate_sheets([])) == []


def test_same_plates_give_the_same_bytes():
    assert list(plate_sheets(plates(3))) == list(plate_sheets(plates(3)))


def test_memory_stays_flat_from_part_to_part():
    sizes = [resident_megabytes() for _ in plate_sheets(plates(720), part_size=60)]
    assert max(sizes[6:]) - sizes[5] <= 8


def resident_megabytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 // 2**20


def test_an_adopter_who_is_not_named_leaves_no_label():
    (sheet,) = plate_sheets([replace(PLATE, adopter=None)])
    assert "认养人" not in pypdf.PdfReader(BytesIO(sheet)).pages[0].extract_text()


@pytest.mark.parametrize("field", ["species", "latin", "base_name", "adopter", "office"])
def test_a_missing_glyph_is_refused_in_every_field(field):
    with pytest.raises(MissingGlyphs):
        list(plate_sheets([replace(PLATE, **{field: "🌳"})]))


def test_a_text_without_room_is_refused():
    with pytest.raises(FaceTooLong):
        list(plate_sheets([replace(PLATE, base_name="虚构" * 60)]))


def test_a_part_holds_at_least_one_plate():
    with pytest.raises(ValueError, match="at least one"):
        list(plate_sheets(plates(1), part_size=0))


def test_a_sheet_carries_no_day_that_would_change_its_bytes():
    (sheet,) = plate_sheets(plates(1))
    assert pypdf.PdfReader(BytesIO(sheet)).metadata.creation_date is None
