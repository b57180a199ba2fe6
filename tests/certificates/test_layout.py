import itertools
from datetime import date

import pytest

from certificates.faces import IncompleteFace
from certificates.fonts import MissingGlyphs, normalise_name
from certificates.layout import (
    CLEARANCE_MM,
    CODE,
    COLUMN_LEFT_MM,
    COLUMN_RIGHT_MM,
    FRAME,
    LINE_HEIGHT_EM,
    MAX_BODY_LINES,
    ORNAMENT,
    PAGE_HEIGHT_MM,
    PAGE_WIDTH_MM,
    Box,
    FaceTooLong,
    Layout,
    Line,
    certificate_layout,
)
from certificates.typesetting import CLOSERS
from certificates.wording import date_in_words
from tests.certificates.faces import EXTREMES, PLANTED, donated, planted, seal_png, tree_numbers

ROUNDING_MM = 1e-6
every_extreme = pytest.mark.parametrize("face", EXTREMES.values(), ids=EXTREMES.keys())


def lines(layout: Layout, *roles: str) -> list[Line]:
    return [line for line in layout.lines if line.role in roles]


def shrunk(box: Box) -> Box:
    return box.grown(-ROUNDING_MM)


@every_extreme
def test_no_text_comes_nearer_to_the_border_than_two_per_cent(face):
    room = FRAME.grown(-CLEARANCE_MM)
    for line in certificate_layout(face).lines:
        assert room.holds(shrunk(line.box)), line.setting.text


@every_extreme
def test_no_text_comes_nearer_to_the_code_than_two_per_cent(face):
    for line in certificate_layout(face).lines:
        assert not shrunk(line.box).touches(CODE.grown(CLEARANCE_MM)), line.setting.text


@every_extreme
def test_the_seal_stands_clear_of_all_but_issuer_and_date(face):
    layout = certificate_layout(face)
    around = shrunk(layout.seal.grown(CLEARANCE_MM))
    assert not around.touches(CODE)
    assert FRAME.grown(-CLEARANCE_MM).holds(shrunk(layout.seal))
    for line in layout.lines:
        if line.role not in {"issuer", "issued"}:
            assert not around.touches(line.box), line.setting.text


@every_extreme
def test_the_seal_covers_the_first_third_of_issuer_and_date(face):
    layout = certificate_layout(face)
    block = lines(layout, "issuer", "issued")
    left, right = min(line.box.left for line in block), max(line.box.right for line in block)
    assert layout.seal.left < left
    assert left + (right - left) / 3 <= layout.seal.right + ROUNDING_MM
    assert layout.seal.right < right
    assert any(layout.seal.touches(line.box) for line in lines(layout, "issued"))


@every_extreme
def test_no_two_lines_overlap(face):
    placed = certificate_layout(face).lines
    for index, line in enumerate(placed):
        for other in placed[index + 1 :]:
            assert not shrunk(line.box).touches(other.box), (line.setting.text, other.setting.text)


@every_extreme
def test_the_title_and_text_leave_the_ornament_free(face):
    for line in certificate_layout(face).lines:
        assert not line.box.touches(ORNAMENT), line.setting.text


@every_extreme
def test_the_column_keeps_margins_of_twelve_per_cent(face):
    for line in lines(certificate_layout(face), "label", "name", "body", "note"):
        assert line.box.left >= 0.12 * PAGE_WIDTH_MM
        assert line.box.right <= 0.88 * PAGE_WIDTH_MM


@every_extreme
def test_the_body_has_at_most_five_lines_at_the_agreed_height(face):
    body = lines(certificate_layout(face), "body", "note")
    assert len(body) <= MAX_BODY_LINES
    main = [line for line in body if line.role == "body"]
    for before, after in itertools.pairwise(main):
        assert after.baseline_mm - before.baseline_mm == pytest.approx(LINE_HEIGHT_EM * after.size_mm)


@every_extreme
def test_paragraphs_begin_two_characters_in_and_no_line_begins_with_a_closing_mark(face):
    body = lines(certificate_layout(face), "body")
    assert body[0].setting.spans[0].left_mm == pytest.approx(2 * body[0].size_mm)
    assert all(line.setting.text[0] not in CLOSERS for line in body)


@every_extreme
def test_the_name_is_larger_than_the_body_or_fills_its_line(face):
    layout = certificate_layout(face)
    name, body = lines(layout, "name")[0], lines(layout, "body")[0]
    assert name.size_mm > body.size_mm or name.box.right > 0.8 * COLUMN_RIGHT_MM


def text_of(layout: Layout, *roles: str) -> str:
    return "".join(line.setting.text for line in lines(layout, *roles))


@every_extreme
def test_what_the_law_wants_said_is_always_printed(face):
    said = text_of(certificate_layout(face), "body", "note")
    duty = "不改变树木和土地的产权关系" if face.kind == "RZ" else "非财政票据，不作税前扣除凭证"
    assert duty in said


@every_extreme
def test_the_whole_name_and_serial_are_printed(face):
    layout = certificate_layout(face)
    assert text_of(layout, "name").replace(" ", "") == normalise_name(face.holder_name).replace(" ", "")
    assert text_of(layout, "serial") == face.serial


def test_the_title_is_at_least_a_twentieth_of_the_height():
    (title,) = lines(certificate_layout(PLANTED), "title")
    assert title.size_mm >= 0.05 * PAGE_HEIGHT_MM


def test_a_planting_names_trees_numbers_place_and_day():
    said = text_of(certificate_layout(PLANTED), "body", "note")
    for part in ("认种樟树、秋枫共3株", "2026年3月12日", "普宁市里湖镇善德村主题林", *PLANTED.tree_numbers):
        assert part in said


def test_an_adoption_names_its_term_and_its_holder_as_adopter():
    layout = certificate_layout(planted(verb="认养", term_until=date(2029, 3, 12)))
    assert "认养期至2029年3月12日" in text_of(layout, "body")
    assert text_of(layout, "label") == "认养人"


def test_a_donation_names_amount_purpose_and_transaction():
    said = text_of(certificate_layout(donated()), "body", "note")
    for part in ("1,234.56元", "壹仟贰佰叁拾肆元伍角陆分", "用于普宁市里湖镇善德村主题林", "尾号：009527"):
        assert part in said


def test_a_hundred_numbers_become_a_range_only_when_they_are_one():
    row, gaps = tree_numbers(100), tree_numbers(100, step=2)
    said = text_of(certificate_layout(planted(tree_count=100, tree_numbers=row)), "note")
    assert f"{row[0]}至{row[-1]}，共100株" in said
    said = text_of(certificate_layout(planted(tree_count=100, tree_numbers=gaps)), "note")
    assert f"{gaps[0]}、{gaps[1]}等100株" in said


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 1, 1), "二〇二六年一月一日"),
        (date(2026, 10, 10), "二〇二六年十月十日"),
        (date(2030, 11, 20), "二〇三〇年十一月二十日"),
        (date(2026, 12, 31), "二〇二六年十二月三十一日"),
    ],
)
def test_the_date_is_written_as_under_a_public_document(day, words):
    assert date_in_words(day) == words


@pytest.mark.parametrize(
    "changes",
    [
        {"holder_name": "虚构" * 100},
        {"issuer": "虚构绿化委员会" * 30},
        {"issuer": "甲\n乙\n丙\n丁\n戊"},
        {"dedication": "愿" * 600},
    ],
)
def test_a_text_without_room_is_refused(changes):
    with pytest.raises(FaceTooLong):
        certificate_layout(planted(**changes))


@pytest.mark.parametrize("field", ["holder_name", "issuer", "base_name", "campaign_name", "dedication", "region_name"])
def test_a_character_without_glyph_is_refused_in_every_field(field):
    with pytest.raises(MissingGlyphs) as refusal:
        certificate_layout(planted(**{field: "树🌳苗"}))
    assert refusal.value.characters == ("🌳",)


@pytest.mark.parametrize(
    "changes",
    [
        {"tree_count": None},
        {"tree_numbers": ()},
        {"species": ()},
        {"holder_name": " "},
        {"issuer": "\n"},
        {"serial": ""},
    ],
)
def test_a_planting_that_lacks_what_it_must_print_is_refused(changes):
    with pytest.raises(IncompleteFace):
        planted(**changes)


def test_a_donation_without_amount_is_refused():
    with pytest.raises(IncompleteFace):
        donated(amount_fen=None)


def test_the_seal_changes_no_line():
    assert certificate_layout(PLANTED).lines == certificate_layout(planted(seal_png=seal_png())).lines
    assert certificate_layout(PLANTED).lines[1].left_mm == COLUMN_LEFT_MM
